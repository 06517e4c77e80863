# Unit tests by ctest, end-to-end tests by pytest, and the tally of both. Sourced by ./run test.

results=$kept/results
unit_tests=()   # names for ctest
test_files=()   # files for pytest
test_words=     # expression for pytest's -k

# A NAME is `unit` for all unit tests, `threads` for the end-to-end tests worth running under the thread sanitizer,
# `console` and `end_to_end` for all files of that folder of tests/, one unit test, a file of either folder (with or
# without test_ and .py), or a word in a test's name.
sort_names() {
    local name file known
    known=$(ctest --test-dir "build/$preset" -N | sed -n 's/^ *Test *#[0-9]*: //p')
    for name in "$@"; do
        if [ "$name" = unit ]; then
            mapfile -t unit_tests <<<"$known"
            continue
        elif [ "$name" = threads ]; then
            mapfile -t test_files < <(grep -lE '^pytestmark = pytest\.mark\.threads$' tests/end_to_end/*.py)
            continue
        elif [ "$name" = console ] || [ "$name" = end_to_end ]; then
            test_files+=("tests/$name"/test_*.py)
            continue
        fi
        file=$(basename "$name" .py)
        file=$(ls tests/{end_to_end,console}/"test_${file#test_}.py" 2>/dev/null || true)
        if [ -n "$file" ]; then
            test_files+=("$file")
        elif ! grep -qxF -- "$name" <<<"$known"; then
            test_words+="${test_words:+ or }$name"
        fi
        ! grep -qxF -- "$name" <<<"$known" || unit_tests+=("$name")
    done
}

# "a" "b" -> ^(a|b)$
exactly() {
    local IFS='|'
    echo "^($*)\$"
}

run_unit_tests() {
    local only=()
    [ ${#unit_tests[@]} = 0 ] || only=(-R "$(exactly "${unit_tests[@]}")")
    run_child ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 300 -j "$(nproc)" \
        --output-junit "$results/unit.xml" "${only[@]}"
}

# Many tests wait rather than work, so there are two workers more than there are cores.
workers() {
    local most=$(($(nproc) < 4 ? $(nproc) + 2 : 6))
    if [ -z "$test_words" ] && [ ${#test_files[@]} -gt 0 ] && [ ${#test_files[@]} -lt $most ]; then
        most=${#test_files[@]}
    fi
    echo "${TEST_WORKERS:-$most}"
}

run_end_to_end_tests() {
    local only=()
    [ -z "$test_words" ] || only=(-k "$test_words")
    VERBATIM_BINARY=${VERBATIM_BINARY:-$root/build/$preset/verbatim} \
        run_child "$python" -B tools/spread.py "$(workers)" "$results" -q -p no:cacheprovider \
        "${only[@]}" "${test_files[@]}"
}

# test_all [NAME...]: both kinds run even if the first one fails; the last line is the tally.
test_all() {
    local unit=0 end_to_end=0
    rm -rf "$results"
    mkdir -p "$results"
    sort_names "$@"
    if [ $# = 0 ] || [ ${#unit_tests[@]} -gt 0 ]; then
        run_unit_tests || unit=$?
    fi
    if [ $# = 0 ] || [ ${#test_files[@]} -gt 0 ] || [ -n "$test_words" ]; then
        run_end_to_end_tests || end_to_end=$?
    fi
    [ -z "$s3_note" ] || echo "$s3_note"
    [ -z "$schemathesis_note" ] || echo "$schemathesis_note"
    [ -z "$axe_note" ] || echo "$axe_note"
    "$python" -B tools/tally.py "unit=$unit" "end_to_end=$end_to_end" "$results"
}
