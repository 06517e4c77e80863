# ./run test real clients: six generators make clients of /openapi.json, and these get an export.
# Sourced by tools/real.sh.
#
# Installed below .run/clients, each by its pinned version: npm's packages of tests/real/clients/package.json (npm),
# clients_python (PyPI), oapi-codegen (Go modules; needs Go 1.24), openapi-generator (Maven Central; needs Java).

clients_python=(openapi-python-client==0.29.1 datamodel-code-generator==0.89.0 pydantic==2.14.4
    email-validator urllib3==2.8.0 python-dateutil==4.0.0)
clients_go=github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
clients_java=7.17.0

prepare_clients() {
    local folder=$kept/clients stamp jar=openapi-generator-cli
    mkdir -p "$folder/npm" "$folder/go/bin"
    stamp=$(cat tests/real/clients/package.json tools/real/clients.sh | sha256sum)
    [ "$stamp" != "$(cat "$folder/stamp" 2>/dev/null)" ] || return 0
    echo "installing into .run/clients: packages of tests/real/clients/package.json, ${clients_python[*]}," \
        "$clients_go, openapi-generator $clients_java"
    cp tests/real/clients/package.json "$folder/npm/"
    (cd "$folder/npm" && npm install --no-audit --no-fund >npm.log 2>&1) || fail "npm failed: .run/clients/npm/npm.log"
    "$python" -m venv "$folder/venv"
    "$folder/venv/bin/pip" -q install "${clients_python[@]}" >"$folder/pip.log" 2>&1 ||
        fail "pip failed: .run/clients/pip.log"
    GOBIN=$folder/go/bin go install "$clients_go" >"$folder/go.log" 2>&1 ||
        echo "oapi-codegen could not be built; Go 1.24 can: $(tail -n 1 "$folder/go.log")"
    curl -sfL --retry 3 -o "$folder/$jar.jar" \
        "https://repo1.maven.org/maven2/org/openapitools/$jar/$clients_java/$jar-$clients_java.jar" ||
        fail "Maven Central has no openapi-generator $clients_java, or could not be reached"
    echo "$stamp" >"$folder/stamp"
}

run_real_clients() {
    local missing=()
    command -v node >/dev/null || missing+=(nodejs npm)
    command -v java >/dev/null || missing+=(default-jre-headless)
    command -v go >/dev/null || missing+=(golang-go)
    install_packages "${build_packages[@]}" "${test_packages[@]}" curl "${missing[@]}"
    build_quietly "$preset"
    prepare_clients
    CLIENTS_TOOLS=$kept/clients VERBATIM_BINARY=$root/build/$preset/verbatim \
        run_child "$python" -B -m pytest -q -p no:cacheprovider tests/real/test_clients.py "$@"
}
