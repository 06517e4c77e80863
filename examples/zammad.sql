-- Zammad's tickets as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- Zammad is one workspace: `verbatim workspace set NAME --source-id main`. Its own indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT id, 'main'::text AS workspace_id, name, 'EMAIL'::text AS channel_type FROM public.groups;

CREATE VIEW chat.contact AS
SELECT u.id, 'main'::text AS workspace_id,
       nullif(concat_ws(' ', nullif(u.firstname, ''), nullif(u.lastname, '')), '') AS name,
       u.phone, u.email,
       (SELECT o.name FROM public.organizations o WHERE o.id = u.organization_id) AS company
FROM public.users u;

-- The workspace is a constant: it is no column here, and need not be one.
CREATE VIEW chat.conversation AS
SELECT t.id, 'main'::text AS workspace_id, t.group_id AS channel_id, t.created_at, t.customer_id AS contact_id,
       t.close_at AS ended_at, t.title,
       (SELECT s.name FROM public.ticket_states s WHERE s.id = t.state_id) AS status,
       (SELECT p.name FROM public.ticket_priorities p WHERE p.id = t.priority_id) AS priority,
       (SELECT concat_ws(' ', u.firstname, u.lastname) FROM public.users u WHERE u.id = t.owner_id) AS assigned_agent,
       ARRAY(SELECT i.name FROM public.tags g JOIN public.tag_items i ON i.id = g.tag_item_id
             WHERE g.o_id = t.id AND g.tag_object_id = (SELECT o.id FROM public.tag_objects o WHERE o.name = 'Ticket')
             ORDER BY i.name)::text[] AS tags
FROM public.tickets t;

-- Who wrote it is the sender's kind; articles of e-mails are HTML more often than not.
CREATE VIEW chat.message AS
SELECT a.id, a.ticket_id AS conversation_id, a.created_at,
       CASE s.name WHEN 'Customer' THEN 'inbound' ELSE 'outbound' END AS direction,
       CASE s.name WHEN 'Customer' THEN 'customer' WHEN 'Agent' THEN 'agent' ELSE 'bot' END AS speaker_type,
       CASE WHEN s.name <> 'System'
            THEN (SELECT concat_ws(' ', u.firstname, u.lastname) FROM public.users u
                  WHERE u.id = coalesce(a.origin_by_id, a.created_by_id)) END AS speaker_name,
       a.body AS text,
       CASE a.content_type WHEN 'text/html' THEN 'html' ELSE 'text' END AS format
FROM public.ticket_articles a
LEFT JOIN public.ticket_article_senders s ON s.id = a.sender_id
WHERE NOT a.internal;

CREATE VIEW chat.note AS
SELECT a.id, a.ticket_id AS conversation_id, a.created_at,
       (SELECT concat_ws(' ', u.firstname, u.lastname) FROM public.users u WHERE u.id = a.created_by_id) AS author,
       a.body AS text
FROM public.ticket_articles a
WHERE a.internal;
COMMIT;
