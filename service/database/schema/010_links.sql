-- Short links: Verbatim's own, one after the other for each export. A link is told apart by its number, from 1 on, and
-- proved by a MAC over the job and the number: nothing of it is stored, and it can be written again alike.

ALTER TABLE verbatim.job
    ADD COLUMN links integer NOT NULL DEFAULT 1 CHECK (links BETWEEN 1 AND 255), -- issued; one at the finish
    ADD COLUMN links_revoked integer NOT NULL DEFAULT 0, -- those up to this number are
    ADD COLUMN link_ends timestamptz[]; -- by number; NULL, as the first one's: link_expires_at

ALTER TABLE verbatim.audit_event DROP CONSTRAINT audit_event_kind_check;
ALTER TABLE verbatim.audit_event ADD CONSTRAINT audit_event_kind_check
    CHECK (kind IN ('records', 'download', 'cancelled', 'failed', 'deleted', 'link_revoked', 'link_issued'));

-- HMAC-SHA256 (RFC 2104) of a key of 32 bytes, as the program makes it; a test compares them.
CREATE FUNCTION verbatim.link_mac(secret bytea, message bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            inner_pad bytea := decode(repeat('36', 64), 'hex');
            outer_pad bytea := decode(repeat('5c', 64), 'hex');
        BEGIN
            FOR i IN 0..length(secret) - 1 LOOP
                inner_pad := set_byte(inner_pad, i, get_byte(secret, i) # 54);
                outer_pad := set_byte(outer_pad, i, get_byte(secret, i) # 92);
            END LOOP;
            RETURN sha256(outer_pad || sha256(inner_pad || message));
        END
    $$;

-- The only way from a link to its job, as its workspace is not known yet: a row only for who holds the link. `prefix`
-- is the first 8 hex digits of the job's id, so few jobs are looked at, by their key. Digests of the MACs are compared:
-- how long that takes tells nothing of them. `state` is open, expired, revoked, or gone: the archive is deleted.
CREATE FUNCTION verbatim.link_open(prefix text, number integer, mac bytea)
    RETURNS TABLE (job_id uuid, object_key text, state text, microseconds_left bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            each record;
        BEGIN
            FOR each IN
                SELECT j.job_id AS id, j.object_key AS at, j.archive_deleted_at AS deleted, j.links_revoked AS revoked,
                    coalesce(j.link_ends[number], j.link_expires_at) AS ends
                FROM verbatim.job AS j
                WHERE j.job_id BETWEEN (prefix || '-0000-0000-0000-000000000000')::uuid
                        AND (prefix || '-ffff-ffff-ffff-ffffffffffff')::uuid
                    AND j.status = 'finished' AND j.object_key IS NOT NULL AND number BETWEEN 1 AND j.links
                LIMIT 16
            LOOP
                PERFORM FROM (SELECT secret FROM verbatim.link_secret ORDER BY generation DESC LIMIT 2) AS s
                WHERE sha256(mac) = sha256(substring(verbatim.link_mac(s.secret, convert_to(
                    E'verbatim short link 1\n' || each.id || E'\n' || number, 'UTF8')) FOR 16));
                IF FOUND THEN
                    RETURN QUERY SELECT each.id, each.at,
                        CASE WHEN number <= each.revoked THEN 'revoked'
                             WHEN each.deleted IS NOT NULL THEN 'gone'
                             WHEN each.ends > clock_timestamp() THEN 'open'
                             ELSE 'expired' END,
                        (extract(epoch FROM each.ends - clock_timestamp()) * 1000000)::bigint;
                    RETURN;
                END IF;
            END LOOP;
        END
    $$;

-- Both answer false where there is no such job. They change what has finished only: the caller, who sees the job
-- behind them, says why nothing happened.
CREATE FUNCTION verbatim.link_revoke(in_workspace text, wanted uuid, of_audience text[], who text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            found_job verbatim.job;
        BEGIN
            IF in_workspace IS DISTINCT FROM current_setting('verbatim.workspace_id', true) THEN
                RAISE insufficient_privilege USING MESSAGE = 'not the workspace of this transaction';
            END IF;
            SELECT * INTO found_job FROM verbatim.job AS j
            WHERE j.job_id = wanted AND j.workspace_id = in_workspace
                AND (of_audience IS NULL OR (j.audience @> of_audience AND j.audience <@ of_audience))
            FOR NO KEY UPDATE;
            IF found_job.status = 'finished' AND found_job.links_revoked < found_job.links THEN
                UPDATE verbatim.job SET links_revoked = links WHERE job_id = wanted;
                INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)
                SELECT audit_id, workspace_id, 'link_revoked', who FROM verbatim.audit
                WHERE job_id = wanted AND workspace_id = in_workspace;
            END IF;
            RETURN found_job.job_id IS NOT NULL;
        END
    $$;

-- One link more, for as long as the first one lived, but not longer than the archive is kept: `kept` is the retention
-- in microseconds where neither job nor workspace has one of its own. At most 255 for an export.
CREATE FUNCTION verbatim.link_issue(in_workspace text, wanted uuid, of_audience text[], who text, kept bigint)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            found_job verbatim.job;
            ends timestamptz;
        BEGIN
            IF in_workspace IS DISTINCT FROM current_setting('verbatim.workspace_id', true) THEN
                RAISE insufficient_privilege USING MESSAGE = 'not the workspace of this transaction';
            END IF;
            SELECT * INTO found_job FROM verbatim.job AS j
            WHERE j.job_id = wanted AND j.workspace_id = in_workspace
                AND (of_audience IS NULL OR (j.audience @> of_audience AND j.audience <@ of_audience))
            FOR NO KEY UPDATE;
            ends := least(clock_timestamp() + found_job.link_ttl,
                          greatest(found_job.link_expires_at,
                                   coalesce(found_job.created_at + found_job.retention,
                                            found_job.finished_at + coalesce(
                                                (SELECT w.retention FROM verbatim.workspace AS w
                                                 WHERE w.workspace_id = in_workspace),
                                                kept * interval '1 microsecond'))));
            IF found_job.status = 'finished' AND found_job.object_key IS NOT NULL
                AND found_job.archive_deleted_at IS NULL AND found_job.links < 255 AND ends > clock_timestamp() THEN
                UPDATE verbatim.job SET links = links + 1, link_ends[links + 1] = ends WHERE job_id = wanted;
                INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)
                SELECT audit_id, workspace_id, 'link_issued', who FROM verbatim.audit
                WHERE job_id = wanted AND workspace_id = in_workspace;
            END IF;
            RETURN found_job.job_id IS NOT NULL;
        END
    $$;

-- Processes that send mails, each noted by its outbox about once a minute: who takes an order with an address may be a
-- process that sends none.
CREATE TABLE verbatim.mailer (
    process_id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Whether a mail that is asked for will be sent: by a process that was there within a day, so that nothing is refused
-- while one is replaced or away, or by one of an earlier version, which notes nothing but what it has sent.
CREATE FUNCTION verbatim.mail_is_sent() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT EXISTS (SELECT FROM verbatim.mailer WHERE seen_at > now() - interval '1 day')
            OR EXISTS (SELECT FROM verbatim.outbox WHERE sent_at > now() - interval '1 day')
    $$;

-- What has become of a finished export's mail. A function, since a query inside a look-up is set up anew each time.
CREATE FUNCTION verbatim.job_mail(wanted uuid) RETURNS text LANGUAGE plpgsql STABLE
    AS $$
        DECLARE
            found text;
        BEGIN
            SELECT CASE WHEN o.sent_at IS NOT NULL THEN 'sent' WHEN o.given_up_at IS NOT NULL THEN 'failed'
                        ELSE 'waiting' END
            INTO found FROM verbatim.outbox AS o WHERE o.job_id = wanted AND o.kind = 'mail';
            RETURN found;
        END
    $$;
