#!/usr/bin/env bash
# The demo: a private PostgreSQL with demo conversations, the service on file storage, one export from
# the request to the first lines of a CSV. Run by ./run demo, which has installed and built everything.
#
# The cluster, its data and the archives are kept between runs; as root the cluster lies under /var/tmp,
# because PostgreSQL refuses root and its user cannot reach into root's home. It listens on a socket in a
# folder that nobody else can enter, on no port.
set -euo pipefail
unset "${!VERBATIM_@}" "${!AWS_@}" "${!PG@}" # the caller's settings are not the demo's

once=no
case ${1:-} in
'') ;;
--once) once=yes ;;
*)
    echo "usage: ./run demo [--once]" >&2
    exit 2
    ;;
esac

root=$PWD
kept=$root/.run/demo
program=$root/build/release/verbatim
export VERBATIM_STOP_DELAY=0s # no proxy stands before it
postgres_bin=$(pg_config --bindir)
bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

step=0
# A heading, numbered.
say() { printf '\n%s%d. %s%s\n' "$bold" $((step += 1)) "$*" "$plain"; }
# What a user would type for what happens next.
typed() { printf '$ %s\n' "$*"; }
fail() {
    echo "demo: $*" >&2
    exit 1
}

# --- ending -----------------------------------------------------------------------------------------

sockets= postgres_pid= service_pid=

