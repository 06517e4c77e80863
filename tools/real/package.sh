# ./run test real package [WORD]: the Debian package on bare machines of Debian 12 and 13 (debootstrap) under their own
# systemd: installed, run, upgraded, removed, purged; lintian, systemd-analyze, SPDX; built twice with the same bytes.
# Wants root.

run_real_package() {
    [ "$(id -u)" = 0 ] || fail "machines of their own want root"
    . tools/package.sh
    echo "installing what is missing of: debootstrap ${package_packages[*]}"
    install_packages "${build_packages[@]}" "${test_packages[@]}" "${package_packages[@]}" debootstrap
    [ -n "${VERBATIM_PACKAGE:-}" ] || run_package
    if [ -z "${VERBATIM_PACKAGE_AGAIN:-}" ]; then
        kept=$kept/again
        mkdir -p "$kept"
        package_into "$kept/package-again"
        VERBATIM_PACKAGE_AGAIN=$kept/package-again
        kept=$root/.run
    fi
    export VERBATIM_PACKAGE=${VERBATIM_PACKAGE:-$package_output} VERBATIM_PACKAGE_AGAIN
    run_child "$python" -B -m pytest -q -rP --no-header -p no:cacheprovider tests/real/test_package.py \
        ${1:+-k "$1"}
}
