#!/usr/bin/env bash
# fuzz.sh NAME SECONDS: builds tests/fuzz/fuzz_NAME.c with clang and runs it. What it learns is kept in
# .run/fuzz/NAME; an input that breaks something is left there as crash-... and the exit status is 1.
set -euo pipefail
name=$1 seconds=$2
if [ ! -f "tests/fuzz/fuzz_$name.c" ]; then
    echo "no such target; there are: $(ls tests/fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/' | xargs)" >&2
    exit 2
fi
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target "fuzz_$name"
mkdir -p ".run/fuzz/$name"
seeds=()
[ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
exec "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=20000 -print_final_stats=1 \
    -artifact_prefix=".run/fuzz/$name/" ".run/fuzz/$name" "${seeds[@]}"
