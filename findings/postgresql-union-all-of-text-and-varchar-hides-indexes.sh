#!/usr/bin/env bash
# PostgreSQL: no condition passes through a UNION ALL one of whose branches gives varchar where another gives text.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     100,000 messages of 10,000 conversations in two tables, each with an index of its conversation_id, which is
#           text in one and varchar in the other; a view of both by UNION ALL.
# Query     SELECT * FROM message WHERE conversation_id = 'c77', also with SET enable_seqscan = off.
# Guess     text and varchar are binary coercible, share their operators and indexes, and the view's column is text: the
#           condition is pushed into both branches, and each is looked up by its index, as where both are text.
# Seen      No branch is looked up: both tables are read from end to end, and the condition is a filter over the union,
#           whatever the settings. `conversation_id::text` in the second branch is enough; the index of the varchar
#           column serves it.
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
CREATE TABLE newer (id bigint PRIMARY KEY, conversation_id text NOT NULL);
CREATE TABLE older (id bigint PRIMARY KEY, conversation_id varchar NOT NULL);
INSERT INTO newer SELECT i, 'c' || i / 10 FROM generate_series(1, 50000) i;
INSERT INTO older SELECT i, 'c' || i / 10 FROM generate_series(50001, 100000) i;
CREATE INDEX ON newer (conversation_id);
CREATE INDEX ON older (conversation_id);
CREATE VIEW mixed AS SELECT id, conversation_id FROM newer UNION ALL SELECT id, conversation_id FROM older;
CREATE VIEW alike AS SELECT id, conversation_id FROM newer UNION ALL SELECT id, conversation_id::text FROM older;
ANALYZE;
SQL

scans() { ask -c "SET enable_seqscan = $2" -c "EXPLAIN (COSTS OFF) SELECT * FROM $1 WHERE conversation_id = 'c77'"; }
for seqscan in on off; do
    for view in mixed alike; do
        plan=$work/$view.$seqscan
        scans "$view" "$seqscan" >"$plan"
        printf '%s, enable_seqscan = %s: %s tables read whole, %s looked up\n' "$view" "$seqscan" \
            "$(grep -c 'Seq Scan' "$plan" || true)" "$(grep -c 'Index Cond' "$plan" || true)"
    done
done
cat "$work/mixed.off"
for seqscan in on off; do
    [ "$(grep -c 'Seq Scan' "$work/mixed.$seqscan")" = 2 ] && ! grep -q 'Index Cond' "$work/mixed.$seqscan" &&
        [ "$(grep -c 'Index Cond' "$work/alike.$seqscan")" = 2 ]
done
