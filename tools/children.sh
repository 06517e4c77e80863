# Running one child at a time in its own process group, and ending the whole group with this script.
# Sourced by ./run. SIGTERM lets the child stop its servers by itself; who is left after 15 s is killed.

child=

end_child() {
    [ -n "$child" ] || return 0
    local tries=150
    kill -TERM -- "-$child" 2>/dev/null || return 0
    while kill -0 -- "-$child" 2>/dev/null && [ $((tries -= 1)) -gt 0 ]; do
        sleep 0.1
    done
    kill -KILL -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
}

# Ends as a program ends that the signal killed, so that callers see why.
interrupted() {
    trap - INT TERM HUP
    end_child
    undo_install_settings
    kill "-$1" $$
}
trap 'interrupted INT' INT
trap 'interrupted TERM' TERM
trap 'interrupted HUP' HUP

# Job control gives the child a process group of its own and leaves SIGINT at its default. The group
# gets SIGTERM also when this script is killed without a chance to say so.
run_child() {
    local status=0
    set -m
    setpriv --pdeathsig TERM "$@" </dev/null &
    child=$!
    set +m
    wait "$child" || status=$?
    end_child # whatever the child left behind
    child=
    return $status
}
