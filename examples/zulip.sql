-- Zulip's channels as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- A realm is a workspace (`verbatim workspace set NAME --source-id REALM_ID`). A conversation is a channel with all its
-- topics, which lives for years: export it by the filter `activity`. Its own indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT id, realm_id AS workspace_id, name, 'STREAM'::text AS channel_type FROM public.zerver_stream;

CREATE VIEW chat.contact AS
SELECT id, realm_id AS workspace_id, full_name AS name, delivery_email AS email FROM public.zerver_userprofile;

-- Messages name a channel by its recipient.
CREATE VIEW chat.conversation AS
SELECT s.recipient_id AS id, s.realm_id AS workspace_id, s.id AS channel_id, s.date_created AS created_at,
       s.name AS title
FROM public.zerver_stream s
WHERE s.recipient_id IS NOT NULL;

CREATE VIEW chat.message AS
SELECT m.id, m.recipient_id AS conversation_id, m.date_sent AS created_at, m.id::bigint AS position,
       CASE WHEN u.is_bot OR u.role <= 300 THEN 'outbound' ELSE 'inbound' END AS direction,
       CASE WHEN u.is_bot THEN 'bot' WHEN u.role <= 300 THEN 'agent' ELSE 'customer' END AS speaker_type, -- moderators
       u.full_name AS speaker_name, u.delivery_email AS sender_account,
       m.content AS text, 'markdown'::text AS format, m.last_edit_time AS edited_at,
       jsonb_build_object('topic', m.subject) AS extra
FROM public.zerver_message m
LEFT JOIN public.zerver_userprofile u ON u.id = m.sender_id;

CREATE VIEW chat.reaction AS
SELECT r.message_id, m.recipient_id AS conversation_id, r.emoji_name AS name,
       (SELECT u.full_name FROM public.zerver_userprofile u WHERE u.id = r.user_profile_id) AS by
FROM public.zerver_message m JOIN public.zerver_reaction r ON r.message_id = m.id;

CREATE VIEW chat.participant AS
SELECT s.recipient_id AS conversation_id,
       (SELECT u.full_name FROM public.zerver_userprofile u WHERE u.id = s.user_profile_id) AS name,
       s.user_profile_id AS contact_id
FROM public.zerver_subscription s
WHERE s.active;
COMMIT;
