-- Many doors: whatever a specification can select, who asked for it, and who may see it.

ALTER TABLE verbatim.api_key
    ADD COLUMN role text NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
    ADD COLUMN user_email text,
    ADD COLUMN audience text[] NOT NULL DEFAULT '{}'; -- an editor's tags

-- Another result type, hence not replaced but made anew. Only what a status poll needs: each column costs there.
DROP FUNCTION verbatim.key_find(text);
CREATE FUNCTION verbatim.key_find(wanted text)
    RETURNS TABLE (workspace_id text, secret_hash bytea, scopes text[], role text, audience text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog
    AS $$
        BEGIN
            RETURN QUERY
            SELECT k.workspace_id, k.secret_hash, k.scopes, k.role, k.audience
            FROM verbatim.api_key AS k
            WHERE k.key_id = wanted AND k.revoked_at IS NULL;
        END
    $$;
-- What else a request may need to know: who holds the key, and the settings of its workspace.
CREATE FUNCTION verbatim.key_about(wanted text)
    RETURNS TABLE (user_email text, name text, time_zone text, source_id text, csv_profile text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog
    AS $$
        BEGIN
            RETURN QUERY
            SELECT k.user_email, k.name, w.time_zone, w.source_id, w.csv_profile
            FROM verbatim.api_key AS k JOIN verbatim.workspace AS w ON w.workspace_id = k.workspace_id
            WHERE k.key_id = wanted AND k.revoked_at IS NULL;
        END
    $$;

ALTER TABLE verbatim.job
    ALTER COLUMN channel_id DROP NOT NULL,  -- NULL: not one channel
    ALTER COLUMN start_date DROP NOT NULL,  -- NULL: the range is open on that side
    ALTER COLUMN end_date DROP NOT NULL,
    ADD COLUMN title text,                  -- what the archive is named after where that is no channel
    ADD COLUMN requested_by text,           -- the key's user, else its name, else its id
    ADD COLUMN requested_key text,          -- key_id
    ADD COLUMN audience text[],             -- NULL: unrestricted
    ADD COLUMN idempotency_key text,
    ADD COLUMN request_hash text,           -- of the body that came with it
    ADD COLUMN retention interval,          -- after the creation; NULL: the option of the process, after the end
    ADD COLUMN file_name text,              -- of the finished file
    ADD COLUMN content_type text,
    ADD COLUMN crc32 bigint,                -- of the finished file
    ADD COLUMN media bigint NOT NULL DEFAULT 0,        -- media files in it
    ADD COLUMN media_failed bigint NOT NULL DEFAULT 0; -- and those that could not be had
CREATE UNIQUE INDEX job_idempotent ON verbatim.job (workspace_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_list ON verbatim.job (workspace_id, created_at DESC, job_id DESC);

-- What happens once a day over all processes, and when it last did: the row's lock is the turn.
CREATE TABLE verbatim.daily (
    name text PRIMARY KEY,
    ran_at timestamptz NOT NULL
);
INSERT INTO verbatim.daily VALUES ('prune', now());
CREATE INDEX job_kept ON verbatim.job (finished_at)
    WHERE retention IS NOT NULL AND status IN ('finished', 'failed', 'cancelled');

ALTER TABLE verbatim.segment
    ADD COLUMN first_conversation bigint, -- conversations before it; NULL: none, or not needed
    ADD COLUMN bytes bigint NOT NULL DEFAULT 0, -- progress while running, of the archive
    ADD COLUMN media bigint NOT NULL DEFAULT 0,
    ADD COLUMN media_failed bigint NOT NULL DEFAULT 0;

-- Who exported what: written with the job or the answer, never changed.
CREATE TABLE verbatim.audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL,
    job_id uuid,                 -- NULL: a synchronous export
    door text NOT NULL,
    author text NOT NULL,
    audience text[],             -- of the key; NULL: unrestricted
    filter jsonb NOT NULL,       -- the specification as asked
    format text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audit_of_job ON verbatim.audit (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX audit_list ON verbatim.audit (workspace_id, audit_id DESC);
-- What became of it: records exported, downloads. Rows of their own, since nothing in an audit is updated.
CREATE TABLE verbatim.audit_event (
    audit_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit_id bigint NOT NULL REFERENCES verbatim.audit,
    workspace_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('records', 'download', 'cancelled', 'failed', 'deleted')),
    records bigint,
    by_whom text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audit_event_of ON verbatim.audit_event (audit_id);

CREATE FUNCTION verbatim.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit of exports is append-only';
    END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON verbatim.audit
    FOR EACH STATEMENT EXECUTE FUNCTION verbatim.audit_refuse();
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON verbatim.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION verbatim.audit_refuse();

-- Ends of an export by a caller. As the owner, since the API role changes no job; so what may be reached is said
-- here once more: one job of one workspace, and of the audience of who asks (NULL: unrestricted). The edges are
-- those of service/queue/transition.c; a test compares them. A notification that names a job makes its workers stop and
-- the janitors look.
--
-- Returns the job's status before, unless that was active: then 'cancelled'. NULL: there is no such job.
CREATE FUNCTION verbatim.job_cancel(in_workspace text, wanted uuid, of_audience text[], who text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
    AS $$
        DECLARE
            found text;
        BEGIN
            SELECT j.status INTO found FROM verbatim.job AS j
            WHERE j.job_id = wanted AND j.workspace_id = in_workspace
                AND (of_audience IS NULL OR (j.audience @> of_audience AND j.audience <@ of_audience))
            FOR UPDATE;
            IF found IS NULL OR found NOT IN ('queued', 'started') THEN
                RETURN found;
            END IF;
            UPDATE verbatim.job SET status = 'cancelled', finished_at = clock_timestamp() WHERE job_id = wanted;
            PERFORM FROM verbatim.segment WHERE job_id = wanted ORDER BY part_first FOR UPDATE;
            -- Due at infinity: no claim under way takes a segment of an ended job.
            UPDATE verbatim.segment SET status = 'waiting', process_id = NULL, lease_until = NULL,
                not_before = 'infinity'
            WHERE job_id = wanted AND status <> 'recorded';
            DELETE FROM verbatim.segment_directory WHERE job_id = wanted;
            INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key, upload_id, keep_object)
            SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false
            FROM verbatim.job WHERE job_id = wanted AND object_key IS NOT NULL;
            INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)
            SELECT audit_id, workspace_id, 'cancelled', who FROM verbatim.audit WHERE job_id = wanted;
            PERFORM pg_notify('verbatim_ended', wanted::text);
            PERFORM pg_notify('verbatim_work', wanted::text);
            RETURN 'cancelled';
        END
    $$;

-- The row goes and with it the link; the file as soon as a janitor gets to it; the audit stays. False: no such job.
CREATE FUNCTION verbatim.job_delete(in_workspace text, wanted uuid, of_audience text[], who text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
    AS $$
        DECLARE
            found text := verbatim.job_cancel(in_workspace, wanted, of_audience, who);
        BEGIN
            IF found IS NULL THEN
                RETURN false;
            END IF;
            IF found = 'finished' THEN
                INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key, upload_id, keep_object)
                SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false
                FROM verbatim.job WHERE job_id = wanted AND object_key IS NOT NULL
                    AND archive_deleted_at IS NULL;
                PERFORM pg_notify('verbatim_work', wanted::text);
            END IF;
            INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)
            SELECT audit_id, workspace_id, 'deleted', who FROM verbatim.audit WHERE job_id = wanted;
            DELETE FROM verbatim.job WHERE job_id = wanted;
            RETURN true;
        END
    $$;
