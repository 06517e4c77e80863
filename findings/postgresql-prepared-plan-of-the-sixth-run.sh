#!/usr/bin/env bash
# PostgreSQL: a prepared statement keeps the plan of its sixth execution, whatever is forbidden later.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     100,000 messages of 10,000 conversations; an index of (conversation_id), one of (created_at, id).
# Query     PREPARE oldest(bigint) AS SELECT * FROM message WHERE conversation_id = $1 ORDER BY created_at, id LIMIT 10,
#           run six times: with SET enable_sort = off in the first five, without it in the sixth.
# Guess     A setting of the planner holds for the statements that run under it: a seventh run with enable_sort = off
#           gets a plan without a sort, as the first five did. A changed search_path or role makes a new plan, too.
# Seen      From the sixth run on the plan without values is kept, and it is the one of the settings that the sixth
#           run happened to have: the seventh sorts, though forbidden. What is prepared anew does not.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried. Plans are compared, never times.
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
ask <<'SQL'
CREATE TABLE message (id bigint PRIMARY KEY, conversation_id bigint NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO message SELECT i, i / 10, timestamptz '2026-01-01Z' + i * interval '1 minute'
    FROM generate_series(1, 100000) i;
CREATE INDEX message_of_conversation ON message (conversation_id);
CREATE INDEX message_by_time ON message (created_at, id);
ANALYZE message;
SQL

prepare="PREPARE oldest(bigint) AS SELECT * FROM message WHERE conversation_id = \$1 ORDER BY created_at, id LIMIT 10"
off="SET enable_sort = off; SET enable_incremental_sort = off"
run="EXECUTE oldest(77)"
plan() { grep -cE 'Sort' "$1" || true; }
{
    echo "$off; $prepare;"
    for _ in 1 2 3 4 5; do echo "\\o /dev/null
$run;"; done
    echo "RESET enable_sort; RESET enable_incremental_sort;
$run;
$off;
\\o $work/run/seventh
EXPLAIN (COSTS OFF) $run;
DEALLOCATE oldest; $prepare;
\\o $work/run/anew
EXPLAIN (COSTS OFF) $run;"
} | ask
printf 'sorts of the seventh run: %s\nsorts of what is prepared anew: %s\n' \
    "$(plan "$work/run/seventh")" "$(plan "$work/run/anew")"
[ "$(plan "$work/run/seventh")" -gt 0 ] && [ "$(plan "$work/run/anew")" = 0 ]
