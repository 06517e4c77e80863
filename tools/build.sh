# Building a CMake preset, and the list of C files. Sourced by ./run.

preset=${VERBATIM_PRESET:-release}
python=/usr/bin/python3 # Debian's own, for which the python3-* packages are

# build_preset PRESET [CMAKE OPTION...]
build_preset() {
    local name=$1
    shift
    if [ ! -f "build/$name/build.ninja" ] || [ $# -gt 0 ]; then
        run_child cmake --preset "$name" "$@" >"$kept/cmake-$name.log" 2>&1 || {
            cat "$kept/cmake-$name.log" >&2
            fail "cmake --preset $name failed"
        }
    fi
    run_child cmake --build --preset "$name" -j "$(nproc)"
}

# build_quietly PRESET: a log instead of a line for each file, for commands whose own output matters.
build_quietly() {
    local log=$kept/build-$1.log
    [ -d "build/$1" ] || echo "building to build/$1/: about a minute, once (log: ${log#"$root"/})"
    build_preset "$1" >"$log" 2>&1 || {
        tail -n 60 "$log" >&2
        fail "the build failed; all of its output is in $log"
    }
}

c_files() {
    find base export include s3 service tests -name '*.[ch]' -print0 | sort -z
}
