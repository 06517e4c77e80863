-- Dify's conversations as Verbatim's source: views only, in a schema of their own. docs/connect.md explains them.
-- A tenant is a workspace: `verbatim workspace set NAME --source-id TENANT_ID`. An app is a channel and its bot. Its
-- own indexes are enough.
BEGIN;
CREATE SCHEMA chat;

CREATE VIEW chat.channel AS
SELECT id, tenant_id AS workspace_id, name, upper(mode) AS channel_type FROM public.apps;

CREATE VIEW chat.assistant AS
SELECT id, tenant_id AS workspace_id, name FROM public.apps;

CREATE VIEW chat.contact AS
SELECT id, tenant_id AS workspace_id, coalesce(nullif(name, ''), session_id) AS name FROM public.end_users;

-- Whether it was deleted is known, when it was is not: its last change then.
CREATE VIEW chat.conversation AS
SELECT c.id, (SELECT a.tenant_id FROM public.apps a WHERE a.id = c.app_id) AS workspace_id, c.app_id AS channel_id,
       c.app_id AS assistant_id, c.from_end_user_id AS contact_id, c.created_at, c.name AS title, c.summary, c.status,
       CASE WHEN c.is_deleted THEN c.updated_at END AS deleted_at
FROM public.conversations c;

-- A row holds a question and its answer: two messages with ids of their own. Times are whole seconds, so `position`
-- keeps a question and its answer together.
CREATE VIEW chat.message AS
SELECT m.id || '-q' AS id, m.conversation_id, m.created_at, m.id || '-1' AS position,
       'inbound'::text AS direction, 'customer'::text AS speaker_type, NULL::text AS speaker_name,
       m.query AS text, 'text'::text AS format, NULL::jsonb AS extra
FROM public.messages m
UNION ALL
SELECT m.id || '-a', m.conversation_id, m.created_at, m.id || '-2', 'outbound', 'bot', NULL, m.answer, 'markdown',
       jsonb_build_object('model', m.model_id, 'provider', m.model_provider, 'question_tokens', m.message_tokens,
                          'answer_tokens', m.answer_tokens, 'price', m.total_price, 'currency', m.currency,
                          'seconds', m.provider_response_latency)
FROM public.messages m
WHERE m.answer <> '';
COMMIT;
