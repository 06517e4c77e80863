-- Mattermost's threads as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- The whole server is one workspace: `verbatim workspace set NAME --source-id main`. A conversation is a thread: its
-- root and the answers to it. Its own indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT id, 'main'::text AS workspace_id, coalesce(nullif(displayname, ''), name) AS name,
       CASE type WHEN 'D' THEN 'DIRECT' WHEN 'G' THEN 'GROUP' WHEN 'P' THEN 'PRIVATE' ELSE 'TEAM' END AS channel_type
FROM public.channels;

CREATE VIEW chat.contact AS
SELECT id, 'main'::text AS workspace_id,
       coalesce(nullif(nickname, ''), nullif(concat_ws(' ', nullif(firstname, ''), nullif(lastname, '')), ''),
                username) AS name,
       email
FROM public.users;

-- Times are milliseconds, and 0 is none. created_at_ms takes them as they are, so that Mattermost's own indexes of
-- createat serve a range of days.
CREATE VIEW chat.conversation AS
SELECT p.id, 'main'::text AS workspace_id, p.channelid AS channel_id,
       p.createat AS created_at_ms, p.userid AS contact_id,
       CASE WHEN p.deleteat > 0 THEN to_timestamp(p.deleteat / 1000.0) END AS deleted_at
FROM public.posts p
WHERE p.rootid = '' AND p.originalid = '' AND p.type NOT LIKE 'system!_%' ESCAPE '!';

-- A root belongs to its own thread, an answer to its root's. Two branches with bare columns keep both indexes of use;
-- one with coalesce(nullif(rootid, ''), id) would need an index of that expression. Who speaks is asked of lists that
-- are made once for many messages: write your own domain there.
CREATE VIEW chat.message AS
SELECT m.id, m.conversation_id, m.createat AS created_at_ms,
       CASE WHEN m.userid IN (SELECT b.userid FROM public.bots b)
                 OR m.userid IN (SELECT u.id FROM public.users u WHERE u.email LIKE '%@acme.example')
            THEN 'outbound' ELSE 'inbound' END AS direction,
       CASE WHEN m.userid IN (SELECT b.userid FROM public.bots b) THEN 'bot'
            WHEN m.userid IN (SELECT u.id FROM public.users u WHERE u.email LIKE '%@acme.example') THEN 'agent'
            ELSE 'customer' END AS speaker_type,
       (SELECT coalesce(nullif(u.nickname, ''),
                        nullif(concat_ws(' ', nullif(u.firstname, ''), nullif(u.lastname, '')), ''), u.username)
        FROM public.users u WHERE u.id = m.userid) AS speaker_name,
       m.message AS text, 'markdown'::text AS format,
       CASE WHEN m.type LIKE 'system!_%' ESCAPE '!' THEN 'system' ELSE 'message' END AS kind,
       nullif(m.rootid, '') AS reply_to,
       CASE WHEN m.editat > 0 THEN to_timestamp(m.editat / 1000.0) END AS edited_at,
       CASE WHEN m.deleteat > 0 THEN to_timestamp(m.deleteat / 1000.0) END AS deleted_at,
       m.props AS extra
FROM (SELECT p.*, p.id AS conversation_id FROM public.posts p WHERE p.rootid = '' AND p.originalid = ''
      UNION ALL
      SELECT p.*, p.rootid FROM public.posts p WHERE p.rootid <> '' AND p.originalid = '') m;

-- Mattermost keeps an edited post's earlier text as a deleted post that names the original.
CREATE VIEW chat.revision AS
SELECT p.originalid AS message_id, p.originalid AS conversation_id, p.updateat AS created_at_ms,
       p.message AS text
FROM public.posts p WHERE p.originalid <> '' AND p.rootid = ''
UNION ALL
SELECT p.originalid, p.rootid, p.updateat, p.message
FROM public.posts p WHERE p.originalid <> '' AND p.rootid <> '';

CREATE VIEW chat.reaction AS
SELECT r.postid AS message_id, p.conversation_id, r.emojiname AS name,
       (SELECT u.username FROM public.users u WHERE u.id = r.userid) AS by,
       r.createat AS created_at_ms
FROM (SELECT p.id, p.id AS conversation_id FROM public.posts p WHERE p.rootid = ''
      UNION ALL
      SELECT p.id, p.rootid FROM public.posts p WHERE p.rootid <> '') p
JOIN public.reactions r ON r.postid = p.id
WHERE r.deleteat = 0;

CREATE VIEW chat.participant AS
SELECT p.id AS conversation_id,
       (SELECT u.username FROM public.users u WHERE u.id = c.userid) AS name, c.roles AS role, c.userid AS contact_id
FROM public.posts p JOIN public.channelmembers c ON c.channelid = p.channelid
WHERE p.rootid = '';
COMMIT;
