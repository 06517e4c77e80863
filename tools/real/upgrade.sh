# ./run test real upgrade: the version before, built from the newest commit whose schema is older (or from
# VERBATIM_PREVIOUS_COMMIT), and this one on one database while exports run; in both directions.

# The parent of the commit that brought the newest migration.
previous_commit() {
    local newest
    newest=$(find service/database/schema -name '0*.sql' | sort | tail -n 1)
    git log -1 --format=%H --diff-filter=A -- "$newest" | sed 's/$/^/'
}

build_previous() {
    local commit=$1 folder=$kept/upgrade/$1
    [ ! -x "$folder/build/release/verbatim" ] || return 0
    echo "building the version before, commit $commit, in .run/upgrade"
    rm -rf "$folder"
    mkdir -p "$folder"
    git archive "$commit" | tar -x -C "$folder"
    (cd "$folder" && run_child cmake --preset release && run_child nice cmake --build --preset release \
        --target verbatim) >"$kept/upgrade.log" 2>&1 || {
        tail -n 30 "$kept/upgrade.log" >&2
        fail "the version before cannot be built; all of the output is in $kept/upgrade.log"
    }
}

run_real_upgrade() {
    local commit
    install_packages "${build_packages[@]}" "${test_packages[@]}"
    build_quietly "$preset"
    commit=$(git rev-parse "${VERBATIM_PREVIOUS_COMMIT:-$(previous_commit)}")
    build_previous "$commit"
    VERBATIM_PREVIOUS=$kept/upgrade/$commit/build/release/verbatim real_test test_upgrade.py
}
