-- Open WebUI's chats as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- The installation is one workspace (`verbatim workspace set NAME --source-id main`) with one channel. Its own
-- indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT 'open-webui'::text AS id, 'main'::text AS workspace_id, 'Open WebUI'::text AS name, 'WEB'::text AS channel_type;

CREATE VIEW chat.contact AS
SELECT id, 'main'::text AS workspace_id, name, email FROM public."user";

CREATE VIEW chat.conversation AS
SELECT c.id, 'main'::text AS workspace_id, 'open-webui'::text AS channel_id, to_timestamp(c.created_at) AS created_at,
       c.user_id AS contact_id, c.title
FROM public.chat c;

-- All messages of a chat stand in one JSON, by their ids and in the order in which they were made; a question and the
-- placeholder of its answer have one second. Branches that were left behind are messages too: reply_to tells them
-- apart. Clients have written seconds, milliseconds and nanoseconds.
CREATE VIEW chat.message AS
SELECT m.key AS id, c.id AS conversation_id,
       to_timestamp(CASE WHEN t.at > 1e17 THEN t.at / 1e9 WHEN t.at > 1e11 THEN t.at / 1e3 ELSE t.at END) AS created_at,
       m.position,
       CASE m.value ->> 'role' WHEN 'user' THEN 'inbound' ELSE 'outbound' END AS direction,
       CASE m.value ->> 'role' WHEN 'user' THEN 'customer' ELSE 'bot' END AS speaker_type,
       m.value ->> 'model' AS speaker_name,
       m.value ->> 'content' AS text, 'markdown'::text AS format,
       m.value ->> 'parentId' AS reply_to
FROM public.chat c
CROSS JOIN LATERAL json_each(c.chat -> 'history' -> 'messages') WITH ORDINALITY m (key, value, position)
CROSS JOIN LATERAL (SELECT coalesce((m.value ->> 'timestamp')::double precision, c.created_at) AS at) t;
COMMIT;
