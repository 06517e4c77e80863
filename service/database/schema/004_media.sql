-- Media in archives. Pieces of a segment are of two kinds now: directory records, and rows of media/errors.csv.

ALTER TABLE verbatim.segment_directory
    ADD COLUMN kind smallint NOT NULL DEFAULT 0, -- 0: directory records; 1: rows of media/errors.csv
    DROP CONSTRAINT segment_directory_pkey,
    ADD PRIMARY KEY (job_id, part_first, claim_epoch, kind, piece);

ALTER TABLE verbatim.segment
    ADD COLUMN media_bytes bigint NOT NULL DEFAULT 0; -- recorded: of its media, for the limit of the export
