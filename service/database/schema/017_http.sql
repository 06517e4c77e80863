-- Where a download went, and how many bytes of it had gone out; NULL where nobody knows: rows of earlier versions, and
-- bytes that the object store sends.
ALTER TABLE verbatim.audit_event
    ADD COLUMN client inet,
    ADD COLUMN bytes bigint;
