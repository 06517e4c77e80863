-- Open WebUI: what its conversations lie in. Names, types and indexes as its public migrations make them.
CREATE TABLE "user" (id varchar PRIMARY KEY, name varchar, email varchar, role varchar, created_at bigint);
CREATE TABLE chat (id varchar NOT NULL PRIMARY KEY, user_id varchar, title text, share_id text UNIQUE, archived boolean,
    created_at bigint, updated_at bigint, chat json, pinned boolean, meta json, folder_id text);
CREATE INDEX folder_id_idx ON chat (folder_id);
CREATE INDEX user_id_pinned_idx ON chat (user_id, pinned);
CREATE INDEX user_id_archived_idx ON chat (user_id, archived);
CREATE INDEX updated_at_user_id_idx ON chat (updated_at, user_id);
CREATE TABLE chat_message (id text PRIMARY KEY, chat_id text NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
    user_id text, role text NOT NULL, parent_id text, content json, output json, model_id text, files json,
    sources json, embeds json, meta json, done boolean, status_history json, error json, usage json,
    context_summary text, created_at bigint, updated_at bigint);
CREATE INDEX ix_chat_message_chat_id ON chat_message (chat_id);
CREATE INDEX ix_chat_message_user_id ON chat_message (user_id);
CREATE INDEX ix_chat_message_model_id ON chat_message (model_id);
CREATE INDEX ix_chat_message_created_at ON chat_message (created_at);
CREATE INDEX chat_message_chat_parent_idx ON chat_message (chat_id, parent_id);
CREATE INDEX chat_message_model_created_idx ON chat_message (model_id, created_at);
CREATE INDEX chat_message_user_created_idx ON chat_message (user_id, created_at);

INSERT INTO "user" SELECT 'p' || p, 'Person ' || p, 'p' || p || '@example.com', 'user', 0
    FROM generate_series(1, 500) p;
INSERT INTO chat (id, user_id, title, archived, created_at, updated_at, chat, pinned)
    SELECT md5('c' || t.c), 'p' || person, 'Talk ' || t.c, false, extract(epoch FROM t.at)::bigint,
        extract(epoch FROM t.at)::bigint, m.chat, false
    FROM told.talk t JOIN (
        SELECT c, json_build_object('title', 'hidden', 'history', json_build_object('messages', json_object_agg(
            md5(c || '.' || k), json_build_object('id', md5(c || '.' || k), 'parentId',
                CASE WHEN k > 1 THEN md5(c || '.' || k - 1) END, 'role',
                    CASE side WHEN 'in' THEN 'user' ELSE 'assistant' END,
                'content', text, 'timestamp', floor(extract(epoch FROM at))::bigint,
                'model', CASE WHEN side <> 'in' THEN 'llama3' END) ORDER BY k))) AS chat
        FROM told.said GROUP BY c) m ON m.c = t.c ORDER BY t.c;
-- Every third chat is older than chat_message. Of the others each seventh was written in milliseconds.
INSERT INTO chat_message (id, chat_id, user_id, role, parent_id, content, model_id, done, created_at, updated_at)
    SELECT md5('c' || c) || '-' || md5(c || '.' || k), md5('c' || c), 'p' || 1 + c % 500,
        CASE side WHEN 'in' THEN 'user' ELSE 'assistant' END, CASE WHEN k > 1 THEN md5(c || '.' || k - 1) END,
        to_json(text), CASE WHEN side <> 'in' THEN 'llama3' END, true,
        floor(extract(epoch FROM at))::bigint * CASE WHEN c % 7 = 1 THEN 1000 ELSE 1 END, 0
    FROM told.said WHERE c % 3 > 0 ORDER BY random();
