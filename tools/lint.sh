#!/usr/bin/env bash
# Everything about the sources that a tool can check. Each check prints one line, what it found above it;
# the last line is the tally. Run by ./run lint, from the root of the checkout.
set -uo pipefail

. tools/build.sh

passed=0 failed=0
# check NAME COMMAND...
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "failed  $name"
    fi
}

formatting() { c_files | xargs -0 clang-format --dry-run -Werror; }

# One file a process, as many at a time as there are cores; only files that the build compiles.
clang_tidy() {
    local known
    known=$(sed -n 's/^ *"file": "\(.*\.c\)",*$/\1/p' build/clang/compile_commands.json | grep -v "/build/")
    xargs -d '\n' -P "$(nproc)" -n 1 clang-tidy -p build/clang --quiet <<<"$known" 2>/dev/null
}

# Functions that cannot be used safely, or have a better sibling in base/.
forbidden_functions() {
    local words='sprintf|vsprintf|strcpy|stpcpy|strcat|strncat|strtok|gets|atoi|atol|atoll|atof|alloca|mktemp|tmpnam'
    ! c_files | xargs -0 grep -nE "(^|[^A-Za-z0-9_])($words) *\("
}

# Lines that a reader has to scroll for: what clang-format cannot break, or does not know.
long_lines() {
    ! c_files | LC_ALL=C.UTF-8 xargs -0 grep -nE '^.{101,}' || return 1
    ! git ls-files -- '*.py' '*.sh' '*.sql' '*CMakeLists.txt' '*.cmake' run .ci/run | xargs -d '\n' awk '
        length($0) > 120 {print FILENAME ":" FNR ": " length($0) " characters"; found = 1} END {exit !found}'
}

shell_syntax() {
    local file status=0
    for file in run .ci/run tools/*.sh; do bash -n "$file" || status=1; done
    return $status
}

check formatting formatting
check "forbidden functions" forbidden_functions
check "shell syntax" shell_syntax
check "long lines" long_lines
check "rooms" python3 tools/check_rooms.py
check "unused functions" python3 tools/check_unused.py
check "routes documented" python3 tools/check_routes.py
check "paths named" python3 tools/check_paths.py
check clang-tidy clang_tidy
echo "$passed passed, $failed failed"
[ $failed = 0 ]
