-- Of an archive in a bucket that keeps versions: the version id that the store gave it, which a deletion has to name.
-- NULL: the store keeps none, or the id is not known; then it is read off the object.
ALTER TABLE verbatim.job ADD COLUMN object_version text;
-- What is to be deleted; after a refusal, the version that the store does not give up.
ALTER TABLE verbatim.cleanup ADD COLUMN object_version text;

-- As before, with the version.
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
                INSERT INTO verbatim.cleanup
                    (workspace_id, job_id, storage, object_key, upload_id, keep_object, object_version)
                SELECT workspace_id, job_id, storage, object_key, coalesce(upload_id, ''), false, object_version
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
