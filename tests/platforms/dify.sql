-- Dify: what its conversations lie in. Names, types and indexes as its public models have them.
CREATE TABLE apps (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, name varchar(255) NOT NULL,
    mode varchar(255) NOT NULL);
CREATE INDEX app_tenant_id_idx ON apps (tenant_id);
CREATE TABLE end_users (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, app_id uuid, type varchar(255) NOT NULL,
    name varchar(255), session_id varchar(255) NOT NULL, is_anonymous boolean NOT NULL DEFAULT true);
CREATE TABLE conversations (id uuid PRIMARY KEY, app_id uuid NOT NULL, mode varchar(255) NOT NULL,
    name varchar(255) NOT NULL, summary text, status varchar(255) NOT NULL, from_source varchar(255) NOT NULL,
    from_end_user_id uuid, from_account_id uuid, is_deleted boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP(0), updated_at timestamp NOT NULL);
CREATE INDEX conversation_app_from_user_idx ON conversations (app_id, from_source, from_end_user_id);
CREATE TABLE messages (id uuid PRIMARY KEY, app_id uuid NOT NULL, model_provider varchar(255), model_id varchar(255),
    conversation_id uuid NOT NULL, query text NOT NULL, answer text NOT NULL, message_tokens integer NOT NULL DEFAULT 0,
    answer_tokens integer NOT NULL DEFAULT 0, provider_response_latency double precision NOT NULL DEFAULT 0,
    total_price numeric(10, 7), currency varchar(255) NOT NULL, from_source varchar(255) NOT NULL,
        from_end_user_id uuid,
    from_account_id uuid, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP(0),
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP(0), status varchar(255) NOT NULL DEFAULT 'normal',
    parent_message_id uuid);
CREATE INDEX message_app_id_idx ON messages (app_id, created_at);
CREATE INDEX message_conversation_id_idx ON messages (conversation_id);
CREATE INDEX message_end_user_idx ON messages (app_id, from_source, from_end_user_id);
CREATE INDEX message_account_idx ON messages (app_id, from_source, from_account_id);
CREATE INDEX message_created_at_idx ON messages (created_at);

INSERT INTO apps SELECT md5('app' || r)::uuid, '00000000-0000-4000-8000-00000000d1f1', 'Room ' || r, 'chat'
    FROM generate_series(1, 40) r;
INSERT INTO end_users SELECT md5('p' || p)::uuid, '00000000-0000-4000-8000-00000000d1f1', md5('app1')::uuid, 'browser',
    'Person ' || p, 's' || p FROM generate_series(1, 500) p;
INSERT INTO conversations SELECT md5('c' || c)::uuid, md5('app' || room)::uuid, 'chat', 'Talk ' || c, NULL, 'normal',
    'api',
    md5('p' || person)::uuid, NULL, false, date_trunc('second', at), at FROM told.talk;
INSERT INTO conversations SELECT md5('d' || c)::uuid, md5('app' || room)::uuid, 'chat', 'hidden', NULL, 'normal', 'api',
    md5('p' || person)::uuid, NULL, true, date_trunc('second', at), at FROM told.talk WHERE c % 10 = 0;
INSERT INTO messages (id, app_id, model_id, conversation_id, query, answer, message_tokens, currency, from_source,
    created_at)
    SELECT md5('m' || q.n)::uuid, md5('app' || t.room)::uuid, 'model', md5('c' || q.c)::uuid, q.text,
        coalesce(a.text, ''), 7, 'USD', 'api', date_trunc('second', q.at)
    FROM told.said q JOIN told.talk t ON t.c = q.c LEFT JOIN told.said a ON a.n = q.n + 1 AND a.c = q.c
    WHERE q.k % 2 = 1 ORDER BY q.n;
INSERT INTO messages (id, app_id, conversation_id, query, answer, currency, from_source, created_at)
    SELECT md5('x' || c)::uuid, md5('app1')::uuid, md5('d' || c)::uuid, 'hidden', 'hidden', 'USD', 'api', now()
    FROM told.talk WHERE c % 10 = 0;
