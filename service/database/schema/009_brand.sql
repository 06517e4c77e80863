-- How a workspace's documents for people look. A row is never changed: setting something makes a new one, and a job
-- keeps the one of the moment when it was ordered, so that all of its files look alike, whoever writes them and when.
CREATE TABLE verbatim.brand (
    brand_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL REFERENCES verbatim.workspace ON DELETE CASCADE,
    name text NOT NULL,
    color text CHECK (color ~ '^#[0-9a-f]{6}$'),
    footer text NOT NULL,
    logo bytea CHECK (octet_length(logo) <= 1048576) -- a PNG that the program wrote itself
);
CREATE INDEX brand_workspace ON verbatim.brand (workspace_id);
ALTER TABLE verbatim.workspace ADD COLUMN brand_id bigint;
-- No foreign key: rows of brands go when no job that has not ended needs them.
ALTER TABLE verbatim.job ADD COLUMN brand_id bigint;

CREATE FUNCTION verbatim.job_brand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT w.brand_id INTO NEW.brand_id FROM verbatim.workspace AS w WHERE w.workspace_id = NEW.workspace_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER job_brand BEFORE INSERT ON verbatim.job FOR EACH ROW EXECUTE FUNCTION verbatim.job_brand();
