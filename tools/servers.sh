# S3 servers that Debian has no package of: built once with the machine's Go into .run/bin. Sourced by ./run.
# Sets s3_note, one line for the summary of the tests, where some server had to be left out.

servers_bin=$kept/bin
s3_note=
go_limit=900 # seconds; a proxy that hangs for one module hangs for the next, so after that nothing more is built

# go_at_least MAJOR.MINOR
go_at_least() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
    [ -n "$version" ] && printf '%s\n%s\n' "$1" "$version" | sort -C -V
}

# go_install NAME PACKAGE: modules and objects are thrown away afterwards, they are many times the program.
# A module proxy that accepts and never answers must not hold up the tests.
go_install() {
    local go=$kept/go status=0
    echo "building $1 with $(go env GOVERSION): some minutes, once (log: .run/go-$1.log)"
    run_child timeout "$go_limit" env GOTOOLCHAIN=local CGO_ENABLED=0 GOBIN="$servers_bin" GOPATH="$go" \
        GOMODCACHE="$go/mod" GOCACHE="$go/cache" go install -modcacherw "$2" >"$kept/go-$1.log" 2>&1 || status=$?
    rm -rf "$go"
    [ $status = 0 ] && return
    echo "run: building $1 failed, see .run/go-$1.log" >&2
    touch "$servers_bin/$1.failed"
    [ $status != 124 ] || go_limit=0
    return $status
}

# provide_server NAME GO_VERSION PACKAGE
provide_server() {
    local given=${VERBATIM_SERVERS_BIN:-}
    mkdir -p "$servers_bin"
    [ ! -x "$servers_bin/$1" ] || return 0
    if [ -n "$given" ] && [ -x "$given/$1" ]; then
        return 0
    elif ! go_at_least "$2"; then
        s3_note+="${s3_note:+; }$1 left out, building it needs Go $2"
    elif [ $go_limit = 0 ]; then
        s3_note+="${s3_note:+; }$1 left out, building another one took too long"
    elif [ -n "$(find "$servers_bin/$1.failed" -mmin -60 2>/dev/null)" ]; then
        s3_note+="${s3_note:+; }$1 left out, building it failed within the last hour"
    else
        go_install "$1" "$3" || s3_note+="${s3_note:+; }$1 left out, it could not be built"
    fi
}

prepare_s3_servers() {
    provide_server minio 1.24 github.com/minio/minio@latest
    provide_server versitygw 1.25 github.com/versity/versitygw/cmd/versitygw@latest
    [ -z "$s3_note" ] || s3_note="S3: $s3_note; OpenStack Swift serves instead"
}
