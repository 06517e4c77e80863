-- Chatwoot's conversations as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- Run it in Chatwoot's database as a user who may read its tables. Replace UPLOADS by the bucket that Chatwoot keeps
-- its uploads in, if they are to go into archives.
BEGIN;
CREATE SCHEMA chat;

-- An inbox is a channel. Coarse types come from these names; those that Verbatim does not know stay as they are.
CREATE VIEW chat.channel AS
SELECT i.id,
       i.account_id AS workspace_id,
       i.name,
       CASE i.channel_type
           WHEN 'Channel::Whatsapp' THEN 'WHATSAPP'
           WHEN 'Channel::Sms' THEN 'SMS'
           WHEN 'Channel::TwilioSms' THEN CASE t.medium WHEN 1 THEN 'WHATSAPP' ELSE 'SMS' END
           WHEN 'Channel::FacebookPage' THEN 'FACEBOOK_MESSENGER'
           WHEN 'Channel::Instagram' THEN 'INSTAGRAM'
           WHEN 'Channel::Line' THEN 'LINE'
           ELSE upper(split_part(i.channel_type, '::', 2))
       END AS channel_type,
       coalesce(w.phone_number, s.phone_number, replace(t.phone_number, 'whatsapp:', ''))::text AS phone_number
FROM public.inboxes i
LEFT JOIN public.channel_whatsapp w ON i.channel_type = 'Channel::Whatsapp' AND w.id = i.channel_id
LEFT JOIN public.channel_sms s ON i.channel_type = 'Channel::Sms' AND s.id = i.channel_id
LEFT JOIN public.channel_twilio_sms t ON i.channel_type = 'Channel::TwilioSms' AND t.id = i.channel_id;

CREATE VIEW chat.contact AS
SELECT id,
       account_id AS workspace_id,
       nullif(concat_ws(' ', nullif(name, ''), nullif(middle_name, ''), nullif(last_name, '')), '') AS name,
       phone_number AS phone,
       email,
       additional_attributes ->> 'company_name' AS company,
       nullif(concat_ws(', ', additional_attributes ->> 'city', additional_attributes ->> 'country'), '') AS address,
       custom_attributes ->> 'website' AS website,
       (ARRAY['visitor', 'lead', 'customer'])[contact_type + 1] AS lead_status
FROM public.contacts;

-- A bot belongs to the accounts in whose inboxes it works.
CREATE VIEW chat.assistant AS
SELECT DISTINCT b.id, i.account_id AS workspace_id, b.name
FROM public.agent_bots b JOIN public.agent_bot_inboxes i ON i.agent_bot_id = b.id;

-- Ids, times and everything that is filtered or ordered by are bare columns of conversations. What comes from other
-- tables stands in subqueries: they are asked for the rows of a page only, and can never multiply them. The bot is
-- joined, since conversations are also selected by it; Chatwoot keeps one row an inbox there.
CREATE VIEW chat.conversation AS
SELECT c.id,
       c.account_id AS workspace_id,
       c.inbox_id AS channel_id,
       c.created_at,
       c.contact_id,
       b.agent_bot_id AS assistant_id,
       c.last_activity_at AS last_message_at,
       CASE WHEN c.status = 1 THEN c.last_activity_at END AS ended_at,
       (ARRAY['open', 'resolved', 'pending', 'snoozed'])[c.status + 1] AS status,
       (ARRAY['low', 'medium', 'high', 'urgent'])[c.priority + 1] AS priority,
       ARRAY(SELECT t.name FROM public.taggings g JOIN public.tags t ON t.id = g.tag_id
             WHERE g.taggable_id = c.id AND g.taggable_type = 'Conversation' AND g.context = 'labels'
             ORDER BY t.name)::text[] AS tags,
       (SELECT u.name FROM public.users u WHERE u.id = c.assignee_id) AS assigned_agent,
       (SELECT r.rating FROM public.csat_survey_responses r WHERE r.conversation_id = c.id
        ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS csat_rating,
       (SELECT r.feedback_message FROM public.csat_survey_responses r WHERE r.conversation_id = c.id
        ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS csat_comment
FROM public.conversations c
LEFT JOIN public.agent_bot_inboxes b ON b.inbox_id = c.inbox_id AND b.status = 0;

-- An attachment lies elsewhere (external_url) or in Chatwoot's own uploads.
CREATE VIEW chat.attachment AS
SELECT a.id,
       a.message_id,
       m.conversation_id,
       coalesce(a.external_url, 's3://UPLOADS/' || f.key)::text AS url,
       f.filename AS file_name,
       f.content_type,
       f.byte_size AS size
FROM public.attachments a
JOIN public.messages m ON m.id = a.message_id
LEFT JOIN LATERAL (
    SELECT b.key, b.filename, b.content_type, b.byte_size
    FROM public.active_storage_attachments s JOIN public.active_storage_blobs b ON b.id = s.blob_id
    WHERE s.record_type = 'Attachment' AND s.record_id = a.id AND s.name = 'file'
    ORDER BY s.id LIMIT 1) f ON true
WHERE a.external_url IS NOT NULL OR f.key IS NOT NULL;

-- 0 incoming, 1 outgoing, 2 activity (an event below), 3 template. A name that is NULL is the contact's or the bot's.
CREATE VIEW chat.message AS
SELECT m.id,
       m.conversation_id,
       m.created_at,
       CASE m.message_type WHEN 0 THEN 'inbound' ELSE 'outbound' END AS direction,
       CASE
           WHEN m.message_type = 0 THEN 'customer'
           WHEN m.sender_type = 'User' THEN 'agent'
           ELSE 'bot'
       END AS speaker_type,
       CASE m.sender_type
           WHEN 'User' THEN (SELECT coalesce(nullif(u.display_name, ''), u.name)
                             FROM public.users u WHERE u.id = m.sender_id)
           WHEN 'AgentBot' THEN (SELECT b.name FROM public.agent_bots b WHERE b.id = m.sender_id)
       END AS speaker_name,
       m.content AS text,
       ARRAY(SELECT t.url FROM chat.attachment t WHERE t.message_id = m.id ORDER BY t.id) AS media_urls,
       (ARRAY['sent', 'delivered', 'read', 'failed'])[m.status + 1] AS status,
       CASE m.sender_type
           WHEN 'User' THEN (SELECT u.email FROM public.users u WHERE u.id = m.sender_id)
       END AS sender_account
FROM public.messages m
WHERE m.message_type IN (0, 1, 3) AND NOT m.private;

-- Private notes are messages that the customer never saw.
CREATE VIEW chat.note AS
SELECT m.id,
       m.conversation_id,
       m.created_at,
       (SELECT u.name FROM public.users u WHERE u.id = m.sender_id AND m.sender_type = 'User') AS author,
       m.content AS text
FROM public.messages m
WHERE m.private AND m.message_type <> 2;

CREATE VIEW chat.event AS
SELECT m.id, m.conversation_id, m.created_at, 'activity' AS kind, m.content AS detail
FROM public.messages m
WHERE m.message_type = 2;

COMMIT;

-- What Chatwoot's own indexes do not give. On a busy installation each on its own, with CREATE INDEX CONCURRENTLY.
CREATE INDEX IF NOT EXISTS verbatim_by_account ON public.conversations (account_id, created_at, id);
CREATE INDEX IF NOT EXISTS verbatim_by_channel ON public.conversations (inbox_id, created_at, id);
CREATE INDEX IF NOT EXISTS verbatim_by_contact ON public.conversations (contact_id, created_at, id);
CREATE INDEX IF NOT EXISTS verbatim_of_conversation ON public.messages (conversation_id, created_at, id);
