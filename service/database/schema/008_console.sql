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
