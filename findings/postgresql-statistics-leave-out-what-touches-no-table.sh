#!/usr/bin/env bash
# PostgreSQL: pg_stat_database does not count the transactions of a session that touches no table.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     A session in a database of its own: 50 transactions of SELECT pg_is_in_recovery(), as a pooler or a service
#           asks of a link that it keeps, then a quarter of a minute's rest, then one SELECT of a table's rows.
# Query     SELECT xact_commit FROM pg_stat_database WHERE datname = 'asked', from a session of another database
# Guess     The counters come late (an idle session reports within ten seconds what it has done), but they come: 50
#           more.
# Seen      A quarter of a minute after the last one not one of the 50 is there. They come all at once when the session
#           touches a table, be it hours later. A monitor's transactions a second leave out what only asks for
#           functions.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
version=15.18-0+deb12u1
work=$(mktemp -d /var/tmp/finding-XXXXXX)
chmod 755 "$work"
server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi; }
end() { server "$bin/pg_ctl" -D "$work/run/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$work"; }
bin=$work/usr/lib/postgresql/15/bin
trap end EXIT
cd "$work"
apt-get download -qq "postgresql-15=$version" "postgresql-client-15=$version" 2>log ||
    { echo "cannot fetch $version"; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" "$work"; done
mkdir run && { [ "$(id -u)" != 0 ] || chown nobody:nogroup run; }
cd /
server "$bin/initdb" -A trust -U postgres -D "$work/run/data" -N -E UTF8 --locale=C -L "$work/usr/share/postgresql/15" \
    >"$work/log" || exit 2
server "$bin/pg_ctl" -D "$work/run/data" -w -l "$work/run/log" \
    -o "-k $work/run -c listen_addresses='' -c jit=off -c autovacuum=off" start >/dev/null ||
    { cat "$work/run/log"; exit 2; }
ask() { server "$bin/psql" -h "$work/run" -U postgres -XqAt -v ON_ERROR_STOP=1 "$@"; }

ask -c "SELECT version()"
ask -c "CREATE DATABASE asked"
ask -d asked -c "CREATE TABLE t (v int)"
counted() { ask -c "SELECT xact_commit FROM pg_stat_database WHERE datname = 'asked'"; }

coproc session { ask -d asked; }
to=${session[1]} from=${session[0]}
# told SQL: has the session run it, and waits until it has
told() {
    local said
    printf '%s;\n\\echo done\n' "$1" >&"$to"
    while read -r said <&"$from"; do [ "$said" != done ] || break; done
}
told "SELECT count(*) FROM t" # what a session does when it begins (catalogs are tables) is counted with this
sleep 15
told "SELECT pg_is_in_recovery()" # takes along what was put off then
sleep 15
before=$(counted)
for _ in $(seq 50); do told "SELECT pg_is_in_recovery()"; done
sleep 15
functions=$(($(counted) - before))
told "SELECT count(*) FROM t"
sleep 15
with_table=$(($(counted) - before))
printf '50 transactions that ask for a function: %s counted\none more, of a table: %s counted\n' \
    "$functions" "$with_table"
[ "$functions" = 0 ] && [ "$with_table" = 51 ]
