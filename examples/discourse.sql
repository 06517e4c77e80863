-- Discourse's topics as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- The site is one workspace (`verbatim workspace set NAME --source-id main`), a category a channel. Its own indexes are
-- enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT id, 'main'::text AS workspace_id, name::text AS name, 'FORUM'::text AS channel_type FROM public.categories
UNION ALL SELECT 0, 'main', 'Personal messages', 'DIRECT';

CREATE VIEW chat.contact AS
SELECT id, 'main'::text AS workspace_id, coalesce(nullif(name, ''), username) AS name FROM public.users;

CREATE VIEW chat.conversation AS
SELECT t.id, 'main'::text AS workspace_id, coalesce(t.category_id, 0) AS channel_id, t.created_at,
       t.user_id AS contact_id, t.title, CASE WHEN t.closed THEN 'closed' ELSE 'open' END AS status, t.deleted_at,
       ARRAY(SELECT g.name FROM public.topic_tags x JOIN public.tags g ON g.id = x.tag_id WHERE x.topic_id = t.id
             ORDER BY g.name)::text[] AS tags
FROM public.topics t;

-- The number of a post is its place in the topic. Types 2 and 3 are what moderators and the site did.
CREATE VIEW chat.message AS
SELECT p.id, p.topic_id AS conversation_id, p.created_at, p.post_number::bigint AS position,
       CASE WHEN u.admin OR u.moderator THEN 'outbound' ELSE 'inbound' END AS direction,
       CASE WHEN p.user_id < 0 THEN 'bot' WHEN u.admin OR u.moderator THEN 'agent' ELSE 'customer' END AS speaker_type,
       coalesce(nullif(u.name, ''), u.username) AS speaker_name, u.username AS sender_account,
       p.raw AS text, 'markdown'::text AS format,
       (SELECT r.id FROM public.posts r WHERE r.topic_id = p.topic_id AND r.post_number = p.reply_to_post_number)
           AS reply_to,
       CASE WHEN p.version > 1 THEN p.last_version_at END AS edited_at, p.deleted_at
FROM public.posts p
LEFT JOIN public.users u ON u.id = p.user_id
WHERE p.post_type = 1;

CREATE VIEW chat.event AS
SELECT p.id, p.topic_id AS conversation_id, p.created_at, 'action'::text AS kind,
       (SELECT u.username FROM public.users u WHERE u.id = p.user_id) AS actor, p.raw AS detail
FROM public.posts p
WHERE p.post_type IN (2, 3) AND p.deleted_at IS NULL;

-- Likes.
CREATE VIEW chat.reaction AS
SELECT p.id AS message_id, p.topic_id AS conversation_id, 'like'::text AS name,
       (SELECT u.username FROM public.users u WHERE u.id = a.user_id) AS by, a.created_at
FROM public.posts p JOIN public.post_actions a ON a.post_id = p.id
WHERE a.post_action_type_id = 2 AND a.deleted_at IS NULL;
COMMIT;
