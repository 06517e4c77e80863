-- Rights and policies, applied after every migration; idempotent. The roles exist by then.
GRANT USAGE ON SCHEMA verbatim TO verbatim_api, verbatim_worker;
REVOKE ALL ON ALL TABLES IN SCHEMA verbatim FROM PUBLIC, verbatim_api, verbatim_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA verbatim FROM PUBLIC;

GRANT SELECT ON verbatim.schema_migration, verbatim.workspace TO verbatim_api, verbatim_worker;
GRANT SELECT, INSERT ON verbatim.job, verbatim.segment TO verbatim_api;
GRANT SELECT ON verbatim.key_here TO verbatim_api;
GRANT SELECT ON verbatim.link_secret TO verbatim_api, verbatim_worker;
GRANT EXECUTE ON FUNCTION verbatim.job_count(uuid) TO verbatim_api, verbatim_worker;
GRANT EXECUTE ON FUNCTION verbatim.key_about(text),
    verbatim.key_touch(text), verbatim.job_cancel(text, uuid, text[], text),
    verbatim.job_delete(text, uuid, text[], text) TO verbatim_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON verbatim.job, verbatim.segment, verbatim.segment_directory,
    verbatim.turn, verbatim.process, verbatim.outbox, verbatim.cleanup TO verbatim_worker;
GRANT SELECT, UPDATE ON verbatim.daily TO verbatim_worker;
-- An audit is added to and read, never changed; a trigger says the same to the owner.
GRANT SELECT, INSERT ON verbatim.audit, verbatim.audit_event TO verbatim_api, verbatim_worker;
GRANT USAGE ON SEQUENCE verbatim.claim_epoch, verbatim.turn_number TO verbatim_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA verbatim TO verbatim_worker;

-- Every table with a workspace_id: forced, with one policy a role. `process` and `link_secret` have none.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT c.relname
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'verbatim'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE verbatim.%I ENABLE ROW LEVEL SECURITY', each.relname);
        EXECUTE format('ALTER TABLE verbatim.%I FORCE ROW LEVEL SECURITY', each.relname);
        EXECUTE format('DROP POLICY IF EXISTS owner ON verbatim.%I', each.relname);
        EXECUTE format('DROP POLICY IF EXISTS api ON verbatim.%I', each.relname);
        EXECUTE format('DROP POLICY IF EXISTS worker ON verbatim.%I', each.relname);
        EXECUTE format('CREATE POLICY owner ON verbatim.%I TO CURRENT_USER USING (true) WITH CHECK (true)',
                       each.relname);
        EXECUTE format('CREATE POLICY api ON verbatim.%I TO verbatim_api
                        USING (workspace_id = current_setting(''verbatim.workspace_id'', true))
                        WITH CHECK (workspace_id = current_setting(''verbatim.workspace_id'', true))',
                       each.relname);
        EXECUTE format('CREATE POLICY worker ON verbatim.%I TO verbatim_worker USING (true) WITH CHECK (true)',
                       each.relname);
    END LOOP;
END
$$;
