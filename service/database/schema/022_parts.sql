-- How the parts of an archive are made, beside part_size.
ALTER TABLE verbatim.job
    ADD COLUMN equal_parts boolean NOT NULL DEFAULT false, -- of one size and numbered 1, 2, 3, as some stores want them
    ADD COLUMN loose_parts boolean NOT NULL DEFAULT false; -- the upload may hold some that no segment will name
ALTER TABLE verbatim.segment
    ADD COLUMN sent boolean NOT NULL DEFAULT false, -- parts of it may lie in the store, recorded or not
    ADD COLUMN number_first integer; -- of its parts, after an absorb; NULL: part_first
