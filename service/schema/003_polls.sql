-- Cheap polls: what a look at an export needs stands in its row, and a key is found without a function's call.

ALTER TABLE verbatim.job
    ADD COLUMN printed text, -- the specification as its caller sees it; NULL: made by an earlier version
    -- Of its segments: conversations, messages, bytes, recorded, running, waiting, attempts. NULL while they change: then
    -- they are counted. What has ended keeps its counts when its segments are deleted.
    ADD COLUMN counts bigint[];
-- A default of its own, so that rows of before stay NULL. A job begins as one waiting segment.
ALTER TABLE verbatim.job ALTER COLUMN counts SET DEFAULT '{0,0,0,0,0,1,0}';

-- A trigger, so that an earlier version of the program counts as well. What is not recorded by the end never runs again.
CREATE FUNCTION verbatim.job_count() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
        BEGIN
            NEW.counts := NULL;
            IF NEW.status IN ('finished', 'failed', 'cancelled') THEN
                SELECT ARRAY[coalesce(sum(conversations), 0), coalesce(sum(messages), 0),
                             coalesce(sum(coalesce(size, bytes)), 0), count(*) FILTER (WHERE status = 'recorded'),
                             0, count(*) FILTER (WHERE status <> 'recorded'), coalesce(sum(attempts), 0)]
                INTO NEW.counts FROM verbatim.segment WHERE job_id = NEW.job_id;
            END IF;
            RETURN NEW;
        END
    $$;
CREATE TRIGGER job_count BEFORE UPDATE OF status ON verbatim.job
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION verbatim.job_count();

-- The segments of older ones are gone; what was finished has its sums.
UPDATE verbatim.job AS j
SET counts = (SELECT ARRAY[greatest(j.conversations, sum(s.conversations)), greatest(j.messages, sum(s.messages)),
                           coalesce(sum(coalesce(size, bytes)), 0), count(*) FILTER (WHERE s.status = 'recorded'),
                           0, count(*) FILTER (WHERE s.status <> 'recorded'), coalesce(sum(attempts), 0)]
              FROM verbatim.segment AS s WHERE s.job_id = j.job_id)
WHERE status IN ('finished', 'failed', 'cancelled');

-- The key that the transaction names, and no other: as narrow as key_find, which earlier versions call, and cheaper.
CREATE VIEW verbatim.key_here WITH (security_barrier) AS
    SELECT k.key_id, k.workspace_id, k.secret_hash, k.scopes, k.role, k.audience
    FROM verbatim.api_key AS k
    WHERE k.key_id = current_setting('verbatim.key_id', true) AND k.revoked_at IS NULL;
