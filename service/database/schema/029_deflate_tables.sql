-- How often deflate's symbols occurred in the first entries of a job's archive: the Huffman tables that its small
-- entries have in common, for whoever writes another segment of it. Hexadecimal, with a checksum. NULL: each entry has
-- its own.
ALTER TABLE verbatim.job ADD COLUMN deflate_tables text;
