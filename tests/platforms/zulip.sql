-- Zulip: what its conversations lie in. Names, types and indexes as its public migrations make them.
CREATE TABLE zerver_realm (id serial PRIMARY KEY, name varchar(40) NOT NULL, string_id varchar(40) NOT NULL UNIQUE);
CREATE TABLE zerver_recipient (id serial PRIMARY KEY, type_id integer NOT NULL, type smallint NOT NULL,
    UNIQUE (type, type_id));
CREATE TABLE zerver_userprofile (id serial PRIMARY KEY, realm_id integer NOT NULL, delivery_email varchar(254) NOT NULL,
    full_name varchar(100) NOT NULL, is_bot boolean NOT NULL, role smallint NOT NULL);
CREATE TABLE zerver_stream (id serial PRIMARY KEY, realm_id integer NOT NULL, name varchar(60) NOT NULL,
    date_created timestamptz NOT NULL, recipient_id integer UNIQUE, deactivated boolean NOT NULL DEFAULT false);
CREATE TABLE zerver_message (id serial PRIMARY KEY, realm_id integer NOT NULL, recipient_id integer NOT NULL,
    sender_id integer NOT NULL, sending_client_id integer NOT NULL, subject varchar(60) NOT NULL, content text NOT NULL,
    rendered_content text, date_sent timestamptz NOT NULL, last_edit_time timestamptz, edit_history text,
    has_attachment boolean NOT NULL DEFAULT false);
CREATE INDEX ON zerver_message (sender_id);
CREATE INDEX ON zerver_message (recipient_id);
CREATE INDEX ON zerver_message (date_sent);
CREATE INDEX ON zerver_message (last_edit_time);
CREATE INDEX zerver_message_realm_recipient_id ON zerver_message (realm_id, recipient_id, id);
CREATE INDEX zerver_message_realm_recipient_date_sent ON zerver_message (realm_id, recipient_id, date_sent);
CREATE INDEX zerver_message_realm_sender_recipient_id ON zerver_message (realm_id, sender_id, recipient_id, id);
CREATE INDEX zerver_message_realm_recipient_subject ON zerver_message (realm_id, recipient_id, subject, id);
CREATE TABLE zerver_reaction (id serial PRIMARY KEY, user_profile_id integer NOT NULL, message_id integer NOT NULL,
    emoji_name text NOT NULL, emoji_code text NOT NULL);
CREATE INDEX ON zerver_reaction (message_id);
CREATE INDEX ON zerver_reaction (user_profile_id);
CREATE TABLE zerver_subscription (id serial PRIMARY KEY, user_profile_id integer NOT NULL,
    recipient_id integer NOT NULL,
    active boolean NOT NULL DEFAULT true);
CREATE INDEX ON zerver_subscription (recipient_id);

INSERT INTO zerver_realm VALUES (2, 'Acme', 'acme'), (3, 'Other', 'other');
INSERT INTO zerver_userprofile SELECT p, 2, 'p' || p || '@example.com', 'Person ' || p, false, 600
    FROM generate_series(1, 500) p;
INSERT INTO zerver_userprofile SELECT 1000 + a, 2, 'a' || a || '@acme.example', 'Agent ' || a, false, 200
    FROM generate_series(1, 9) a;
INSERT INTO zerver_userprofile VALUES (2000, 2, 'ada-bot@acme.example', 'Ada', true, 400);
INSERT INTO zerver_recipient SELECT 100 + r, r, 2 FROM generate_series(1, 40) r;
INSERT INTO zerver_stream SELECT r, 2, 'Room ' || r, timestamptz '2026-02-28Z' + r * interval '1 s', 100 + r
    FROM generate_series(1, 40) r;
INSERT INTO zerver_message (realm_id, recipient_id, sender_id, sending_client_id, subject, content, rendered_content,
        date_sent, last_edit_time)
    SELECT 2, 100 + room, CASE side WHEN 'in' THEN person WHEN 'agent' THEN 1000 + agent ELSE 2000 END, 1,
        'Talk ' || s.c,
        text, '<p>hidden</p>', s.at AT TIME ZONE 'UTC', CASE WHEN k = 2 THEN s.at AT TIME ZONE 'UTC' END
    FROM told.said s JOIN told.talk t ON t.c = s.c ORDER BY s.at, n;
INSERT INTO zerver_message (realm_id, recipient_id, sender_id, sending_client_id, subject, content, date_sent)
    VALUES (3, 999, 1, 1, 'x', 'hidden, of another realm', '2026-03-01Z');
INSERT INTO zerver_reaction (user_profile_id, message_id, emoji_name, emoji_code)
    SELECT 1, id, 'thumbs_up', '1f44d' FROM zerver_message WHERE id % 50 = 0;
INSERT INTO zerver_subscription (user_profile_id, recipient_id) SELECT p, 100 + r FROM generate_series(1, 40) r,
    generate_series(1, 3) p;
