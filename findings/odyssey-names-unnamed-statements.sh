#!/usr/bin/env bash
# Ground: PostgreSQL poolers. Unnamed prepared statements in transaction mode.
# Guess:  a Parse without a name is passed on without a name, and is gone with the next one; a pooler keeps only what
#         its clients have named. So clients that name nothing leave nothing on the server's sessions.
# Seen:   Odyssey 1.5.2 (pool "transaction", nothing else set) gives each text of an unnamed statement a name of its own
#         on the server. After 40 texts by a client that has left, the next client of that session finds 40 statements
#         odyssey_pstmt_N in pg_prepared_statements, though it prepared none.
# So:     who counts pg_prepared_statements behind a pooler, or makes texts of statements without bound (values written
#         into them), counts what the pooler made: pass values as parameters.
# Needs:  Debian 12's postgresql-15 and python3-psycopg; odyssey 1.5.2 and its libraries are unpacked from Debian's sid
#         into a temporary folder. Exit 0: seen as told; 1: it has changed; 2: it could not be tried.
set -euo pipefail
odyssey=1.5.2-1
work=$(mktemp -d /var/tmp/finding-XXXXXX)
chmod 755 "$work"
bin=/usr/lib/postgresql/15/bin port=${PORT:-17986}
server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi; }
pooler=
end() {
    [ -z "$pooler" ] || kill "$pooler" 2>/dev/null || true
    server "$bin/pg_ctl" -D "$work/run/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap end EXIT
cd "$work"
mkdir -p apt/lists/partial apt/cache/archives/partial root run
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" >apt/list
options=(-o "Dir::Etc::sourcelist=$work/apt/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/apt/lists"
    -o Dir::State::status=/dev/null -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root)
apt-get "${options[@]}" -qq update >log 2>&1 && apt-get "${options[@]}" -qq download "odyssey=$odyssey" libc6 \
    libgcc-s1 libssl3t64 libsystemd0 libpam0g libaudit1 libcap-ng0 libcap2 zlib1g libzstd1 liburing2 libxxhash0 \
    >>log 2>&1 || { echo "cannot fetch the packages"; cat log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" root; done

cat >run/odyssey.conf <<CONF
daemonize no
log_format "%p %t %l [%i %s] (%c) %m\n"
log_to_stdout yes
workers 1
unix_socket_dir "$work/run"
unix_socket_mode "0644"
locks_dir "$work/run"
listen {
    host "127.0.0.1"
    port $port
}
storage "server" {
    type "remote"
    host "127.0.0.1"
    port $((port + 1))
}
database default {
    user default {
        authentication "none"
        storage "server"
        pool "transaction"
        pool_size 1
    }
}
CONF
[ "$(id -u)" != 0 ] || chown -R nobody:nogroup run
cd run
server "$bin/initdb" -D data -U postgres -A trust >/dev/null
server "$bin/pg_ctl" -D data -w -l log -o "-p $((port + 1)) -h 127.0.0.1 -k $work/run" start >/dev/null
server "$work/root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path \
    "$work/root/usr/lib/x86_64-linux-gnu" "$work/root/usr/bin/odyssey" odyssey.conf >pooler.log 2>&1 &
pooler=$!

PORT=$port /usr/bin/python3 - <<'PYTHON'
import os
import sys
import time

import psycopg

url = f"postgresql://postgres@127.0.0.1:{os.environ['PORT']}/postgres"


def connect():
    for _ in range(300):
        try:
            return psycopg.connect(url, autocommit=True, prepare_threshold=None)  # it names nothing
        except psycopg.OperationalError as error:
            last = error
            time.sleep(0.1)
    print(last)
    sys.exit(2)


with connect() as first:
    for number in range(40):
        first.execute(f"SELECT {number} + %s", [1])
with connect() as second:
    names = [name for name, in second.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%+ $1%'")]
print(f"Odyssey 1.5.2: {len(names)} statements on the server's session, all named by it:",
      all(name.startswith("odyssey_pstmt_") for name in names))
as_told = len(names) == 40 and all(name.startswith("odyssey_pstmt_") for name in names)
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
