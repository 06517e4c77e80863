-- Why rows may be missing from an export, in words for people; NULL: nothing is known of that.
ALTER TABLE verbatim.job ADD COLUMN incomplete text;
