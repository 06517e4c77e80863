-- The console. A session stands for a key: it has no rights of its own, and none once the key has none.

CREATE TABLE verbatim.console_session (
    session_id uuid PRIMARY KEY,
    workspace_id text NOT NULL,
    key_id text NOT NULL REFERENCES verbatim.api_key ON DELETE CASCADE,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32), -- SHA-256 of the whole token
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX console_session_of_key ON verbatim.console_session (key_id, created_at);
CREATE INDEX console_session_due ON verbatim.console_session (expires_at);

-- The session that the transaction names, and no other, with what key_here tells of its key: nothing once the session
-- or the key has ended.
CREATE VIEW verbatim.session_here WITH (security_barrier) AS
    SELECT s.session_id, s.expires_at, s.token_hash AS secret_hash,
        k.key_id, k.workspace_id, k.scopes, k.role, k.audience
    FROM verbatim.console_session AS s JOIN verbatim.api_key AS k ON k.key_id = s.key_id
    WHERE s.session_id = nullif(current_setting('verbatim.session_id', true), '')::uuid
        AND s.expires_at > now() AND k.revoked_at IS NULL;

-- For the key that the transaction names. Of a key's sessions the newest hundred live. No row: there is no such key.
CREATE FUNCTION verbatim.session_begin(new_session uuid, new_hash bytea) RETURNS SETOF timestamptz
    LANGUAGE plpgsql SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            of_key text := current_setting('verbatim.key_id', true);
        BEGIN
            RETURN QUERY
            INSERT INTO verbatim.console_session AS s (session_id, workspace_id, key_id, token_hash, expires_at)
            SELECT new_session, k.workspace_id, k.key_id, new_hash, now() + interval '12 hours'
            FROM verbatim.api_key AS k
            WHERE k.key_id = of_key AND k.revoked_at IS NULL
            RETURNING s.expires_at;
            DELETE FROM verbatim.console_session
            WHERE session_id IN (SELECT s.session_id FROM verbatim.console_session AS s
                                 WHERE s.key_id = of_key
                                 ORDER BY s.created_at DESC, s.session_id OFFSET 100);
        END
    $$;

-- Ends the session that the transaction names.
CREATE FUNCTION verbatim.session_end() RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DELETE FROM verbatim.console_session
        WHERE session_id = nullif(current_setting('verbatim.session_id', true), '')::uuid
    $$;

-- What whoever follows a list of exports has to hear of: which exports have changed, each time. A look takes what has
-- become visible since the look before, by its snapshot, so that it does not matter in which order transactions end.
-- Rows are of use for moments; the janitor takes them away. What is running is looked at anyway.
CREATE TABLE verbatim.job_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL,
    job_id uuid NOT NULL, -- perhaps of a job that is gone
    audience text[],      -- of the job
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX job_change_seen ON verbatim.job_change (workspace_id, changed);
CREATE INDEX job_change_old ON verbatim.job_change (created_at);

-- Whoever changes a job notes it, and needs no right to do so.
CREATE FUNCTION verbatim.job_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                INSERT INTO verbatim.job_change (workspace_id, job_id, audience)
                VALUES (OLD.workspace_id, OLD.job_id, OLD.audience);
            ELSE
                INSERT INTO verbatim.job_change (workspace_id, job_id, audience)
                VALUES (NEW.workspace_id, NEW.job_id, NEW.audience);
            END IF;
            RETURN NULL;
        END
    $$;
CREATE TRIGGER job_changed AFTER INSERT OR DELETE ON verbatim.job
    FOR EACH ROW EXECUTE FUNCTION verbatim.job_changed();
CREATE TRIGGER job_changed_later AFTER UPDATE ON verbatim.job
    FOR EACH ROW WHEN (OLD.status <> 'started' OR NEW.status <> 'started') EXECUTE FUNCTION verbatim.job_changed();

-- A mail that was sent or given up is shown with its job.
CREATE FUNCTION verbatim.outbox_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        BEGIN
            INSERT INTO verbatim.job_change (workspace_id, job_id, audience)
            SELECT j.workspace_id, j.job_id, j.audience FROM verbatim.job AS j WHERE j.job_id = NEW.job_id;
            RETURN NULL;
        END
    $$;
CREATE TRIGGER outbox_changed AFTER UPDATE OF sent_at, given_up_at ON verbatim.outbox
    FOR EACH ROW WHEN (OLD.sent_at IS DISTINCT FROM NEW.sent_at OR OLD.given_up_at IS DISTINCT FROM NEW.given_up_at)
    EXECUTE FUNCTION verbatim.outbox_changed();

-- Of sessions and keys those that are good, each behind its id and a blank with what it may do, in one word: another
-- word is another right.
CREATE FUNCTION verbatim.key_word(of_workspace text, of_role text, of_audience text[], of_scopes text[]) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT md5(jsonb_build_array(of_workspace, of_role, of_audience, of_scopes)::text) $$;
CREATE FUNCTION verbatim.viewers_good(sessions uuid[], keys text[]) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT ARRAY(
            SELECT s.session_id || ' ' || verbatim.key_word(k.workspace_id, k.role, k.audience, k.scopes)
            FROM verbatim.console_session AS s JOIN verbatim.api_key AS k ON k.key_id = s.key_id
            WHERE s.session_id = ANY (sessions) AND s.expires_at > now() AND k.revoked_at IS NULL
            UNION ALL
            SELECT k.key_id || ' ' || verbatim.key_word(k.workspace_id, k.role, k.audience, k.scopes)
            FROM verbatim.api_key AS k WHERE k.key_id = ANY (keys) AND k.revoked_at IS NULL)
    $$;
