-- How the parts of an archive are made, beside part_size.
ALTER TABLE verbatim.job
    ADD COLUMN equal_parts boolean NOT NULL DEFAULT false, -- of one size and numbered 1, 2, 3, as some stores want them
    ADD COLUMN loose_parts boolean NOT NULL DEFAULT false; -- the upload may hold some that no segment will name
ALTER TABLE verbatim.segment
    ADD COLUMN sent boolean NOT NULL DEFAULT false, -- parts of it may lie in the store, recorded or not
    ADD COLUMN number_first integer; -- of its parts, after an absorb; NULL: part_first

-- Claims that may be sending to the upload yet, by their epochs: the row is not due before they have let go of it, or
-- their leases have run out (not_before). An abort before that leaves in some stores what arrives behind it. A process
-- that has no row of its own does not live.
ALTER TABLE verbatim.cleanup ADD COLUMN holders bigint[] NOT NULL DEFAULT '{}';

-- As before, and the clean-up waits for those who are at work.
CREATE OR REPLACE FUNCTION verbatim.job_cancel(in_workspace text, wanted uuid, of_audience text[], who text)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            found text;
            at_work bigint[];
            free_at timestamptz;
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
            SELECT coalesce(array_agg(claim_epoch), '{}'), coalesce(max(lease_until), clock_timestamp())
            INTO at_work, free_at
            FROM verbatim.segment AS s
            WHERE job_id = wanted AND status = 'running' AND lease_until > clock_timestamp()
                AND EXISTS (SELECT FROM verbatim.process AS p WHERE p.process_id = s.process_id);
            -- Due at infinity: no claim under way takes a segment of an ended job.
            UPDATE verbatim.segment SET status = 'waiting', process_id = NULL, lease_until = NULL,
                not_before = 'infinity'
            WHERE job_id = wanted AND status <> 'recorded';
            DELETE FROM verbatim.segment_directory WHERE job_id = wanted;
            INSERT INTO verbatim.cleanup
                (workspace_id, job_id, storage, object_key, upload_id, keep_object, holders, not_before)
            SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false, at_work, free_at
            FROM verbatim.job WHERE job_id = wanted AND object_key IS NOT NULL;
            INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, by_whom)
            SELECT audit_id, workspace_id, 'cancelled', who FROM verbatim.audit
            WHERE job_id = wanted AND workspace_id = in_workspace;
            PERFORM pg_notify('verbatim_ended', wanted::text);
            PERFORM pg_notify('verbatim_work', wanted::text);
            RETURN 'cancelled';
        END
    $$;
