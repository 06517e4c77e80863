-- Keys that archives' manifests are signed by (Ed25519). The newest one signs; the others stay, for whoever asks for
-- the public key of an old archive. Not of a workspace: the service signs.
CREATE TABLE verbatim.manifest_key (
    key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{16}$'), -- the beginning of the public key's SHA-256
    private_key bytea NOT NULL CHECK (octet_length(private_key) = 32),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Noted with the archive, as everything is that shapes its bytes.
ALTER TABLE verbatim.job ADD COLUMN manifest_key text; -- NULL: the archive has no manifest
