-- An export that is answered at once gives its entry a mark before it sends it, so that its end finds the entry
-- although the answer to it was lost.
ALTER TABLE verbatim.audit ADD COLUMN mark uuid; -- NULL: an export with a job, which names its entry
CREATE UNIQUE INDEX audit_mark ON verbatim.audit (mark) WHERE mark IS NOT NULL;
