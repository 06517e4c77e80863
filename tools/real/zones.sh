# ./run test real zones: every zone of several releases of the zone database against Python, and one export by
# machines of two releases. Sourced by tools/real.sh. From PyPI, below .run/zones: tzdata of each release (slim files).

zones_releases=(2020.1 2023.3 2025.2 2026.6)

run_real_zones() {
    local folder=$kept/zones release
    install_packages "${build_packages[@]}" "${test_packages[@]}"
    build_quietly "$preset"
    for release in "${zones_releases[@]}"; do
        [ ! -d "$folder/$release/tzdata" ] || continue
        echo "installing from PyPI into .run/zones: tzdata $release"
        [ -x "$folder/venv/bin/pip" ] || "$python" -m venv "$folder/venv"
        "$folder/venv/bin/pip" -q install --disable-pip-version-check --target "$folder/$release" "tzdata==$release" \
            >"$folder/pip.log" 2>&1 || fail "pip failed: .run/zones/pip.log"
    done
    ZONES_RELEASES=$folder VERBATIM_BINARY=$root/build/$preset/verbatim \
        run_child "$python" -B -m pytest -q -rP -p no:cacheprovider tests/real/test_zones.py "$@"
}
