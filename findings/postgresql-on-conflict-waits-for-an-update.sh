#!/usr/bin/env bash
# PostgreSQL: INSERT ... ON CONFLICT DO NOTHING waits for whoever updates the row that is in its way.
#
# Package   Debian's postgresql-15, version 15.18-0+deb12u1, unpacked into a temporary folder.
# Input     A table of one row; a transaction that has changed another column of it and is still open.
# Query     INSERT INTO turn (workspace_id) VALUES ('w') ON CONFLICT DO NOTHING
# Guess     The row is there and committed, and an update that leaves the key alone cannot take it away: nothing is
#           done, at once. A foreign key's look at the same row does not wait either.
# Seen      It waits for the end of that transaction. With a look before it (WHERE NOT EXISTS ...) it does not. A row
#           that is only locked (FOR UPDATE) does not hold it up.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried. What waits is told by a lock_timeout.
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
ask -c "CREATE TABLE turn (workspace_id text PRIMARY KEY, last_turn bigint NOT NULL DEFAULT 0)" \
    -c "CREATE TABLE job (workspace_id text REFERENCES turn)" -c "INSERT INTO turn VALUES ('w')"

# beside HELD SQL: what becomes of SQL while a transaction that has done HELD is open
beside() {
    coproc holder { ask; }
    local to=${holder[1]} from=${holder[0]} pid=$holder_PID said status=done
    printf 'BEGIN;\n%s;\n\\echo held\n' "$1" >&"$to"
    while read -r said <&"$from"; do [ "$said" != held ] || break; done
    ask -c "SET lock_timeout = '2s'" -c "$2" 2>"$work/said" || status=$(sed -n 's/^ERROR: *//p' "$work/said")
    eval "exec $to>&-"
    wait "$pid" || true
    echo "$status"
}
insert="INSERT INTO turn (workspace_id) VALUES ('w') ON CONFLICT DO NOTHING"
looked="INSERT INTO turn (workspace_id) SELECT 'w' WHERE NOT EXISTS (SELECT FROM turn WHERE workspace_id = 'w')
    ON CONFLICT DO NOTHING"
update="UPDATE turn SET last_turn = last_turn + 1"
locked=$(beside "SELECT FROM turn FOR UPDATE" "$insert")
updated=$(beside "$update" "$insert")
asked=$(beside "$update" "$looked")
referred=$(beside "$update" "INSERT INTO job VALUES ('w')")
printf 'row locked: %s\nrow updated: %s\nrow updated, looked at first: %s\nrow updated, referred to: %s\n' \
    "$locked" "$updated" "$asked" "$referred"
[ "$locked" = done ] && [ "$updated" = "canceling statement due to lock timeout" ] && [ "$asked" = done ] &&
    [ "$referred" = done ]
