#!/usr/bin/env bash
# PgBouncer: pool_mode = statement lets transactions pass, if BEGIN and COMMIT stand in one text.
#
# Packages  Debian's pgbouncer 1.18.0-1+deb12u1 and postgresql-15 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     `BEGIN; SELECT 1; COMMIT` as one simple query; `BEGIN` alone, and then `SELECT 1`.
# Guess     In this mode transaction blocks are refused (its manual says that they are disallowed), so that a client
#           that tries one at its start knows where it is.
# Seen      The first is answered as by the server itself. Only a BEGIN that is still open at the end of its query is
#           refused, and with it the connection. So a look for this mode has to leave a transaction open.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
postgres=15.18-0+deb12u1 pgbouncer=1.18.0-1+deb12u1
work=$(mktemp -d /var/tmp/finding-XXXXXX)
chmod 755 "$work"
server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi; }
pooler=
end() {
    [ -z "$pooler" ] || kill "$pooler" 2>/dev/null || true
    server "$bin/pg_ctl" -D "$work/run/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
bin=$work/usr/lib/postgresql/15/bin
trap end EXIT
cd "$work"
apt-get download -qq "postgresql-15=$postgres" "postgresql-client-15=$postgres" "pgbouncer=$pgbouncer" \
    libevent-2.1-7 libc-ares2 2>log || { echo "cannot fetch the packages"; cat log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" "$work"; done
export LD_LIBRARY_PATH=$work/usr/lib/x86_64-linux-gnu
mkdir run
cat >run/pgbouncer.ini <<INI
[databases]
* = host=$work/run user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = $work/run
listen_port = 6432
auth_type = any
pool_mode = statement
INI
[ "$(id -u)" != 0 ] || chown -R nobody:nogroup run
cd /
server "$bin/initdb" -A trust -U postgres -D "$work/run/data" -N -E UTF8 --locale=C -L "$work/usr/share/postgresql/15" \
    >"$work/log" || exit 2
server "$bin/pg_ctl" -D "$work/run/data" -w -l "$work/run/log" -o "-k $work/run -c listen_addresses=''" start \
    >/dev/null || { cat "$work/run/log"; exit 2; }
server "$work/usr/sbin/pgbouncer" "$work/run/pgbouncer.ini" >"$work/log" 2>&1 &
pooler=$!
ask() { server "$bin/psql" -h "$work/run" -p 6432 -U postgres -d postgres -XqAt -v ON_ERROR_STOP=1 "$@" 2>&1; }
for _ in $(seq 50); do [ ! -S "$work/run/.s.PGSQL.6432" ] || break; sleep 0.1; done
server "$work/usr/sbin/pgbouncer" --version | sed -n 1p
ask -c "SELECT version()" || exit 2

whole=$(ask -c "BEGIN; SELECT 1; COMMIT" || true)
open=$(ask -c "BEGIN" -c "SELECT 1" | grep -o "transaction blocks not allowed in statement pooling mode" || true)
printf 'whole: %s\nopen: %s\n' "$whole" "$open"
[ "$whole" = 1 ] && [ "$open" = "transaction blocks not allowed in statement pooling mode" ]
