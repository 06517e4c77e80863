-- Rows of the source that could not be read and were left out: errors.csv of the archive lists them. Pieces of a
-- segment are of three kinds now: 2 is that of its rows.
ALTER TABLE verbatim.job ADD COLUMN bad_rows bigint NOT NULL DEFAULT 0;
ALTER TABLE verbatim.segment ADD COLUMN bad_rows bigint NOT NULL DEFAULT 0;
