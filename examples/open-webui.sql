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
SELECT c.id, 'main'::text AS workspace_id, 'open-webui'::text AS channel_id, c.created_at AS created_at_s,
       c.user_id AS contact_id, c.title
FROM public.chat c;

-- A message is a row of chat_message, by an id of its chat's and its own. Chats that are older than that table stand in
-- one JSON with all their messages, in the order in which they were made: for them the second branch. A question and
-- the placeholder of its answer have one second, so a position tells them apart. Branches that were left behind are
-- messages too: reply_to tells. Clients have written seconds, milliseconds and nanoseconds.
CREATE VIEW chat.message AS
SELECT m.id, m.conversation_id,
       CASE WHEN m.at > 1e17 THEN m.at / 1e9 WHEN m.at > 1e11 THEN m.at / 1e3 ELSE m.at END AS created_at_epoch,
       m.position,
       CASE m.role WHEN 'user' THEN 'inbound' ELSE 'outbound' END AS direction,
       CASE m.role WHEN 'user' THEN 'customer' ELSE 'bot' END AS speaker_type,
       m.model AS speaker_name,
       m.content #>> '{}' AS text,
       CASE json_typeof(m.content) WHEN 'string' THEN 'markdown' ELSE 'json' END AS format,
       m.reply_to
FROM (SELECT substr(r.id, length(r.chat_id) + 2) AS id, r.chat_id AS conversation_id,
             r.created_at::double precision AS at,
             CASE r.role WHEN 'user' THEN 1::bigint ELSE 2::bigint END AS position,
             r.role, r.model_id AS model, r.content, r.parent_id AS reply_to
      FROM public.chat_message r
      UNION ALL
      SELECT j.key, c.id::text, coalesce((j.value ->> 'timestamp')::double precision, c.created_at),
             j.position, j.value ->> 'role', j.value ->> 'model', j.value -> 'content', j.value ->> 'parentId'
      FROM public.chat c
      CROSS JOIN LATERAL json_each(
          CASE WHEN NOT EXISTS (SELECT FROM public.chat_message r WHERE r.chat_id = c.id)
               THEN c.chat -> 'history' -> 'messages' END) WITH ORDINALITY j (key, value, position)) m;
COMMIT;
