-- The console: lists of a million jobs, exports that are kept by number, settings of a workspace, keys made through
-- the API.

-- One word for an audience, whatever order its tags stand in: row level security lets only what leaks nothing reach an
-- index, and equality of text is such, that of arrays is not. '' for unrestricted.
CREATE FUNCTION verbatim.audience_word(tags text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT CASE WHEN tags IS NULL THEN '' ELSE left(encode(sha256(convert_to(
            coalesce((SELECT string_agg(length(t.tag) || ':' || t.tag, ',' ORDER BY t.tag COLLATE "C")
                      FROM (SELECT DISTINCT tag FROM unnest(tags) AS tag) AS t), ''), 'UTF8')), 'hex'), 32) END
    $$;
ALTER TABLE verbatim.job
    ADD COLUMN format text NOT NULL GENERATED ALWAYS AS (coalesce(specification ->> 'format', 'csv')) STORED,
    ADD COLUMN seen_by text NOT NULL GENERATED ALWAYS AS
        (CASE WHEN audience IS NULL THEN '' ELSE verbatim.audience_word(audience) END) STORED;

-- What a list is filtered by comes before the order of its rows. Of each kind (status, door, format) that there is, the
-- newest rows are taken, and of these the newest: see job_kinds. By author on their own, since they are many.
CREATE INDEX job_kind ON verbatim.job (workspace_id, status, door, format, created_at DESC, job_id DESC);
CREATE INDEX job_kind_seen ON verbatim.job (workspace_id, seen_by, status, door, format, created_at DESC, job_id DESC);
CREATE INDEX job_kind_asked ON verbatim.job
    (workspace_id, requested_by, seen_by, status, door, format, created_at DESC, job_id DESC);

-- The kinds of jobs of the transaction's workspace: of all of them, of one audience (`seen`), of one author (`author`),
-- or of both; NULL: any. Each is one look into an index, from one kind to the next. It sets no search_path, which every
-- call would pay for: it does nothing that its caller may not do.
CREATE FUNCTION verbatim.job_kinds(seen text, author text)
    RETURNS TABLE (seen_by text, status text, door text, format text)
    LANGUAGE plpgsql STABLE ROWS 30
    AS $$
        DECLARE
            here text := current_setting('verbatim.workspace_id');
        BEGIN
            IF author IS NOT NULL THEN
                RETURN QUERY
                WITH RECURSIVE k AS (
                    (SELECT j.seen_by AS a, j.status AS s, j.door AS d, j.format AS f FROM verbatim.job AS j
                     WHERE j.workspace_id = here AND j.requested_by = author AND j.seen_by >= coalesce(seen, '')
                     ORDER BY j.seen_by, j.status, j.door, j.format LIMIT 1)
                    UNION ALL
                    SELECT n.* FROM k CROSS JOIN LATERAL
                        (SELECT j.seen_by, j.status, j.door, j.format FROM verbatim.job AS j
                         WHERE j.workspace_id = here AND j.requested_by = author
                             AND (j.seen_by, j.status, j.door, j.format) > (k.a, k.s, k.d, k.f)
                         ORDER BY j.seen_by, j.status, j.door, j.format LIMIT 1) AS n
                    WHERE seen IS NULL OR k.a <= seen)
                SELECT k.* FROM k WHERE seen IS NULL OR k.a = seen;
            ELSIF seen IS NOT NULL THEN
                RETURN QUERY
                WITH RECURSIVE k AS (
                    (SELECT j.status AS s, j.door AS d, j.format AS f FROM verbatim.job AS j
                     WHERE j.workspace_id = here AND j.seen_by = seen
                     ORDER BY j.status, j.door, j.format LIMIT 1)
                    UNION ALL
                    SELECT n.* FROM k CROSS JOIN LATERAL
                        (SELECT j.status, j.door, j.format FROM verbatim.job AS j
                         WHERE j.workspace_id = here AND j.seen_by = seen
                             AND (j.status, j.door, j.format) > (k.s, k.d, k.f)
                         ORDER BY j.status, j.door, j.format LIMIT 1) AS n)
                SELECT seen, k.* FROM k;
            ELSE
                RETURN QUERY
                WITH RECURSIVE k AS (
                    (SELECT j.status AS s, j.door AS d, j.format AS f FROM verbatim.job AS j
                     WHERE j.workspace_id = here ORDER BY j.status, j.door, j.format LIMIT 1)
                    UNION ALL
                    SELECT n.* FROM k CROSS JOIN LATERAL
                        (SELECT j.status, j.door, j.format FROM verbatim.job AS j
                         WHERE j.workspace_id = here AND (j.status, j.door, j.format) > (k.s, k.d, k.f)
                         ORDER BY j.status, j.door, j.format LIMIT 1) AS n)
                SELECT NULL::text, k.* FROM k;
            END IF;
        END
    $$;

-- Of the workspace: how long archives are kept after their job's end, and links live; NULL: the options of the process.
ALTER TABLE verbatim.workspace
    ADD COLUMN retention interval CHECK (retention > interval '0'),
    ADD COLUMN link_ttl interval CHECK (link_ttl > interval '0');

-- Exports of a door that keeps so many a user: whose they are (a user's address, or a key), the oldest to go first.
-- And the name that a door gives its file; NULL: after what it holds.
ALTER TABLE verbatim.job
    ADD COLUMN kept_for text,
    ADD COLUMN wanted_name text;
CREATE INDEX job_kept_for ON verbatim.job (workspace_id, kept_for, created_at DESC, job_id DESC)
    WHERE kept_for IS NOT NULL;

-- A key as the command makes it, and the API: tags are kept sorted by their bytes, each once. False: there is no such
-- workspace.
CREATE FUNCTION verbatim.key_insert(new_id text, home text, new_name text, hash bytea, new_scopes text[], new_role text,
                                    new_user text, tags text[])
    RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
        BEGIN
            INSERT INTO verbatim.api_key (key_id, workspace_id, name, secret_hash, scopes, role, user_email, audience)
            SELECT new_id, w.workspace_id, new_name, hash, new_scopes, new_role, new_user,
                ARRAY(SELECT DISTINCT tag COLLATE "C" FROM unnest(tags) AS tag ORDER BY 1)
            FROM verbatim.workspace AS w WHERE w.workspace_id = home;
            RETURN FOUND;
        END
    $$;

-- The role of the transaction's key in the transaction's workspace, if that may manage keys; NULL: it may not, or is
-- revoked. Held until the transaction ends: nobody who is revoked meanwhile makes a key.
CREATE FUNCTION verbatim.key_manager() RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT k.role FROM verbatim.api_key AS k
        WHERE k.key_id = current_setting('verbatim.key_id', true)
            AND k.workspace_id = current_setting('verbatim.workspace_id', true)
            AND k.revoked_at IS NULL AND k.role IN ('owner', 'admin')
        FOR SHARE
    $$;
-- By the transaction's key, for its workspace. False: it may not make one of this role.
CREATE FUNCTION verbatim.key_make(new_id text, new_name text, hash bytea, new_scopes text[], new_role text,
                                  new_user text, tags text[])
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            manager text := verbatim.key_manager();
        BEGIN
            IF manager IS NULL OR (new_role = 'owner' AND manager <> 'owner') THEN
                RETURN false;
            END IF;
            RETURN verbatim.key_insert(new_id, current_setting('verbatim.workspace_id'), new_name, hash, new_scopes,
                                       new_role, new_user, tags);
        END
    $$;
-- By the transaction's key, for its workspace: 'revoked', also where it was before; 'denied': an owner's key is the
-- owners' to revoke; NULL: there is no such key.
CREATE FUNCTION verbatim.key_revoke(wanted text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            manager text := verbatim.key_manager();
            found_role text;
        BEGIN
            SELECT k.role INTO found_role FROM verbatim.api_key AS k
            WHERE k.key_id = wanted AND k.workspace_id = current_setting('verbatim.workspace_id') FOR UPDATE;
            IF found_role IS NULL THEN
                RETURN NULL;
            END IF;
            IF manager IS NULL OR (found_role = 'owner' AND manager <> 'owner') THEN
                RETURN 'denied';
            END IF;
            UPDATE verbatim.api_key SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = wanted;
            RETURN 'revoked';
        END
    $$;

-- The audit by door, format, author, day and whether there was a job, like the lists of jobs: see job_kinds.
ALTER TABLE verbatim.audit ADD COLUMN is_direct boolean NOT NULL GENERATED ALWAYS AS (job_id IS NULL) STORED;
CREATE INDEX audit_newest ON verbatim.audit (workspace_id, created_at DESC, audit_id DESC);
CREATE INDEX audit_kind ON verbatim.audit (workspace_id, door, format, is_direct, created_at DESC, audit_id DESC);
CREATE INDEX audit_author ON verbatim.audit
    (workspace_id, author, door, format, is_direct, created_at DESC, audit_id DESC);
CREATE FUNCTION verbatim.audit_kinds(by_author text)
    RETURNS TABLE (door text, format text, is_direct boolean)
    LANGUAGE plpgsql STABLE ROWS 30
    AS $$
        DECLARE
            here text := current_setting('verbatim.workspace_id');
        BEGIN
            IF by_author IS NOT NULL THEN
                RETURN QUERY
                WITH RECURSIVE k AS (
                    (SELECT a.door AS d, a.format AS f, a.is_direct AS i FROM verbatim.audit AS a
                     WHERE a.workspace_id = here AND a.author = by_author
                     ORDER BY a.door, a.format, a.is_direct LIMIT 1)
                    UNION ALL
                    SELECT n.* FROM k CROSS JOIN LATERAL
                        (SELECT a.door, a.format, a.is_direct FROM verbatim.audit AS a
                         WHERE a.workspace_id = here AND a.author = by_author
                             AND (a.door, a.format, a.is_direct) > (k.d, k.f, k.i)
                         ORDER BY a.door, a.format, a.is_direct LIMIT 1) AS n)
                SELECT k.* FROM k;
            ELSE
                RETURN QUERY
                WITH RECURSIVE k AS (
                    (SELECT a.door AS d, a.format AS f, a.is_direct AS i FROM verbatim.audit AS a
                     WHERE a.workspace_id = here ORDER BY a.door, a.format, a.is_direct LIMIT 1)
                    UNION ALL
                    SELECT n.* FROM k CROSS JOIN LATERAL
                        (SELECT a.door, a.format, a.is_direct FROM verbatim.audit AS a
                         WHERE a.workspace_id = here AND (a.door, a.format, a.is_direct) > (k.d, k.f, k.i)
                         ORDER BY a.door, a.format, a.is_direct LIMIT 1) AS n)
                SELECT k.* FROM k;
            END IF;
        END
    $$;

-- Settings of the transaction's workspace, by its key: members of `changes`, spans in microseconds, a null takes away.
-- 'changed'; 'short': archives would not be kept as long as their links live, with what the process has for what the
-- workspace does not say; NULL: the key may not.
CREATE FUNCTION verbatim.workspace_change(changes jsonb, usual_retention bigint, usual_link_ttl bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            here text := current_setting('verbatim.workspace_id');
            kept verbatim.workspace;
        BEGIN
            IF verbatim.key_manager() IS NULL THEN
                RETURN NULL;
            END IF;
            SELECT * INTO kept FROM verbatim.workspace AS w WHERE w.workspace_id = here FOR NO KEY UPDATE;
            IF changes ? 'retention' THEN
                kept.retention := (changes ->> 'retention')::bigint * interval '1 microsecond';
            END IF;
            IF changes ? 'link_ttl' THEN
                kept.link_ttl := (changes ->> 'link_ttl')::bigint * interval '1 microsecond';
            END IF;
            IF (changes ? 'retention' OR changes ? 'link_ttl')
                AND coalesce(kept.retention, usual_retention * interval '1 microsecond')
                    < coalesce(kept.link_ttl, usual_link_ttl * interval '1 microsecond') THEN
                RETURN 'short';
            END IF;
            UPDATE verbatim.workspace AS w
            SET retention = kept.retention, link_ttl = kept.link_ttl,
                name = CASE WHEN changes ? 'name' THEN coalesce(changes ->> 'name', '') ELSE w.name END,
                time_zone = coalesce(changes ->> 'time_zone', w.time_zone),
                csv_profile = coalesce(changes ->> 'csv_profile', w.csv_profile),
                max_running = CASE WHEN changes ? 'max_running' THEN (changes ->> 'max_running')::integer
                                   ELSE w.max_running END
            WHERE w.workspace_id = here;
            RETURN 'changed';
        END
    $$;
