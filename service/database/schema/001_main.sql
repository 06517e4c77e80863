-- The schema of Verbatim itself. Runs in one transaction, as the owner; `migrate` records the version.
-- Every table that belongs to a workspace carries workspace_id and is under forced row level security:
-- verbatim_api sees the workspace of its transaction (verbatim.workspace_id), verbatim_worker all of them.

CREATE TABLE verbatim.workspace (
    workspace_id text PRIMARY KEY CHECK (workspace_id <> ''),
    name text NOT NULL DEFAULT '',
    time_zone text NOT NULL DEFAULT 'UTC',
    source_id text NOT NULL, -- the workspace's id in the platform
    csv_profile text NOT NULL DEFAULT 'safe' CHECK (csv_profile IN ('safe', 'excel', 'raw')),
    max_running integer CHECK (max_running > 0), -- NULL: the option of the process
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE verbatim.api_key (
    key_id text PRIMARY KEY,
    workspace_id text NOT NULL REFERENCES verbatim.workspace,
    name text NOT NULL DEFAULT '',
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32), -- SHA-256 of the whole key
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE SEQUENCE verbatim.claim_epoch AS bigint;
CREATE SEQUENCE verbatim.turn_number AS bigint;

CREATE TABLE verbatim.job (
    job_id uuid PRIMARY KEY,
    workspace_id text NOT NULL REFERENCES verbatim.workspace,
    door text NOT NULL,
    specification jsonb NOT NULL,
    active_key text, -- at most one queued or started job has it; NULL: no limit
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'started', 'finished', 'failed', 'cancelled')),
    error_message text,
    notification_email text,
    -- What to read, resolved once: nothing here changes while the job lives.
    source_workspace text NOT NULL,
    channel_id text NOT NULL,
    channel_name text,
    channel_type text,
    channel_phone text,
    start_date date NOT NULL,
    end_date date NOT NULL,
    range_from timestamptz NOT NULL, -- first instant
    range_to timestamptz NOT NULL,   -- first instant that is outside
    time_zone text NOT NULL,
    csv_profile text NOT NULL,
    as_of timestamptz NOT NULL, -- by the source server's clock
    source_snapshot text,       -- its pg_snapshot at that moment
    -- The archive. All NULL until a claim begins it.
    archive_epoch bigint, -- epoch of the claim that began it; stands in the object key
    storage text,         -- identity of the store, as the storage driver gives it
    object_key text,
    upload_id text,       -- '' where the store needs none
    part_size bigint,
    fingerprint text,     -- of the deflate that wrote the recorded segments
    open_segments integer NOT NULL DEFAULT 1, -- not recorded yet
    conversations_total bigint, -- counted at the first split, for progress
    conversations bigint NOT NULL DEFAULT 0,
    messages bigint NOT NULL DEFAULT 0,
    size bigint, -- of the finished archive
    link_ttl interval NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz, -- of any end
    link_expires_at timestamptz,
    archive_deleted_at timestamptz,
    CHECK (range_from < range_to),
    CHECK ((status IN ('finished', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX job_active ON verbatim.job (workspace_id, active_key)
    WHERE status IN ('queued', 'started') AND active_key IS NOT NULL;
CREATE INDEX job_queued ON verbatim.job (workspace_id, created_at, job_id) WHERE status = 'queued';
CREATE INDEX job_started ON verbatim.job (workspace_id) WHERE status = 'started';
CREATE INDEX job_ended ON verbatim.job (finished_at)
    WHERE status IN ('finished', 'failed', 'cancelled') AND archive_deleted_at IS NULL;

-- Adjoining stretches of a job's ordered conversations. Part numbers rise with the position, so part_first
-- is the position: a split gives the rest the higher numbers, an absorb takes the neighbour's over.
CREATE TABLE verbatim.segment (
    job_id uuid NOT NULL REFERENCES verbatim.job ON DELETE CASCADE,
    part_first integer NOT NULL CHECK (part_first >= 1),
    part_last integer NOT NULL CHECK (part_last <= 10000),
    workspace_id text NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'recorded')),
    low_at timestamptz, -- after (low_at, low_id); NULL: from the start
    low_id text,
    high_at timestamptz, -- up to and including; NULL: to the end
    high_id text,
    claim_epoch bigint,
    process_id uuid,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,     -- failures charged
    lost_leases integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    after_others boolean NOT NULL DEFAULT false, -- closes the archive: not before open_segments is 1
    last_error text,
    estimate bigint, -- bytes of archive per 1,000 conversations, from the neighbour that split it off
    expected bigint, -- conversations thought to be in it; NULL: not counted yet
    parts jsonb,     -- recorded: [{"number": 1, "etag": "...", "size": 6291456}, ...] in order of position
    size bigint,     -- recorded: bytes of the archive
    conversations bigint NOT NULL DEFAULT 0, -- progress while running, final when recorded
    messages bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, part_first),
    CHECK (part_first <= part_last),
    CHECK ((low_at IS NULL) = (low_id IS NULL)),
    CHECK ((high_at IS NULL) = (high_id IS NULL)),
    CHECK ((status = 'running') = (process_id IS NOT NULL AND lease_until IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX segment_waiting ON verbatim.segment (job_id, part_first) WHERE status = 'waiting';
CREATE INDEX segment_running ON verbatim.segment (process_id) WHERE status = 'running';

-- Directory records of segments, compressed pieces in order; valid if the epoch is the segment's own.
CREATE TABLE verbatim.segment_directory (
    job_id uuid NOT NULL REFERENCES verbatim.job ON DELETE CASCADE,
    part_first integer NOT NULL,
    claim_epoch bigint NOT NULL,
    piece integer NOT NULL,
    workspace_id text NOT NULL,
    raw_size integer NOT NULL,
    records bytea NOT NULL, -- raw deflate
    PRIMARY KEY (job_id, part_first, claim_epoch, piece)
);

-- One row a workspace: locked only to start a job, so max_running is exact; the lowest turn goes first.
CREATE TABLE verbatim.turn (
    workspace_id text PRIMARY KEY REFERENCES verbatim.workspace ON DELETE CASCADE,
    last_turn bigint NOT NULL DEFAULT 0
);

-- Worker processes that live, for the deflate fingerprint and the metrics. No lease hangs on it.
CREATE TABLE verbatim.process (
    process_id uuid PRIMARY KEY,
    fingerprint text NOT NULL,
    storage text NOT NULL,
    worker_threads integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE verbatim.outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL,
    job_id uuid NOT NULL REFERENCES verbatim.job ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('mail')),
    recipient text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    given_up_at timestamptz,
    UNIQUE (job_id, kind)
);
CREATE INDEX outbox_due ON verbatim.outbox (not_before) WHERE sent_at IS NULL AND given_up_at IS NULL;

-- What an ended job (or an archive begun anew) may have left in the store; worked off by the janitor.
CREATE TABLE verbatim.cleanup (
    cleanup_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    storage text NOT NULL,
    object_key text NOT NULL,
    upload_id text NOT NULL DEFAULT '',
    keep_object boolean NOT NULL, -- true: only the upload and part files go
    looks integer NOT NULL DEFAULT 0, -- the second one comes an hour after the first
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    last_error text
);
CREATE INDEX cleanup_due ON verbatim.cleanup (not_before);

-- Keys that sign the links of the file storage and Verbatim's own; the newest signs, two verify.
CREATE TABLE verbatim.link_secret (
    generation integer PRIMARY KEY,
    secret bytea NOT NULL CHECK (length(secret) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The only way from a key to its workspace: the API role cannot read api_key of others. plpgsql, since it keeps
-- its plan: a function in SQL is planned anew by every caller, which doubled the cost of a status poll.
CREATE FUNCTION verbatim.key_find(wanted text)
    RETURNS TABLE (workspace_id text, secret_hash bytea, scopes text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog
    AS $$
        BEGIN
            RETURN QUERY
            SELECT k.workspace_id, k.secret_hash, k.scopes
            FROM verbatim.api_key AS k
            WHERE k.key_id = wanted AND k.revoked_at IS NULL;
        END
    $$;

-- Writes at most once a minute a key, so it is no hot row.
CREATE FUNCTION verbatim.key_touch(wanted text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
    AS $$
        UPDATE verbatim.api_key SET last_used_at = now()
        WHERE key_id = wanted AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    $$;
