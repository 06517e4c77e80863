# ./run test helm: the chart, judged by what Kubernetes itself is made of. Sourced by ./run.
#
# Everything comes by its name from where packages are: Go modules (helm 3 and 4, helm-unittest, kubeconform,
# kube-score, controller-gen, kube-apiserver, kubectl), Debian (promtool, etcd), PyPI (checkov). It is
# built once into .run/helm, which takes about half an hour on two cores; the tests themselves take two minutes.

helm_folder=$kept/helm
helm_bin=$helm_folder/bin
kubernetes_version=1.37.2
checkov_version=3.3.30
export HELM_FOLDER=$helm_folder

# Where a module's source lies, downloading it if need be.
go_module() {
    (cd /tmp && go mod download -json "$1") | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
}

# helm_tool NAME VERSION COMMAND...: has COMMAND make bin/NAME unless that version is there.
helm_tool() {
    local name=$1 version=$2 started=$SECONDS
    [ ! -x "$helm_bin/$name" ] || [ "$(cat "$helm_bin/$name.version" 2>/dev/null)" != "$version" ] || return 0
    echo "building $name $version (log: .run/helm/$name.log)"
    rm -f "$helm_bin/$name.version"
    run_child "${@:3}" >"$helm_folder/$name.log" 2>&1 || fail "building $name failed, see .run/helm/$name.log"
    echo "$version" >"$helm_bin/$name.version"
    echo "built $name in $((SECONDS - started)) s"
}

# go_program NAME PACKAGE VERSION [LINKER FLAG...]: a program that installs by its name.
go_program() {
    local name=$1 package=$2 version=$3
    helm_tool "$name" "$version" bash -c '
        set -e
        folder=$1/install-$2
        GOBIN=$folder go install -ldflags="-s -w $5" "$3@$4"
        mv "$folder"/* "$1/bin/$2" && rmdir "$folder"' build "$helm_folder" "$name" "$package" "$version" "${*:4}"
}

# A program whose go.mod replaces modules does not install by its name: its module is built where it was unpacked.
helm_unittest() {
    local version=v1.1.2 source
    source=$(go_module "github.com/helm-unittest/helm-unittest@$version")
    helm_tool helm-unittest "$version" bash -c '
        set -e
        rm -rf "$1/unittest" && cp -r "$2" "$1/unittest" && chmod -R u+w "$1/unittest" && cd "$1/unittest"
        go build -ldflags="-s -w" -o "$1/bin/helm-unittest" ./cmd/helm-unittest' build "$helm_folder" "$source"
}

# Its parts are modules of their own, which its go.mod looks for beside itself.
kubernetes() {
    helm_tool kube-apiserver "$kubernetes_version" bash -c '
        set -e
        version=$2 parts=0.${2#1.} version_package=k8s.io/component-base/version
        mkdir -p "$1/apiserver" && cd "$1/apiserver"
        printf "module apiserver\n\ngo 1.26.0\n" >go.mod
        { echo "package main"; echo "import _ \"k8s.io/kubernetes/cmd/kube-apiserver/app\""
            echo "import _ \"k8s.io/kubectl/pkg/cmd\""; } >program.go
        module=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n "s/^\t\"GoMod\": \"\(.*\)\",\$/\1/p")
        for part in $(sed -n "s#^\t\(k8s.io/[a-z0-9-]*\) v0\.0\.0\$#\1#p" "$module"); do
            go mod edit -replace "$part=$part@v$parts"
        done
        go mod edit -require "k8s.io/kubernetes@v$version"
        go mod tidy
        go build -ldflags="-s -w -X $version_package.gitVersion=v$version" -o "$1/bin/kube-apiserver" \
            k8s.io/kubernetes/cmd/kube-apiserver' build "$helm_folder" "$kubernetes_version"
    helm_tool kubectl "$kubernetes_version" bash -c '
        cd "$1/apiserver" && go build -ldflags="-s -w" -o "$1/bin/kubectl" k8s.io/kubernetes/cmd/kubectl' \
        build "$helm_folder"
}

# Definitions of what is no part of Kubernetes itself, made from the Go types of those who define it.
helm_definitions() {
    local types=(github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1
        sigs.k8s.io/gateway-api/apis/v1 github.com/kedacore/keda/v2/apis/keda/v1alpha1)
    go_program controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen v0.21.0
    helm_tool definitions 1 bash -c '
        set -e
        mkdir -p "$1/crds" && cd "$1/crds"
        printf "module crds\n\ngo 1.26.0\n" >go.mod
        { echo "package crds"; for type in "${@:2}"; do echo "import _ \"$type\""; done; } >types.go
        go get github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.95.2 \
            sigs.k8s.io/gateway-api@v1.6.3 github.com/kedacore/keda/v2@v2.21.0
        go mod tidy
        for type in "${@:2}"; do
            "$1/bin/controller-gen" crd:allowDangerousTypes=true paths="$type" output:crd:dir=out
        done
        ln -sfn ../crds/out "$1/bin/definitions"' build "$helm_folder" "${types[@]}"
}

# debian_program NAME PACKAGE: one program of a package, without the services that installing it would start.
debian_program() {
    helm_tool "$1" "$2" bash -c '
        set -e
        folder=$(mktemp -d)
        chmod 755 "$folder" && cd "$folder"
        apt-get download -q "$3" && dpkg-deb -x ./*.deb unpacked && cp "unpacked/usr/bin/$2" "$1/bin/"
        rm -rf "$folder"' build "$helm_folder" "$1" "$2"
}

checkov() {
    helm_tool checkov "$checkov_version" bash -c '
        set -e
        rm -rf "$1/venv" && "$2" -m venv "$1/venv"
        "$1/venv/bin/pip" install --no-input --disable-pip-version-check --no-compile "checkov==$3"
        ln -sfn ../venv/bin/checkov "$1/bin/checkov"' build "$helm_folder" "$python" "$checkov_version"
}

run_helm() {
    install_packages "${build_packages[@]}" "${test_packages[@]}" util-linux
    command -v go >/dev/null || fail "the chart's tests build Helm and Kubernetes: install Go 1.26 or newer"
    mkdir -p "$helm_bin"
    # Helm 3 takes the cluster's version from what it was linked with, where it only renders; helm 4 finds it by itself.
    local settings=helm.sh/helm/v3/pkg/chartutil minor=${kubernetes_version%.*}
    go_program helm3 helm.sh/helm/v3/cmd/helm v3.22.0 \
        "-X $settings.k8sVersionMajor=1 -X $settings.k8sVersionMinor=${minor#1.}"
    go_program helm4 helm.sh/helm/v4/cmd/helm v4.3.1
    go_program kubeconform github.com/yannh/kubeconform/cmd/kubeconform v0.8.0
    go_program kube-score github.com/zegl/kube-score/cmd/kube-score v1.20.0
    helm_unittest
    debian_program promtool prometheus
    debian_program etcd etcd-server
    checkov
    kubernetes
    helm_definitions
    KUBERNETES_SOURCE=$(go_module "k8s.io/kubernetes@v$kubernetes_version")
    export KUBERNETES_SOURCE
    build_quietly "$preset"
    prepare_s3_servers
    VERBATIM_BINARY=${VERBATIM_BINARY:-$root/build/$preset/verbatim} run_child "$python" -B -m pytest -q -rP \
        --no-header -p no:cacheprovider -c pytest.ini "${@:-tests/helm}"
}
