-- Functions with the rights of the owner believe the transaction, not their arguments: a caller that mixes up two
-- workspaces or two keys is refused. pg_temp stands last in their search_path, since it is first where it is not named:
-- a temporary table called `text` would stand for the type.

-- Keys are found through the view key_here.
DROP FUNCTION verbatim.key_find(text);

CREATE OR REPLACE FUNCTION verbatim.key_about(wanted text)
    RETURNS TABLE (user_email text, name text, time_zone text, source_id text, csv_profile text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
    AS $$
        BEGIN
            RETURN QUERY
            SELECT k.user_email, k.name, w.time_zone, w.source_id, w.csv_profile
            FROM verbatim.api_key AS k JOIN verbatim.workspace AS w ON w.workspace_id = k.workspace_id
            WHERE k.key_id = wanted AND k.key_id = current_setting('verbatim.key_id', true)
                AND k.revoked_at IS NULL;
        END
    $$;

-- Writes at most once a minute a key, so it is no hot row. An earlier version of the program does not name the key in
-- its transaction: its notes of use are lost until it is replaced.
CREATE OR REPLACE FUNCTION verbatim.key_touch(wanted text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        UPDATE verbatim.api_key SET last_used_at = now()
        WHERE key_id = wanted AND key_id = current_setting('verbatim.key_id', true)
            AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    $$;

-- Returns the job's status before, unless that was active: then 'cancelled'. NULL: there is no such job. The edges are
-- those of the program's transitions; a test compares them.
CREATE OR REPLACE FUNCTION verbatim.job_cancel(in_workspace text, wanted uuid, of_audience text[], who text)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            found text;
        BEGIN
            IF in_workspace IS DISTINCT FROM current_setting('verbatim.workspace_id', true) THEN
                RAISE insufficient_privilege USING MESSAGE = 'not the workspace of this transaction';
            END IF;
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
            SELECT audit_id, workspace_id, 'cancelled', who FROM verbatim.audit
            WHERE job_id = wanted AND workspace_id = in_workspace;
            PERFORM pg_notify('verbatim_ended', wanted::text);
            PERFORM pg_notify('verbatim_work', wanted::text);
            RETURN 'cancelled';
        END
    $$;

-- The row goes and with it the link; the file as soon as a janitor gets to it; the audit stays. False: no such job.
CREATE OR REPLACE FUNCTION verbatim.job_delete(in_workspace text, wanted uuid, of_audience text[], who text)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
            SELECT audit_id, workspace_id, 'deleted', who FROM verbatim.audit
            WHERE job_id = wanted AND workspace_id = in_workspace;
            DELETE FROM verbatim.job WHERE job_id = wanted;
            RETURN true;
        END
    $$;
