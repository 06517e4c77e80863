# Tests that go on for as long as one likes and take what they do from a seed. Sourced by ./run torture.

torture_names() {
    (cd tests/torture && ls -- *.py) | sed 's/\.py$//'
}

# torture NAME [ARGUMENT...]
torture() {
    local name=${1:-}
    if ! torture_names | grep -qxF -- "$name"; then
        fail "usage: ./run torture NAME [ARGUMENT...]; there are: $(torture_names | tr '\n' ' ')"
    fi
    shift
    VERBATIM_BINARY=${VERBATIM_BINARY:-$root/build/$preset/verbatim} \
        run_child "$python" -B "tests/torture/$name.py" "$@"
}
