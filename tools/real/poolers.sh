# ./run test real poolers: exports behind poolers that Debian's stable release has not, or has older. Prints lines of
# docs/operator.md. The programs and the libraries they want come from Debian's next release (sid), unpacked below
# .run/poolers, never installed. A minute. Sourced by tools/real.sh.

poolers_packages=(pgbouncer odyssey libc6 libgcc-s1 libcares2 libevent-2.1-7t64 libssl3t64 libsystemd0 libpam0g
    libaudit1 libcap-ng0 libcap2 zlib1g libzstd1 libldap2 libsasl2-2 libpq5 liburing2 libcrypt1 libgssapi-krb5-2
    libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libcom-err2 liblz4-1 liblzma5 libgcrypt20 libgpg-error0
    libselinux1 libpcre2-8-0)

# With lists and settings of its own, so that this machine's apt hears nothing of that release.
fetch_poolers() {
    local folder=$kept/poolers apt options package
    [ ! -x "$folder/root/usr/bin/odyssey" ] || return 0
    apt=$folder/apt
    echo "unpacking from Debian's sid into .run/poolers: ${poolers_packages[*]:0:2}, with their libraries"
    rm -rf "$folder"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/debs" "$folder/root"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" \
        >"$apt/sources.list"
    options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
        -o Dir::State::status=/dev/null -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    run_child apt-get "${options[@]}" -q update >"$kept/poolers.log" 2>&1 || return 1
    (cd "$folder/debs" && apt-get "${options[@]}" -q download "${poolers_packages[@]}" >>"$kept/poolers.log" 2>&1) ||
        return 1
    for package in "$folder"/debs/*.deb; do
        dpkg -x "$package" "$folder/root" || return 1
    done
    rm -rf "$apt" "$folder/debs"
}

# They run as another user than root, who may not look into root's home.
run_real_poolers() {
    fetch_poolers || fail "the poolers could not be had: see .run/poolers.log"
    poolers_copy=$(mktemp -d /var/tmp/verbatim-poolers-XXXXXX)
    trap 'rm -rf "$poolers_copy"' EXIT
    chmod 755 "$poolers_copy"
    cp -r "$kept/poolers/root/." "$poolers_copy/"
    VERBATIM_POOLERS=$poolers_copy real_test test_poolers.py
}
