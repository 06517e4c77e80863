# ./run test real poolers: exports behind poolers that Debian's stable release has not, or has older. Prints lines of
# docs/operator.md. They come from Debian's next release (sid), unpacked into .run/debian. A minute. Sourced by
# tools/real.sh.

# They run as another user than root, who may not look into root's home.
run_real_poolers() {
    unpack_debian poolers sid pgbouncer odyssey || fail "the poolers could not be had: see .run/debian-poolers.log"
    poolers_copy=$(mktemp -d /var/tmp/verbatim-poolers-XXXXXX)
    trap 'rm -rf "$poolers_copy"' EXIT
    chmod 755 "$poolers_copy"
    cp -r "$kept/debian/poolers/." "$poolers_copy/"
    VERBATIM_POOLERS=$poolers_copy real_test test_poolers.py
}
