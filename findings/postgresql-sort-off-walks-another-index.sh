#!/usr/bin/env bash
# PostgreSQL: `enable_sort = off` makes a look-up of ten rows read another index from end to end.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     100,000 messages of 10,000 conversations; an index of (conversation_id), one of (created_at).
# Query     SELECT * FROM message WHERE conversation_id = N ORDER BY created_at, id LIMIT 4096
# Guess     Sorts are only made dear, so the ten rows are still found by the index of conversation_id.
# Seen      Since PostgreSQL 13 there is a sort that this setting does not know: `Incremental Sort` over the index of
#           created_at, all 100,000 entries of which are read for ten rows. With enable_incremental_sort = off in its
#           place, or with neither off, the index of conversation_id is used.
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
CREATE INDEX message_by_time ON message (created_at);
ANALYZE message;
SQL

# plan SETTINGS: which index, which sort, and how many rows a filter threw away
plan() {
    ask -c "$1" -c "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM message
        WHERE conversation_id = 77 ORDER BY created_at, id LIMIT 4096" |
        sed -nE 's/^[ >-]*((Incremental )?Sort) \(.*/\1/p; s/.*(message_of_conversation|message_by_time).*/\1/p
                 s/.*Rows Removed by Filter: ([0-9]+)/\1 rows thrown away/p' | paste -sd, -
}
forbidden=$(plan "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
mended=$(plan "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_incremental_sort = off")
usual=$(plan "SELECT")
printf 'enable_sort off: %s\nenable_incremental_sort off: %s\nnothing off: %s\n' "$forbidden" "$mended" "$usual"
[ "$forbidden" = "Incremental Sort,message_by_time,99990 rows thrown away" ] &&
    [ "$mended" = "Sort,message_of_conversation" ] && [ "$usual" = "Sort,message_of_conversation" ]
