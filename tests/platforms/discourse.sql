-- Discourse: what its conversations lie in. Names, types and indexes as its public schema has them.
CREATE TABLE users (id serial PRIMARY KEY, username varchar(60) NOT NULL UNIQUE, name varchar, admin boolean NOT NULL
    DEFAULT false, moderator boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL);
CREATE TABLE categories (id serial PRIMARY KEY, name varchar(50) NOT NULL);
CREATE TABLE topics (id serial PRIMARY KEY, title varchar NOT NULL, last_posted_at timestamp,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, posts_count integer NOT NULL DEFAULT 0, user_id integer, archetype varchar NOT NULL
    DEFAULT 'regular', deleted_at timestamp, category_id integer, closed boolean NOT NULL DEFAULT false,
    bumped_at timestamp NOT NULL, visible boolean NOT NULL DEFAULT true, pinned_at timestamp);
CREATE INDEX ON topics (user_id) WHERE deleted_at IS NULL;
CREATE INDEX ON topics (bumped_at);
CREATE INDEX ON topics (created_at, visible) WHERE deleted_at IS NULL AND archetype <> 'private_message';
CREATE INDEX ON topics (id, deleted_at);
CREATE TABLE posts (id serial PRIMARY KEY, user_id integer, topic_id integer NOT NULL, post_number integer NOT NULL,
    raw text NOT NULL, cooked text NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    reply_to_post_number integer, deleted_at timestamp, post_type integer NOT NULL DEFAULT 1, sort_order integer,
    last_version_at timestamp NOT NULL, hidden boolean NOT NULL DEFAULT false, version integer NOT NULL DEFAULT 1,
    like_count integer NOT NULL DEFAULT 0);
CREATE INDEX idx_posts_created_at_topic_id ON posts (created_at, topic_id) WHERE deleted_at IS NULL;
CREATE INDEX idx_posts_deleted_posts ON posts (topic_id, post_number) WHERE deleted_at IS NOT NULL;
CREATE INDEX idx_posts_user_id_deleted_at ON posts (user_id) WHERE deleted_at IS NULL;
CREATE INDEX index_posts_on_reply_to_post_number ON posts (reply_to_post_number);
CREATE UNIQUE INDEX index_posts_on_topic_id_and_post_number ON posts (topic_id, post_number);
CREATE INDEX index_posts_on_topic_id_and_sort_order ON posts (topic_id, sort_order);
CREATE INDEX index_posts_on_user_id_and_created_at ON posts (user_id, created_at);
CREATE TABLE tags (id serial PRIMARY KEY, name varchar NOT NULL);
CREATE TABLE topic_tags (id serial PRIMARY KEY, topic_id integer NOT NULL, tag_id integer NOT NULL,
    UNIQUE (topic_id, tag_id));
CREATE TABLE post_actions (id serial PRIMARY KEY, post_id integer NOT NULL, user_id integer NOT NULL,
    post_action_type_id integer NOT NULL, created_at timestamp NOT NULL, deleted_at timestamp);
CREATE INDEX ON post_actions (post_id);

INSERT INTO categories SELECT r, 'Room ' || r FROM generate_series(1, 40) r;
INSERT INTO users SELECT p, 'person' || p, 'Person ' || p, false, false, now() FROM generate_series(1, 500) p;
INSERT INTO users SELECT 1000 + a, 'agent' || a, 'Agent ' || a, false, true, now() FROM generate_series(1, 9) a;
INSERT INTO users VALUES (-1, 'system', 'system', true, true, now());
INSERT INTO topics (id, title, created_at, updated_at, user_id, category_id, bumped_at)
    SELECT c, 'Talk ' || c, at, at, person, room, at FROM told.talk;
INSERT INTO topics (title, created_at, updated_at, user_id, category_id, bumped_at, deleted_at)
    SELECT 'hidden', at, at, person, room, at, at FROM (SELECT * FROM told.talk WHERE c % 10 = 0) t
    , setval('topics_id_seq', (SELECT max(c) FROM told.talk)) s;
INSERT INTO posts (user_id, topic_id, post_number, raw, cooked, created_at, updated_at, last_version_at, version,
        reply_to_post_number)
    SELECT CASE side WHEN 'in' THEN person WHEN 'agent' THEN 1000 + agent ELSE -1 END, s.c, k, text, '<p>hidden</p>',
        s.at,
        s.at, CASE WHEN k = 2 THEN s.at + interval '1 minute' ELSE s.at END, CASE WHEN k = 2 THEN 2 ELSE 1 END, k - 1
    FROM told.said s JOIN told.talk t ON t.c = s.c ORDER BY n;
INSERT INTO posts (user_id, topic_id, post_number, raw, cooked, created_at, updated_at, last_version_at, deleted_at)
    SELECT 1, c, size + 1, 'hidden, deleted', '', at, at, at, at FROM told.talk WHERE c % 3 = 0;
INSERT INTO posts (user_id, topic_id, post_number, raw, cooked, created_at, updated_at, last_version_at, post_type)
    SELECT -1, c, size + 2, 'hidden, closed', '', at, at, at, 3 FROM told.talk WHERE c % 4 = 0;
INSERT INTO tags VALUES (1, 'vip');
INSERT INTO topic_tags (topic_id, tag_id) SELECT c, 1 FROM told.talk WHERE c % 3 = 0;
INSERT INTO post_actions (post_id, user_id, post_action_type_id, created_at)
    SELECT id, 2, 2, created_at FROM posts WHERE id % 50 = 0;
