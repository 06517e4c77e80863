-- What an export waits for, and who is there: processes that only take requests have a row as well.

-- Of processes of the version before all of these are NULL, or false.
ALTER TABLE verbatim.process
    ADD COLUMN lease interval,                        -- silent for longer: it is gone
    ADD COLUMN serves boolean NOT NULL DEFAULT false, -- it takes requests
    ADD COLUMN host_name text,
    ADD COLUMN version text,
    ADD COLUMN zone_data text;                        -- which release of the time zones it reads

-- Identity of the store of the process that took the order, which signs the links: whoever writes elsewhere leaves
-- it. NULL: anybody may take it.
ALTER TABLE verbatim.job
    ADD COLUMN ordered_storage text,
    ADD COLUMN trace_parent text; -- W3C Trace Context of the order; NULL: none came with it

-- The last try ended because the source did not answer.
ALTER TABLE verbatim.segment ADD COLUMN source_away boolean NOT NULL DEFAULT false;

-- Processes that work and live, as far as their beats say: three of them fit into a lease.
CREATE VIEW verbatim.worker_alive AS
    SELECT p.process_id, p.storage, p.fingerprint, p.worker_threads, p.beat_at
    FROM verbatim.process AS p
    WHERE p.worker_threads > 0
        AND p.beat_at > clock_timestamp() - coalesce(p.lease, interval '2 minutes');

-- What a job waits for: worker (none lives, or none that writes where the job was ordered), turn (others are before
-- it), source (it did not answer, and is asked again), NULL: it is worked on, or at its end. A function, since a query
-- inside a look-up is set up anew each time; with what the job's row says, since polls have that at hand.
CREATE FUNCTION verbatim.job_waits(wanted uuid, status_now text, ordered text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            found_word text;
        BEGIN
            IF status_now = 'queued' THEN
                SELECT CASE WHEN EXISTS (SELECT FROM verbatim.worker_alive AS w
                                         WHERE ordered IS NULL OR w.storage = ordered)
                            THEN 'turn' ELSE 'worker' END
                INTO found_word;
            ELSIF status_now = 'started' THEN
                -- By itself: most are worked on, and what stands beside it would be set up for nothing.
                IF EXISTS (SELECT FROM verbatim.segment AS s
                           WHERE s.job_id = wanted AND s.status = 'running'
                               AND s.lease_until > clock_timestamp()) THEN
                    RETURN NULL;
                END IF;
                SELECT CASE WHEN NOT EXISTS (SELECT FROM verbatim.worker_alive AS w
                                             WHERE ordered IS NULL OR w.storage = ordered) THEN 'worker'
                            WHEN EXISTS (SELECT FROM verbatim.segment AS s
                                         WHERE s.job_id = wanted AND s.status = 'waiting' AND s.source_away)
                            THEN 'source' ELSE 'turn' END
                INTO found_word;
            END IF;
            RETURN found_word;
        END
    $$;

-- All jobs that wait, by what they wait for: a row for each reason, without one for NULL. Of queued ones not each is
-- looked at by itself: there may be very many.
CREATE FUNCTION verbatim.jobs_waiting() RETURNS TABLE (reason text, jobs bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        WITH ordered AS (
            SELECT j.ordered_storage AS storage, count(*) AS jobs
            FROM verbatim.job AS j WHERE j.status = 'queued' GROUP BY j.ordered_storage),
        waits AS (
            SELECT CASE WHEN EXISTS (SELECT FROM verbatim.worker_alive AS w
                                     WHERE o.storage IS NULL OR w.storage = o.storage)
                        THEN 'turn' ELSE 'worker' END AS reason, o.jobs
            FROM ordered AS o
            UNION ALL
            SELECT verbatim.job_waits(j.job_id, j.status, j.ordered_storage), 1
            FROM verbatim.job AS j WHERE j.status = 'started')
        SELECT kind, coalesce(sum(waits.jobs), 0)::bigint
        FROM unnest(ARRAY['worker', 'turn', 'source']) AS kind LEFT JOIN waits ON waits.reason = kind
        GROUP BY kind ORDER BY kind
    $$;
