-- Rasa's tracker store as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- There is one table, of events: a conversation is a sender, and begins with the first event that starts a session.
-- The store is one workspace (`verbatim workspace set NAME --source-id main`) with one channel. Its index is enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT 'rasa'::text AS id, 'main'::text AS workspace_id, 'Rasa'::text AS name, 'BOT'::text AS channel_type;

CREATE VIEW chat.conversation AS
SELECT e.sender_id AS id, 'main'::text AS workspace_id, 'rasa'::text AS channel_id,
       e.timestamp AS created_at_epoch
FROM public.events e
WHERE e.type_name = 'session_started'
  AND NOT EXISTS (SELECT FROM public.events f
                  WHERE f.sender_id = e.sender_id AND f.type_name = 'session_started' AND f.id < e.id);

-- What an event holds is JSON in a column of text.
CREATE VIEW chat.message AS
SELECT e.id, e.sender_id AS conversation_id, e.timestamp AS created_at_epoch, e.id::bigint AS position,
       CASE e.type_name WHEN 'user' THEN 'inbound' ELSE 'outbound' END AS direction,
       CASE e.type_name WHEN 'user' THEN 'customer' ELSE 'bot' END AS speaker_type,
       e.data::jsonb ->> 'text' AS text
FROM public.events e
WHERE e.type_name IN ('user', 'bot');

CREATE VIEW chat.event AS
SELECT e.id, e.sender_id AS conversation_id, e.timestamp AS created_at_epoch, e.type_name AS kind,
       e.action_name AS detail
FROM public.events e
WHERE e.type_name IN ('action', 'session_started', 'restart', 'pause', 'resume', 'followup');
COMMIT;
