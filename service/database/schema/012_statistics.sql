-- What the heads of an export's files say: taken by the first worker, the same for all that follow.

ALTER TABLE verbatim.job
    ADD COLUMN statistics jsonb,    -- service/queue/statistics.c; NULL: none were taken, or not yet
    ADD COLUMN workspace_name text; -- as it was then
