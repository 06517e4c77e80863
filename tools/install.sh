# Debian packages: which ones each command needs, and installing those that are missing.
# Sourced by ./run. Starts no service, creates no PostgreSQL cluster, and takes no time when nothing is missing.

build_packages=(
    cmake ninja-build gcc libc6-dev pkg-config
    libpq-dev libcurl4-openssl-dev libssl-dev libevent-dev libjansson-dev libisal-dev libglib2.0-dev libexpat1-dev
    libpango1.0-dev libcairo2-dev libpng-dev librsvg2-dev
    libcmocka-dev libzip-dev
)
# What PDF is set in; without them such an export fails and says which is missing.
font_packages=(fonts-noto-core fonts-wqy-microhei fonts-noto-color-emoji)
demo_packages=("${font_packages[@]}" postgresql curl ca-certificates tzdata unzip python3)
test_packages=(
    "${demo_packages[@]}" pgbouncer libarchive-tools
    python3-pytest python3-pytest-timeout python3-psycopg python3-boto3 python3-aiosmtpd python3-jsonschema
    python3-yaml python3-venv python3-openpyxl
    swift-proxy swift-account swift-container swift-object
    poppler-utils qpdf zsh fish man-db groff-base
    chromium fonts-dejavu-core
)
bench_packages=(wrk pigz isal) # load over HTTP, and two compressors to compare with
lint_packages=(clang clang-format clang-tidy git libclang-rt-14-dev)

# Services of packages that tests start by themselves, with their own configuration.
foreign_services=(
    pgbouncer nginx haproxy caddy swift-proxy
    swift-account swift-account-auditor swift-account-reaper swift-account-replicator
    swift-container swift-container-auditor swift-container-replicator swift-container-sharder
    swift-container-sync swift-container-updater
    swift-object swift-object-auditor swift-object-expirer swift-object-reconstructor
    swift-object-replicator swift-object-updater
)

fail() {
    echo "run: $*" >&2
    exit 1
}

# Prints those of the named packages that are not installed.
missing_packages() {
    local have name
    have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' || true)
    for name in "$@"; do
        grep -qxF -- "$name" <<<"$have" || echo "$name"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_quietly() {
    local log=$kept/apt.log
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
        --no-install-recommends "$@" </dev/null >"$log" 2>&1 && return
    tail -n 30 "$log" >&2
    fail "apt-get $1 failed; all of its output is in $log"
}

# Keeps packages from starting services while they are installed (Debian Policy 9.11.3.2).
forbid_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    printf '#!/bin/sh\n# %s/run, while it installs packages\nexit 101\n' "$root" |
        as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
}

allow_services() {
    if grep -qsF "$root/run, while" /usr/sbin/policy-rc.d; then
        as_root rm -f /usr/sbin/policy-rc.d
    fi
}

# PostgreSQL's packages create a cluster "main" unless postgresql-common's configuration says no. The
# line is taken out again afterwards: it is the administrator's file.
cluster_conf=/etc/postgresql-common/createcluster.conf
cluster_line="create_main_cluster = false # while $root/run installs"

forbid_main_cluster() {
    apt_quietly install postgresql-common
    grep -qsxF "$cluster_line" "$cluster_conf" || echo "$cluster_line" | as_root tee -a "$cluster_conf" >/dev/null
}

allow_main_cluster() {
    if grep -qsxF "$cluster_line" "$cluster_conf"; then
        as_root sed -i "\\|^${cluster_line}\$|d" "$cluster_conf"
    fi
}

# A service whose package came in by us must not start at the next boot either.
disable_services() {
    command -v systemctl >/dev/null || return 0
    local name package
    for name in "${foreign_services[@]}"; do
        for package in "$@"; do
            [[ $name == "$package"* ]] || continue
            as_root systemctl --quiet disable "$name" >>"$kept/apt.log" 2>&1 || true
        done
    done
}

undo_install_settings() {
    allow_services
    allow_main_cluster
}

install_packages() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: the build says what it misses
    local missing
    mapfile -t missing < <(missing_packages "$@" | sort -u)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        fail "these Debian packages are missing, and neither root nor sudo is at hand: ${missing[*]}"
    fi
    [[ " $* " != *" tzdata "* || " ${missing[*]} " == *" tzdata "* ]] || missing+=(tzdata) # laws change: the newest
    echo "installing Debian packages: ${missing[*]}"
    apt_quietly update
    trap undo_install_settings EXIT
    forbid_services
    [[ " ${missing[*]} " != *" postgresql "* ]] || forbid_main_cluster
    apt_quietly install "${missing[@]}"
    disable_services "${missing[@]}"
    undo_install_settings
    trap - EXIT
}

# schemathesis is in no Debian release, so it comes from PyPI into a folder of its own. Where that cannot be reached,
# its tests are skipped and the summary says so; the next hour does not ask again.
schemathesis_version=4.32.5
validator_version=0.9.0
schemathesis_note=

install_schemathesis() {
    local venv=$kept/venv-schemathesis
    [ ! -x "$venv/bin/schemathesis" ] || return 0
    schemathesis_note="OpenAPI: schemathesis left out, PyPI could not be reached (see .run/pip.log)"
    [ -z "$(find "$kept/pip.failed" -mmin -60 2>/dev/null)" ] || return 0
    echo "installing from PyPI into .run/venv-schemathesis: schemathesis $schemathesis_version," \
        "openapi-spec-validator $validator_version, and what they need"
    rm -rf "$venv"
    if "$python" -m venv "$venv" >"$kept/pip.log" 2>&1 &&
        run_child timeout 300 "$venv/bin/pip" install --no-input --disable-pip-version-check --no-compile \
            "schemathesis==$schemathesis_version" "openapi-spec-validator==$validator_version" \
            >>"$kept/pip.log" 2>&1; then
        schemathesis_note=
    else
        rm -rf "$venv"
        touch "$kept/pip.failed"
    fi
}

# axe-core, which judges pages by the rules of accessibility, is on the npm registry alone. One file of its package is
# taken, by its checksum; Node is not needed. Where the registry cannot be reached, tests that ask it are skipped.
axe_version=4.14.1
axe_sha512=FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
axe_note=

install_axe() {
    local folder=$kept/axe-core-$axe_version archive=$kept/axe-core.tgz
    [ ! -f "$folder/axe.min.js" ] || return 0
    axe_note="Accessibility: axe-core left out, it could not be had from the npm registry (see .run/axe.log)"
    [ -z "$(find "$kept/axe.failed" -mmin -60 2>/dev/null)" ] || return 0
    echo "installing from the npm registry into .run/axe-core-$axe_version: axe-core $axe_version"
    if run_child curl -fsS --max-time 120 -o "$archive" \
        "https://registry.npmjs.org/axe-core/-/axe-core-$axe_version.tgz" 2>"$kept/axe.log" &&
        [ "$(openssl dgst -sha512 -binary "$archive" | base64 -w 0)" = "$axe_sha512" ] &&
        mkdir -p "$folder" && tar -xzf "$archive" -C "$folder" --strip-components=1 --no-same-owner \
            package/LICENSE package/axe.min.js 2>>"$kept/axe.log"; then
        axe_note=
    else
        rm -rf "$folder"
        touch "$kept/axe.failed"
    fi
    rm -f "$archive"
}
