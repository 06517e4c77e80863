-- The clocks of the job's time zone as they were known where the order was taken: the rule behind the last change (as
-- POSIX writes it; -: none), the first offset, and for each change the seconds since the one before (the first: since
-- 1970) and the offset from then on, in seconds east of UTC. NULL, in rows of before: whoever works on the job goes by
-- the zone files of its own machine.
ALTER TABLE verbatim.job ADD COLUMN zone_clocks text;
