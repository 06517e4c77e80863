-- Answers that are lost: what was written last by whom, so that a COMMIT whose answer did not come can be recognised.

ALTER TABLE verbatim.segment
    ADD COLUMN last_write uuid; -- of the claim, or of its last transaction; service/queue/fence.c

-- Who is at work on it, where that is a process with a row in verbatim.process; NULL: nobody, or one that has none.
ALTER TABLE verbatim.outbox ADD COLUMN process_id uuid;
ALTER TABLE verbatim.cleanup ADD COLUMN process_id uuid;
CREATE INDEX outbox_held ON verbatim.outbox (process_id)
    WHERE process_id IS NOT NULL AND sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX cleanup_held ON verbatim.cleanup (process_id) WHERE process_id IS NOT NULL;

-- Of workspaces that were not made by the program. Later ones get theirs from the worker that misses it.
INSERT INTO verbatim.turn (workspace_id) SELECT workspace_id FROM verbatim.workspace ON CONFLICT DO NOTHING;
