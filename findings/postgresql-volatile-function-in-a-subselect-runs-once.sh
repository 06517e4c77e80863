#!/usr/bin/env bash
# PostgreSQL: a volatile function in the FROM of a correlated sub-select runs once, not once for each outer row.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     A table of ten rows and a sequence. How often nextval() ran is what the sequence stands at afterwards.
# Query     SELECT (SELECT v FROM nextval('s') AS v WHERE m.id IS NOT NULL) FROM m
# Guess     The sub-select refers to the outer row, so it is done anew for each; a volatile function in it runs anew
#           too, since it may answer otherwise: 10 calls, and ten numbers.
# Seen      The sub-select is done ten times, its function once: all rows get the number 1. A scan over a function keeps
#           what it was given unless an argument of its own changes. With an argument made of the outer row, or the same
#           call in the sub-select's list instead of its FROM, it runs ten times.
#
# What views of a platform compute so (a token, a clock, a row of a log) is one value for all messages.
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
    -o "-k $work/run -c listen_addresses='' -c jit=off" start >/dev/null || { cat "$work/run/log"; exit 2; }
ask() { server "$bin/psql" -h "$work/run" -U postgres -XqAt -v ON_ERROR_STOP=1 "$@"; }

ask -c "SELECT version()"
ask -c "SELECT provolatile FROM pg_proc WHERE proname = 'nextval'" | sed 's/^/nextval, volatile: /'
ask -c "CREATE TABLE m (id int PRIMARY KEY)" -c "INSERT INTO m SELECT generate_series(1, 10)"

# calls SUBSELECT: how often nextval() ran, and how many numbers the ten rows got
calls() {
    ask -c "CREATE SEQUENCE s" -c "CREATE TABLE got AS SELECT ($1) AS v FROM m" \
        -c "SELECT (SELECT last_value FROM s) || ' calls, ' || count(DISTINCT v) || ' numbers' FROM got" \
        -c "DROP TABLE got" -c "DROP SEQUENCE s"
}
from=$(calls "SELECT v FROM nextval('s') AS v WHERE m.id IS NOT NULL")
argument=$(calls "SELECT v FROM nextval(CASE WHEN m.id IS NOT NULL THEN 's' END::regclass) AS v WHERE m.id IS NOT NULL")
list=$(calls "SELECT nextval('s') WHERE m.id IS NOT NULL")
printf 'in FROM: %s\nin FROM, argument of the outer row: %s\nin the list: %s\n' "$from" "$argument" "$list"
[ "$from" = "1 calls, 1 numbers" ] && [ "$argument" = "10 calls, 10 numbers" ] && [ "$list" = "10 calls, 10 numbers" ]
