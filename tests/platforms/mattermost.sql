-- Mattermost: what its conversations lie in. Names, types and indexes as its public migrations make them.
CREATE TABLE teams (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
    displayname varchar(64), name varchar(64) UNIQUE);
CREATE TABLE channels (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
    teamid varchar(26), type varchar(1), displayname varchar(64), name varchar(64));
CREATE INDEX ON channels (teamid, type);
CREATE TABLE users (id varchar(26) PRIMARY KEY, createat bigint, username varchar(64) UNIQUE, email varchar(128) UNIQUE,
    nickname varchar(64), firstname varchar(64), lastname varchar(64));
CREATE TABLE bots (userid varchar(26) PRIMARY KEY, description varchar(1024), ownerid varchar(190));
CREATE TABLE posts (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint, userid varchar(26),
    channelid varchar(26), rootid varchar(26), originalid varchar(26), message varchar(65535), type varchar(26),
    props jsonb, hashtags varchar(1000), filenames varchar(4000), fileids varchar(300), hasreactions boolean,
    editat bigint, ispinned boolean, remoteid varchar(26));
CREATE INDEX idx_posts_update_at ON posts (updateat);
CREATE INDEX idx_posts_create_at ON posts (createat);
CREATE INDEX idx_posts_delete_at ON posts (deleteat);
CREATE INDEX idx_posts_is_pinned ON posts (ispinned);
CREATE INDEX idx_posts_user_id ON posts (userid);
CREATE INDEX idx_posts_original_id ON posts (originalid);
CREATE INDEX idx_posts_create_at_id ON posts (createat, id);
CREATE INDEX idx_posts_channel_id_update_at ON posts (channelid, updateat);
CREATE INDEX idx_posts_channel_id_delete_at_create_at ON posts (channelid, deleteat, createat);
CREATE INDEX idx_posts_root_id_delete_at ON posts (rootid, deleteat);
CREATE TABLE reactions (userid varchar(26), postid varchar(26), emojiname varchar(64), createat bigint, updateat bigint,
    deleteat bigint, remoteid varchar(26), channelid varchar(26), PRIMARY KEY (postid, userid, emojiname));
CREATE TABLE channelmembers (channelid varchar(26), userid varchar(26), roles varchar(256),
    PRIMARY KEY (channelid, userid));

INSERT INTO teams VALUES ('team', 0, 0, 0, 'Acme', 'acme');
INSERT INTO channels SELECT 'room' || r, 0, 0, 0, 'team', 'O', 'Room ' || r, 'room-' || r FROM generate_series(1, 40) r;
INSERT INTO users SELECT 'p' || p, 0, 'person' || p, 'p' || p || '@example.com', '', 'Person', p::text
    FROM generate_series(1, 500) p;
INSERT INTO users SELECT 'a' || a, 0, 'agent' || a, 'a' || a || '@acme.example', 'Agent ' || a, '', ''
    FROM generate_series(1, 9) a;
INSERT INTO users VALUES ('bot', 0, 'ada', 'ada@localhost', '', '', '');
INSERT INTO bots VALUES ('bot', '', 'a1');
INSERT INTO posts SELECT md5('post' || n)::char(26), ms, ms, 0,
        CASE side WHEN 'in' THEN 'p' || person WHEN 'agent' THEN 'a' || agent ELSE 'bot' END,
        'room' || room, CASE WHEN k = 1 THEN '' ELSE md5('post' || n - k + 1)::char(26) END, '', text, '', '{}', '',
            '[]',
        '[]', k = 1, CASE WHEN k = 2 THEN ms + 5000 ELSE 0 END, false, NULL
    FROM (SELECT *, (extract(epoch FROM at) * 1000)::bigint AS ms FROM told.said) s
    JOIN (SELECT c, person, room, agent FROM told.talk) t USING (c) ORDER BY n;
-- The text of an edited post before; a deleted answer; somebody joins.
INSERT INTO posts SELECT md5('old' || id)::char(26), createat, editat, editat, userid, channelid, rootid, id,
    'hidden, before', '', '{}', '', '[]', '[]', false, 0, false, NULL FROM posts WHERE editat > 0;
INSERT INTO posts SELECT md5('gone' || c)::char(26), 1772500000000 + c, 1772500000000 + c, 1772600000000, 'p1', 'room1',
    md5('post' || n)::char(26), '', 'hidden, deleted', '', '{}', '', '[]', '[]', false, 0, false, NULL
    FROM told.said WHERE k = 1 AND c % 3 = 0;
INSERT INTO posts SELECT md5('join' || r)::char(26), 1772400000000, 1772400000000, 0, 'p1', 'room' || r, '', '',
    'hidden, joined', 'system_join_channel', '{}', '', '[]', '[]', false, 0, false, NULL FROM generate_series(1, 40) r;
INSERT INTO reactions SELECT 'p2', id, 'thumbsup', createat + 10, createat + 10, 0, '', channelid FROM posts
    WHERE hasreactions;
INSERT INTO channelmembers SELECT 'room' || r, 'p' || p, 'channel_user' FROM generate_series(1, 40) r,
    generate_series(1, 3) p;
