-- Synapse's rooms as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- The server is one workspace (`verbatim workspace set NAME --source-id main`) with one channel. Rooms that are
-- encrypted end to end hold nothing that could be read. Its own indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT 'matrix'::text AS id, 'main'::text AS workspace_id, 'Matrix'::text AS name, 'MATRIX'::text AS channel_type;

CREATE VIEW chat.conversation AS
SELECT e.room_id AS id, 'main'::text AS workspace_id, 'matrix'::text AS channel_id,
       e.origin_server_ts AS created_at_ms,
       (SELECT coalesce(s.name, s.canonical_alias) FROM public.room_stats_state s WHERE s.room_id = e.room_id) AS title
FROM public.events e
WHERE e.type = 'm.room.create' AND NOT e.outlier;

-- stream_ordering is the server's own order, also within a millisecond. An edit is a message that replaces another one:
-- shown as it came, it would stand there twice.
CREATE VIEW chat.message AS
SELECT e.event_id AS id, e.room_id AS conversation_id, e.origin_server_ts AS created_at_ms,
       e.stream_ordering AS position,
       CASE WHEN e.sender LIKE '%:acme' THEN 'outbound' ELSE 'inbound' END AS direction,           -- your own server
       CASE WHEN e.sender = '@bot:acme' THEN 'bot'                                                 -- your bots
            WHEN e.sender LIKE '%:acme' THEN 'agent' ELSE 'customer' END AS speaker_type,
       coalesce((SELECT p.displayname FROM public.profiles p WHERE p.full_user_id = e.sender),
           e.sender) AS speaker_name,
       e.sender AS sender_account,
       (SELECT j.json::jsonb -> 'content' ->> 'body' FROM public.event_json j WHERE j.event_id = e.event_id) AS text,
       (SELECT to_timestamp(min(r.received_ts) / 1000.0) FROM public.redactions r WHERE r.redacts = e.event_id)
           AS deleted_at
FROM public.events e
WHERE e.type = 'm.room.message' AND NOT e.outlier
  AND NOT EXISTS (SELECT FROM public.event_relations l WHERE l.event_id = e.event_id AND l.relation_type = 'm.replace');

CREATE VIEW chat.participant AS
SELECT m.room_id AS conversation_id, coalesce(m.display_name, m.user_id) AS name, m.membership AS role
FROM public.room_memberships m
WHERE m.membership IN ('join', 'leave', 'ban');
COMMIT;
