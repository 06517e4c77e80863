-- Rights and policies, applied when they have changed; idempotent. Runs as the owner; the roles exist by then.
-- For two colons and a word, api or worker, the program puts the roles of this installation (and, as long as earlier
-- versions may run, those that all databases of the cluster share) and gives them in verbatim.roles_api and _worker.

-- Roles that are not meant any more: of another database that this one was copied from, or of earlier versions.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT DISTINCT r.rolname
        FROM (SELECT nspacl AS acl FROM pg_namespace WHERE nspname = 'verbatim'
              UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'verbatim'::regnamespace
              UNION ALL SELECT proacl FROM pg_proc WHERE pronamespace = 'verbatim'::regnamespace) AS a,
            aclexplode(a.acl) AS g JOIN pg_roles AS r ON r.oid = g.grantee
        WHERE r.rolname ~ '^verbatim_(api|worker|queue)(_|$)'
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA verbatim FROM %I', each.rolname);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA verbatim FROM %I', each.rolname);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA verbatim FROM %I', each.rolname);
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA verbatim FROM %I', each.rolname);
    END LOOP;
END
$$;
REVOKE ALL ON ALL TABLES IN SCHEMA verbatim FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA verbatim FROM PUBLIC;

GRANT USAGE ON SCHEMA verbatim TO :api, :worker;
GRANT SELECT ON verbatim.schema_migration, verbatim.workspace, verbatim.brand TO :api, :worker;
GRANT SELECT, INSERT ON verbatim.job, verbatim.segment TO :api;
GRANT SELECT ON verbatim.key_here, verbatim.session_here TO :api;
GRANT SELECT ON verbatim.link_secret TO :api, :worker;
GRANT EXECUTE ON FUNCTION verbatim.job_count(uuid), verbatim.job_mail(uuid),
    verbatim.mail_state(timestamptz, timestamptz, integer), verbatim.audience_word(text[]) TO :api, :worker;
GRANT EXECUTE ON FUNCTION verbatim.job_kinds(text, text), verbatim.audit_kinds(text),
    verbatim.key_make(text, text, bytea, text[], text, text, text[]), verbatim.key_revoke(text),
    verbatim.workspace_change(jsonb, bigint, bigint) TO :api;
-- All of a key but what it is compared by.
GRANT SELECT (key_id, workspace_id, name, scopes, role, user_email, audience, created_at, last_used_at, revoked_at)
    ON verbatim.api_key TO :api;
GRANT SELECT (job_id, workspace_id, kind, sent_at, given_up_at, unanswered) ON verbatim.outbox TO :api;
GRANT EXECUTE ON FUNCTION verbatim.key_about(text),
    verbatim.key_touch(text), verbatim.job_cancel(text, uuid, text[], text),
    verbatim.job_delete(text, uuid, text[], text), verbatim.link_open(text, integer, bytea), verbatim.mail_is_sent(),
    verbatim.link_revoke(text, uuid, text[], text), verbatim.link_issue(text, uuid, text[], text, bigint),
    verbatim.session_begin(uuid, bytea), verbatim.session_end() TO :api;
GRANT SELECT, INSERT, UPDATE, DELETE ON verbatim.job, verbatim.segment, verbatim.segment_directory,
    verbatim.turn, verbatim.process, verbatim.mailer, verbatim.outbox, verbatim.cleanup TO :worker;
GRANT SELECT, UPDATE ON verbatim.daily TO :worker;
GRANT SELECT, INSERT ON verbatim.manifest_key TO :worker;
GRANT SELECT ON verbatim.worker_alive TO :worker;
GRANT EXECUTE ON FUNCTION verbatim.job_waits(uuid, text, text), verbatim.jobs_waiting() TO :api, :worker;
GRANT SELECT, DELETE ON verbatim.console_session, verbatim.job_change TO :worker;
GRANT EXECUTE ON FUNCTION verbatim.viewers_good(uuid[], text[]) TO :worker;
GRANT EXECUTE ON FUNCTION verbatim.key_word(text, text, text[], text[]) TO :api;
-- An audit is added to and read, never changed; a trigger says the same to the owner.
GRANT SELECT, INSERT ON verbatim.audit, verbatim.audit_event TO :api, :worker;
GRANT USAGE ON SEQUENCE verbatim.claim_epoch, verbatim.turn_number TO :worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA verbatim TO :worker;

-- Every table with a workspace_id: forced, with one policy a role. `process`, `link_secret`, `manifest_key` have none.
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
        EXECUTE format('CREATE POLICY api ON verbatim.%I TO %s
                        USING (workspace_id = current_setting(''verbatim.workspace_id'', true))
                        WITH CHECK (workspace_id = current_setting(''verbatim.workspace_id'', true))',
                       each.relname, current_setting('verbatim.roles_api'));
        EXECUTE format('CREATE POLICY worker ON verbatim.%I TO %s USING (true) WITH CHECK (true)',
                       each.relname, current_setting('verbatim.roles_worker'));
    END LOOP;
END
$$;
