# ./run test real readers: programs that people read exports with, each by its line of docs/reading.md, on hard texts.
# Sourced by tools/real.sh. Runs tests/real/test_readers*.py.
#
# Installed below .run/readers, each by its pinned version: readers_python (PyPI), readers_node (npm), opencsv and what
# it needs (Maven Central). From Debian: nodejs, npm, a JDK, R.

readers_python=(pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1 chdb==4.4.0 pyspark==4.0.1)
readers_node=(xlsx@0.18.5 papaparse@5.7.1)
readers_java=(com/opencsv/opencsv/5.12.0 org/apache/commons/commons-lang3/3.18.0 org/apache/commons/commons-text/1.14.0)

prepare_readers() {
    local folder=$kept/readers stamp each name version
    mkdir -p "$folder/npm" "$folder/jars"
    stamp=$(sha256sum <tools/real/readers.sh)
    [ "$stamp" != "$(cat "$folder/stamp" 2>/dev/null)" ] || return 0
    echo "installing into .run/readers: ${readers_python[*]}, ${readers_node[*]}, ${readers_java[*]}"
    "$python" -m venv "$folder/venv"
    "$folder/venv/bin/pip" -q install --disable-pip-version-check "${readers_python[@]}" >"$folder/pip.log" 2>&1 ||
        fail "pip failed: .run/readers/pip.log"
    (cd "$folder/npm" && npm install --no-audit --no-fund "${readers_node[@]}" >npm.log 2>&1) ||
        fail "npm failed: .run/readers/npm/npm.log"
    for each in "${readers_java[@]}"; do
        version=${each##*/} name=${each%/*} name=${name##*/}
        curl -sfL --retry 3 -o "$folder/jars/$name.jar" \
            "https://repo1.maven.org/maven2/$each/$name-$version.jar" ||
            fail "Maven Central has no $name $version, or could not be reached"
    done
    echo "$stamp" >"$folder/stamp"
}

run_real_readers() {
    local missing=()
    command -v node >/dev/null || missing+=(nodejs npm)
    command -v javac >/dev/null || missing+=(default-jdk-headless)
    command -v Rscript >/dev/null || missing+=(r-base-core)
    install_packages "${build_packages[@]}" "${test_packages[@]}" curl "${missing[@]}"
    build_quietly "$preset"
    prepare_readers
    [ $# -gt 0 ] || set -- tests/real/test_readers*.py
    READERS_TOOLS=$kept/readers VERBATIM_BINARY=$root/build/$preset/verbatim \
        run_child "$python" -B -m pytest -q -rP -p no:cacheprovider "$@"
}