# Stops what runs, the service first: it hands its work back to the database.
finish() {
    local status=$?
    trap - EXIT
    trap '' INT TERM
    [ -z "$service_pid" ] || { kill -TERM "$service_pid" && wait "$service_pid"; } 2>/dev/null || true
    [ -z "$postgres_pid" ] || { kill -INT "$postgres_pid" && wait "$postgres_pid"; } 2>/dev/null || true
    [ -z "$sockets" ] || rm -rf "$sockets"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- PostgreSQL -------------------------------------------------------------------------------------

as_postgres=()
if [ "$(id -u)" = 0 ]; then
    as_postgres=(setpriv --reuid postgres --regid postgres --init-groups)
    cluster=/var/tmp/verbatim-demo-$(cksum <<<"$root" | cut -d ' ' -f 1)
else
    cluster=$kept/postgres
fi

# Made by mkdir with mode 700, so a folder that somebody else put there first is noticed.
make_cluster_folder() {
    [ "$(id -u)" = 0 ] || { mkdir -p "$cluster" && return; }
    [ -d "$cluster" ] || { mkdir -m 700 "$cluster" && chown postgres:postgres "$cluster"; }
    [ "$(stat -c %U "$cluster")" = postgres ] || fail "$cluster does not belong to postgres; remove it"
}

make_cluster() {
    [ ! -f "$cluster/complete" ] || return 0
    echo "creating a cluster in $cluster"
    rm -rf "$cluster/data" "$kept/filled" "$kept/key"
    (cd / && "${as_postgres[@]}" "$postgres_bin/initdb" --auth=trust --username=verbatim --encoding=UTF8 \
        --locale=C.UTF-8 "$cluster/data" >"$kept/initdb.log" 2>&1) || { cat "$kept/initdb.log" >&2; exit 1; }
    "${as_postgres[@]}" touch "$cluster/complete"
}

start_postgres() {
    say "A private PostgreSQL"
    make_cluster_folder
    make_cluster
    sockets=$(mktemp -d /tmp/verbatim-demo.XXXXXX)
    [ "$(id -u)" != 0 ] || chown postgres:postgres "$sockets"
    (cd / && exec "${as_postgres[@]}" setpriv --pdeathsig INT "$postgres_bin/postgres" -D "$cluster/data" \
        -k "$sockets" -h '' -c shared_buffers=128MB -c max_wal_size=1GB) >"$kept/postgres.log" 2>&1 &
    postgres_pid=$!
    export VERBATIM_DATABASE_URL="postgresql://verbatim@/postgres?host=$sockets"
    wait_for "PostgreSQL" "$postgres_pid" "$kept/postgres.log" "$postgres_bin/pg_isready" -q -h "$sockets"
    echo "$(query 'SHOW server_version' | cut -d ' ' -f 1), on a socket in $sockets"
    typed "export VERBATIM_DATABASE_URL='$VERBATIM_DATABASE_URL'"
}

# wait_for NAME PID LOG COMMAND...: until the command succeeds, at most 15 s and only while the process lives.
wait_for() {
    local name=$1 pid=$2 log=$3 tries=300
    shift 3
    until "$@" >/dev/null 2>&1; do
        sleep 0.05
        kill -0 "$pid" 2>/dev/null && [ $((tries -= 1)) -gt 0 ] || {
            tail -n 20 "$log" >&2
            fail "$name does not start; its log is $log"
        }
    done
}

query() { psql -X -q -A -t -F $'\t' -v ON_ERROR_STOP=1 -d "$VERBATIM_DATABASE_URL" -c "$1"; }

# --- Verbatim ---------------------------------------------------------------------------------------

migrate() {
    say "Verbatim's own tables (schema verbatim)"
    typed verbatim migrate
    "$program" migrate
}

# The platform whose conversations are exported; the same seed gives the same rows on every machine.
fill_source() {
    local command=(demo-data --conversations 12000 --messages-per-conversation 15 --everything)
    local made="${command[*]}, form 2" # rows of another form are made anew
    say "A conversation platform to export from (schema chat)"
    [ "$(cat "$kept/filled" 2>/dev/null)" = "$made" ] || rm -f "$kept/filled"
    if [ -f "$kept/filled" ]; then
        query "SELECT 'kept from the last run: ' || count(*) || ' conversations' FROM chat.conversation"
        return
    fi
    typed verbatim "${command[@]}"
    "$program" "${command[@]}"
    echo "$made" >"$kept/filled"
}

# The channel and month with the most conversations, whatever the demo data holds.
choose_range() {
    IFS=$'\t' read -r workspace channel channel_name first_day last_day conversations < <(query "
        SELECT c.workspace_id, c.id, c.name, m.month::date, (m.month + interval '1 month - 1 day')::date, m.n
        FROM (SELECT channel_id, date_trunc('month', created_at AT TIME ZONE 'UTC') AS month, count(*) AS n
              FROM chat.conversation WHERE created_at < date_trunc('month', now()) AND deleted_at IS NULL
              GROUP BY 1, 2) AS m
        JOIN chat.channel AS c ON c.id = m.channel_id ORDER BY m.n DESC, c.id LIMIT 1")
    [ -n "${conversations:-}" ] || fail "the demo data has no conversations"
}

# Only a hash of a key is stored, so the demo keeps its own in a file that only its user can read.
make_key() {
    say "A workspace and an API key for it"
    typed "verbatim workspace set $workspace --name 'Demo workspace' --time-zone UTC"
    "$program" workspace set "$workspace" --name 'Demo workspace' --time-zone UTC
    if [ ! -s "$kept/key" ]; then
        typed "verbatim key create --workspace $workspace --name demo"
        (umask 077 && "$program" key create --workspace "$workspace" --name demo >"$kept/key.part")
        mv "$kept/key.part" "$kept/key"
    fi
    key=$(<"$kept/key")
    typed "key=$key"
}

# The first port from 8080 on that nothing listens on.
choose_port() {
    port=8080
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
}

start_service() {
    choose_port
    url=http://127.0.0.1:$port
    mkdir -p "$kept/storage"
    say "The service, API and workers in one process"
    typed "verbatim serve --listen 127.0.0.1:$port --storage file://$kept/storage"
    setpriv --pdeathsig TERM "$program" serve --listen "127.0.0.1:$port" --storage "file://$kept/storage" \
        2>"$kept/service.log" &
    service_pid=$!
    wait_for "verbatim serve" "$service_pid" "$kept/service.log" curl -fsS "$url/readyz"
    echo "ready at $url (log: .run/demo/service.log)"
}

# --- the export -------------------------------------------------------------------------------------

# field NAME: that member of the JSON object on standard input, null as an empty line.
field() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print("" if value is None else value)' "$1"
}

# The job of an accepted request, or the one that an interrupted demo left active (409 names it).
started_job() {
    python3 -c '
import json, sys
answer = json.load(sys.stdin)
detail = answer.get("detail")
job = answer.get("export_job_id") or (detail.get("export_job_id") if isinstance(detail, dict) else None)
print(job) if job else sys.exit(1)'
}

# The JSON of standard input as a person likes to read it.
show_json() { python3 -m json.tool --no-ensure-ascii --indent 2; }

request_export() {
    local exports=$url/api/v1/workspace/$workspace/export-conversations
    local body="{\"channel_id\": \"$channel\", \"start_date\": \"$first_day\", \"end_date\": \"$last_day\"}"
    say "Exporting ${first_day%-*} of the channel \"$channel_name\": $conversations conversations"
    typed "exports=$exports"
    typed "curl -X POST \$exports -H \"X-API-Key: \$key\" -H 'Content-Type: application/json' \\
    -d '$body'"
    answer=$(curl -sS -X POST "$exports" -H "X-API-Key: $key" -H 'Content-Type: application/json' -d "$body")
    show_json <<<"$answer"
    job=$(started_job <<<"$answer") || fail "the request was refused"
    job_url=$exports/$job
}

poll() { curl -sS --fail-with-body -H "X-API-Key: $key" "$job_url"; }

# Prints each status when it is first seen, then the answer that carries the link.
await_export() {
    local status= last=queued deadline=$((SECONDS + 120))
    say "Polling until it is finished"
    typed "curl -H \"X-API-Key: \$key\" \$exports/$job"
    echo "status: $last"
    while [ "$status" != finished ]; do
        answer=$(poll) || fail "the poll failed: $answer"
        status=$(field status <<<"$answer")
        [ "$status" = "$last" ] || echo "status: $status"
        last=$status
        [ "$status" != failed ] || fail "the export failed: $(field error_message <<<"$answer")"
        [ $SECONDS -lt $deadline ] || fail "the export has not finished after two minutes"
        [ "$status" = finished ] || sleep 0.02
    done
    show_json <<<"$answer"
    link=$(field presigned_url <<<"$answer")
    [ -n "$link" ] || fail "a finished export without a link"
    query "SELECT conversations || ' conversations with ' || messages || ' messages in '
        || round(extract(epoch FROM finished_at - created_at) * 1000) || ' ms'
        FROM verbatim.job WHERE job_id = '$job'"
}

# unzip by the archive's own name, as in the commands shown. Its complaints about names are not the demo's.
in_archive() { (cd "$kept" && unzip "$@" conversations.zip); }

show_archive() {
    local entries first
    say "Downloading it: the link needs no key and lives 24 hours"
    typed "link='$link'"
    typed "curl -o conversations.zip \"\$link\""
    curl -fsS -o "$kept/conversations.zip" "$link"
    echo "$(stat -c %s "$kept/conversations.zip") bytes"

    say "Looking into it: one CSV for each conversation"
    typed unzip -l conversations.zip
    in_archive -l >"$kept/listing"
    entries=$(in_archive -Z1 | grep -c .)
    sed -n '1,9p' "$kept/listing"
    echo "      ... $((entries - 6)) more"
    tail -n 2 "$kept/listing"
    in_archive -tqq || fail "the archive is damaged"
    [ "$entries" = "$conversations" ] || fail "$entries files for $conversations conversations"
    first=$(in_archive -Z1 | sed -n 1p)
    echo
    typed "unzip -p conversations.zip '$first' | head -n 5"
    first_lines 5
}

# first_lines COUNT: of the archive's first file. Its name may hold what unzip takes for a pattern.
first_lines() {
    python3 - "$kept/conversations.zip" "$1" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    lines = archive.read(archive.infolist()[0]).decode().split("\r\n")
print(*lines[:int(sys.argv[2])], sep="\n")
PYTHON
}

# For people: the last day of the month as one HTML page, and its first conversation as PDF.
request_page() {
    local exports=$url/api/v1/workspace/$workspace/exports body page file
    body="{\"select\": {\"channel_id\": \"$channel\"}, \"format\": \"html\",
     \"filter\": {\"from\": \"$last_day\", \"to\": \"$last_day\"},
     \"include\": [\"messages\", \"customer\", \"tags\", \"notes\", \"events\", \"participants\",
                 \"reactions\", \"revisions\", \"deleted\"]}"
    say "For people: the last day as a page to open, one conversation to print"
    typed "curl -X POST $exports -H \"X-API-Key: \$key\" -H 'Content-Type: application/json' \\
    -d '$body'"
    page=$(curl -sS -X POST "$exports" -H "X-API-Key: $key" -H 'Content-Type: application/json' -d "$body" |
        field export_id) || fail "the page was refused"
    answer=$(curl -sS -H "X-API-Key: $key" -H 'Prefer: wait=20' "$exports/$page")
    [ "$(field status <<<"$answer")" = finished ] || fail "the page was not made: $answer"
    typed "curl -L -o conversations.html -H \"X-API-Key: \$key\" $exports/$page/download"
    curl -fsSL -o "$kept/conversations.html" -H "X-API-Key: $key" "$exports/$page/download"
    file=$(query "SELECT id FROM chat.conversation WHERE channel_id = '$channel'
        AND created_at >= '$last_day'::timestamp AT TIME ZONE 'UTC' ORDER BY created_at, id LIMIT 1")
    typed "curl -o conversation.pdf -H \"X-API-Key: \$key\" '$url/v1/conversations/$file/export?format=pdf'"
    curl -fsS -o "$kept/conversation.pdf" -H "X-API-Key: $key" "$url/v1/conversations/$file/export?format=pdf"
    [ "$(head -c 15 "$kept/conversations.html")" = '<!DOCTYPE html>' ] || fail "the page is no HTML"
    [ "$(head -c 5 "$kept/conversation.pdf")" = '%PDF-' ] || fail "the transcript is no PDF"
    echo "$(stat -c '%n, %s bytes' "$kept/conversations.html" "$kept/conversation.pdf" | sed "s|^$root/||")"
}

# What a person sees first.
show_console() {
    curl -fsS -o /dev/null "$url/console/" || fail "there is no console"
    say "The console"
    echo "$url/console/ - sign in with the key $key"
}

keep_serving() {
    say "Serving until Ctrl-C"
    cat <<TEXT
In another terminal, a longer range of the same channel:
$ key=$key
$ exports=$url/api/v1/workspace/$workspace/export-conversations
$ curl -X POST \$exports -H "X-API-Key: \$key" -H 'Content-Type: application/json' \\
    -d '{"channel_id": "$channel", "start_date": "2000-01-01", "end_date": "$(date -u +%F)"}'
TEXT
    wait "$service_pid" || fail "the service ended; its log is $kept/service.log"
}

mkdir -p "$kept"
exec 9>"$kept/lock"
flock -n 9 || fail "another demo runs in this checkout"
echo "Verbatim's demo: conversations out of PostgreSQL into a ZIP behind a link. Everything is kept under .run/demo."
start_postgres 9>&-
migrate
fill_source
choose_range
make_key
start_service 9>&-
request_export
await_export
show_archive
request_page
show_console
if [ $once = yes ]; then
    printf '\n%sEverything worked.%s %s\n' "$bold" "$plain" \
        'The archive is .run/demo/conversations.zip, beside it a page and a PDF.'
else
    keep_serving
fi
