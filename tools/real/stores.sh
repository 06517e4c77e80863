# ./run test real stores: what exports do on each S3 server that installs by name. Prints the table of
# docs/s3-servers.md. S3Proxy comes by Maven into .run, once; Swift is Debian's, MinIO and versitygw those of every
# run. A server that cannot be had is left out and named. Some six minutes. Sourced by tools/real.sh.

s3proxy_release=3.1.0

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

run_real_stores() {
    prepare_s3_servers
    fetch_s3proxy || echo "S3Proxy left out: Maven or Maven Central is not there"
    real_test test_stores.py
}
