-- How much there is to do, as one number for whoever sets the number of workers: asked by a login that may do no more.

-- Pieces that a worker thread has at hand or could have: segments of what was begun, and queued jobs as far as their
-- workspace may start them (`max_running`: the option of the processes). Mails that are due count as one piece more,
-- since any one worker sends them all. The closing segment waits for the others, and is no piece before.
CREATE FUNCTION verbatim.queue_depth(max_running integer DEFAULT 3) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT (SELECT count(*)
                FROM verbatim.job AS j JOIN verbatim.segment AS s USING (job_id)
                WHERE j.status = 'started'
                    AND (s.status = 'running' OR s.status = 'waiting' AND (NOT s.after_others OR j.open_segments = 1)))
            + (SELECT coalesce(sum(startable.jobs), 0)::bigint
               FROM verbatim.workspace AS w, LATERAL (
                   SELECT count(*) AS jobs
                   FROM (SELECT
                         FROM verbatim.job AS q
                         WHERE q.workspace_id = w.workspace_id AND q.status = 'queued'
                         LIMIT greatest(0, coalesce(w.max_running, queue_depth.max_running) - (
                             SELECT count(*)
                             FROM verbatim.job AS b
                             WHERE b.workspace_id = w.workspace_id AND b.status = 'started'))) AS one) AS startable)
            + CASE WHEN EXISTS (
                SELECT
                FROM verbatim.outbox AS o
                WHERE o.sent_at IS NULL AND o.given_up_at IS NULL AND o.not_before <= now()) THEN 1 ELSE 0 END
    $$;
