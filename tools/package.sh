# ./run package: a Debian package of the working tree, its bill of materials beside it. Sourced by ./run.
#
# The files that git knows are copied to .run/package/source and built there by debhelper (debian/), against the
# libraries of this machine. What comes out lies in build/package/. The time in all of it is that of debian/changelog's
# first entry.

package_output=$root/build/package
package_packages=(debhelper lintian dpkg-dev)
spdx_tools_version=0.8.3

copy_source() {
    local to=$1
    rm -rf "$to"
    mkdir -p "$to"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' name; do
        [ ! -e "$name" ] || printf '%s\0' "$name"
    done | tar -c --null -T - | tar -x -C "$to"
}

package_version() {
    local named built
    named=$(dpkg-parsechangelog -S Version)
    built=$(sed -n 's/^project(verbatim VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
    [ "${named%%[-+~]*}" = "$built" ] ||
        fail "debian/changelog says version $named, CMakeLists.txt $built"
    echo "$named"
}

# build_deb FOLDER: builds a copy of the sources there; packages come to lie in FOLDER itself.
build_deb() {
    local folder=$1 log=$kept/package.log
    copy_source "$folder/source"
    SOURCE_REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
    export SOURCE_REVISION
    (cd "$folder/source" && run_child nice dpkg-buildpackage -b -us -uc -ui) >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "the package cannot be built; all of the output is in $log"
    }
}

# PyPI's spdx-tools judge the bill where they can be had.
install_spdx_tools() {
    local venv=$kept/venv-spdx
    [ ! -x "$venv/bin/pyspdxtools" ] || return 0
    echo "installing from PyPI into .run/venv-spdx: spdx-tools $spdx_tools_version and what it needs"
    rm -rf "$venv"
    "$python" -m venv "$venv" >"$kept/pip.log" 2>&1 &&
        run_child timeout 300 "$venv/bin/pip" install --no-input --disable-pip-version-check --no-compile \
            "spdx-tools==$spdx_tools_version" >>"$kept/pip.log" 2>&1 || rm -rf "$venv"
}

check_bill() {
    install_spdx_tools
    if [ ! -x "$kept/venv-spdx/bin/pyspdxtools" ]; then
        echo "the bill of materials is not validated: PyPI could not be reached (see .run/pip.log)"
        return
    fi
    "$kept/venv-spdx/bin/pyspdxtools" -i "$1" || fail "the bill of materials is not valid SPDX: $1"
}

check_package() {
    lintian --fail-on error,warning --suppress-tags-from-file /dev/null "$1" || fail "lintian is not content with $1"
}

# package_into FOLDER: package and bill, without checks.
package_into() {
    local folder=$1 deb version
    version=$(package_version)
    build_deb "$kept/package"
    deb=verbatim_${version}_$(dpkg --print-architecture)
    mkdir -p "$folder"
    cp "$kept/package/$deb.deb" "$folder/"
    SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp) "$python" -B packaging/sbom.py "$folder/$deb.deb" \
        >"$folder/$deb.spdx.json"
}

# package_on RELEASE FOLDER: the same on a bare machine of that release of Debian; libraries have other names there.
package_on() {
    local release=$1 folder=$2
    package_version >/dev/null
    copy_source "$kept/package/on-$release"
    SOURCE_REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || true) \
        run_child "$python" -B tools/package_on.py "$release" "$kept/package/on-$release" "$folder" \
        >"$kept/package-$release.log" 2>&1 || {
        tail -n 40 "$kept/package-$release.log" >&2
        fail "the package cannot be built on $release; all of the output is in $kept/package-$release.log"
    }
}

# run_package [RELEASE]: for this machine's release, or on a bare machine of another one.
run_package() {
    command -v dpkg-query >/dev/null || fail "a Debian package is built on Debian"
    local release=${1:-} folder=$package_output deb
    install_packages "${build_packages[@]}" "${package_packages[@]}" python3-venv
    if [ -n "$release" ]; then
        folder+=-$release
        install_packages debootstrap
        rm -rf "$folder"
        package_on "$release" "$folder"
    else
        rm -rf "$folder"
        package_into "$folder"
        check_package "$(echo "$folder"/*.deb)"
    fi
    deb=$(echo "$folder"/*.deb)
    check_bill "${deb%.deb}.spdx.json"
    (cd "$folder" && sha256sum -- *)
}
