-- Mails that the server took whole without an answer to them: they may have arrived.

ALTER TABLE verbatim.outbox
    ADD COLUMN unanswered integer NOT NULL DEFAULT 0, -- how often it was handed over so
    ADD COLUMN unanswered_at timestamptz;             -- the last time

-- The words for what has become of a mail, wherever it is told.
CREATE FUNCTION verbatim.mail_state(sent_at timestamptz, given_up_at timestamptz, unanswered integer) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN unanswered > 0 THEN 'unconfirmed'
                    WHEN given_up_at IS NOT NULL THEN 'failed' ELSE 'waiting' END
    $$;

CREATE OR REPLACE FUNCTION verbatim.job_mail(wanted uuid) RETURNS text LANGUAGE plpgsql STABLE
    AS $$
        DECLARE
            found text;
        BEGIN
            SELECT verbatim.mail_state(o.sent_at, o.given_up_at, o.unanswered)
            INTO found FROM verbatim.outbox AS o WHERE o.job_id = wanted AND o.kind = 'mail';
            RETURN found;
        END
    $$;

DROP TRIGGER outbox_changed ON verbatim.outbox;
CREATE TRIGGER outbox_changed AFTER UPDATE OF sent_at, given_up_at, unanswered ON verbatim.outbox
    FOR EACH ROW WHEN (OLD.sent_at IS DISTINCT FROM NEW.sent_at OR OLD.given_up_at IS DISTINCT FROM NEW.given_up_at
                       OR OLD.unanswered <> NEW.unanswered)
    EXECUTE FUNCTION verbatim.outbox_changed();

-- A mail that an operator sends again is noted with its export.
ALTER TABLE verbatim.audit_event DROP CONSTRAINT audit_event_kind_check;
ALTER TABLE verbatim.audit_event ADD CONSTRAINT audit_event_kind_check
    CHECK (kind IN ('records', 'download', 'cancelled', 'failed', 'deleted', 'link_revoked', 'link_issued',
                    'mail_resent'));
