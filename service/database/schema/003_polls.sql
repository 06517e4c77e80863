-- Cheap polls: what a look at an export needs stands in its row, and a key is found without a function's call.

ALTER TABLE verbatim.job
    ADD COLUMN printed text, -- the specification as its caller sees it; NULL: made by an earlier version
    -- Of its segments: conversations, messages, bytes, recorded, running, waiting, attempts. NULL while they change:
    -- then they are counted. What has ended keeps its counts when its segments are deleted.
    ADD COLUMN counts bigint[];
-- A default of its own, so that rows of before stay NULL. A job begins as one waiting segment.
ALTER TABLE verbatim.job ALTER COLUMN counts SET DEFAULT '{0,0,0,0,0,1,0}';

-- A function, since a query inside a look-up is set up anew each time, also where it is not run. It sets no
-- search_path, which every call would pay for: it does nothing that its caller may not do.
CREATE FUNCTION verbatim.job_count(wanted uuid) RETURNS bigint[] LANGUAGE plpgsql STABLE
    AS $$
        DECLARE
            counts bigint[];
        BEGIN
            SELECT ARRAY[coalesce(sum(s.conversations), 0), coalesce(sum(s.messages), 0),
                         coalesce(sum(coalesce(s.size, s.bytes)), 0), count(*) FILTER (WHERE s.status = 'recorded'),
                         count(*) FILTER (WHERE s.status = 'running'), count(*) FILTER (WHERE s.status = 'waiting'),
                         coalesce(sum(s.attempts), 0)]
            INTO counts FROM verbatim.segment AS s WHERE s.job_id = wanted;
            RETURN counts;
        END
    $$;

-- A trigger, so that an earlier version of the program counts as well. What runs at the end never will again.
CREATE FUNCTION verbatim.job_counted() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
        BEGIN
            NEW.counts := NULL;
            IF NEW.status IN ('finished', 'failed', 'cancelled') THEN
                NEW.counts := verbatim.job_count(NEW.job_id);
                NEW.counts[6] := NEW.counts[5] + NEW.counts[6];
                NEW.counts[5] := 0;
            END IF;
            RETURN NEW;
        END
    $$;
CREATE TRIGGER job_counted BEFORE UPDATE OF status ON verbatim.job
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION verbatim.job_counted();

-- What ended more than an hour ago has lost its segments: then what was finished has its sums, and no more is known.
UPDATE verbatim.job
SET counts = CASE WHEN EXISTS (SELECT FROM verbatim.segment AS s WHERE s.job_id = job.job_id)
                  THEN verbatim.job_count(job_id) ELSE ARRAY[conversations, messages, coalesce(size, 0), 0, 0, 0, 0] END
WHERE status IN ('finished', 'failed', 'cancelled');

-- The key that the transaction names, and no other: as narrow as key_find, which earlier versions call, and cheaper.
CREATE VIEW verbatim.key_here WITH (security_barrier) AS
    SELECT k.key_id, k.workspace_id, k.secret_hash, k.scopes, k.role, k.audience
    FROM verbatim.api_key AS k
    WHERE k.key_id = current_setting('verbatim.key_id', true) AND k.revoked_at IS NULL;
