# ./run test real package [WORD]: the Debian package on bare machines of Debian 12 and 13 (debootstrap) under their own
# systemd: installed, run, upgraded, removed, purged; lintian, systemd-analyze, SPDX; built twice with the same bytes.
# Wants root.

run_real_package() {
    [ "$(id -u)" = 0 ] || fail "machines of their own want root"
    . tools/package.sh
    local release status=0
    echo "installing what is missing of: debootstrap ${package_packages[*]}"
    install_packages "${build_packages[@]}" "${test_packages[@]}" "${package_packages[@]}" debootstrap python3-venv
    for release in bookworm trixie; do
        run_package "$release"
        package_on "$release" "$kept/package/again-$release"
        VERBATIM_PACKAGE=$package_output-$release VERBATIM_PACKAGE_AGAIN=$kept/package/again-$release \
            VERBATIM_PACKAGE_RELEASE=$release \
            run_child "$python" -B -m pytest -q -rP --no-header -p no:cacheprovider tests/real/test_package.py \
            tests/real/test_install_guide.py ${1:+-k "$1"} || status=1
    done
    return $status
}
