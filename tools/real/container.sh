# ./run test real container: the image of container/Containerfile, built by buildah and run by podman. Sourced by
# tools/real.sh.
#
# No image is fetched: the base, debian:12-slim, is made by debootstrap of the same packages, and slimmed in the same
# way. What is kept lies under .run/container (some 3 GB while it is built).

run_real_container() {
    [ "$(id -u)" = 0 ] || fail "podman's storage and debootstrap are used as root here: run this as root"
    export CONTAINER_FOLDER=$kept/container
    real_test test_container.py buildah podman runc debootstrap
}
