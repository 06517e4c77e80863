-- Zammad: what its conversations lie in. Names, types and indexes as its public migrations make them.
CREATE TABLE users (id serial PRIMARY KEY, login varchar(255) NOT NULL, firstname varchar(100), lastname varchar(100),
    email varchar(255), phone varchar(100), organization_id integer, created_at timestamp(3) NOT NULL,
    updated_at timestamp(3) NOT NULL);
CREATE TABLE organizations (id serial PRIMARY KEY, name varchar(100) NOT NULL);
CREATE TABLE groups (id serial PRIMARY KEY, name varchar(160) NOT NULL, active boolean NOT NULL DEFAULT true);
CREATE TABLE ticket_states (id serial PRIMARY KEY, name varchar(250) NOT NULL);
CREATE TABLE ticket_priorities (id serial PRIMARY KEY, name varchar(250) NOT NULL);
CREATE TABLE ticket_article_senders (id serial PRIMARY KEY, name varchar(250) NOT NULL);
CREATE TABLE ticket_article_types (id serial PRIMARY KEY, name varchar(250) NOT NULL);
CREATE TABLE tickets (id serial PRIMARY KEY, group_id integer NOT NULL, priority_id integer NOT NULL,
    state_id integer NOT NULL, organization_id integer, number varchar(60) NOT NULL, title varchar(250) NOT NULL,
    owner_id integer NOT NULL, customer_id integer NOT NULL, close_at timestamp(3), last_contact_at timestamp(3),
    article_count integer, created_at timestamp(3) NOT NULL, updated_at timestamp(3) NOT NULL);
CREATE INDEX ON tickets (state_id);
CREATE INDEX ON tickets (priority_id);
CREATE INDEX ON tickets (group_id);
CREATE INDEX ON tickets (owner_id);
CREATE INDEX ON tickets (customer_id);
CREATE UNIQUE INDEX ON tickets (number);
CREATE INDEX ON tickets (created_at);
CREATE INDEX ON tickets (close_at);
CREATE TABLE ticket_articles (id serial PRIMARY KEY, ticket_id integer NOT NULL, type_id integer NOT NULL,
    sender_id integer NOT NULL, "from" varchar(3000), subject varchar(3000), in_reply_to varchar(3000),
    content_type varchar(20) NOT NULL DEFAULT 'text/plain', body text NOT NULL,
    internal boolean NOT NULL DEFAULT false, created_by_id integer NOT NULL, origin_by_id integer,
    created_at timestamp(3) NOT NULL, updated_at timestamp(3) NOT NULL);
CREATE INDEX ON ticket_articles (ticket_id);
CREATE INDEX ON ticket_articles (created_by_id);
CREATE INDEX ON ticket_articles (created_at);
CREATE INDEX ON ticket_articles (internal);
CREATE INDEX ON ticket_articles (type_id);
CREATE INDEX ON ticket_articles (sender_id);
CREATE TABLE tags (id serial PRIMARY KEY, tag_item_id integer NOT NULL, tag_object_id integer NOT NULL,
    o_id integer NOT NULL);
CREATE INDEX ON tags (o_id);
CREATE TABLE tag_items (id serial PRIMARY KEY, name varchar(250) NOT NULL);
CREATE TABLE tag_objects (id serial PRIMARY KEY, name varchar(250) NOT NULL);

INSERT INTO groups (name) SELECT 'Room ' || r FROM generate_series(1, 40) r;
INSERT INTO organizations (name) VALUES ('Acme');
INSERT INTO users (id, login, firstname, lastname, email, organization_id, created_at, updated_at)
    SELECT p, 'p' || p, 'Person', p::text, 'p' || p || '@example.com', 1, now(), now() FROM generate_series(1, 500) p;
INSERT INTO users (id, login, firstname, lastname, email, created_at, updated_at)
    SELECT 1000 + a, 'a' || a, 'Agent', a::text, 'a' || a || '@acme.example', now(), now() FROM generate_series(1, 9) a;
INSERT INTO ticket_states VALUES (1, 'new'), (2, 'open'), (4, 'closed');
INSERT INTO ticket_priorities VALUES (1, '1 low'), (2, '2 normal'), (3, '3 high');
INSERT INTO ticket_article_senders VALUES (1, 'Agent'), (2, 'Customer'), (3, 'System');
INSERT INTO ticket_article_types VALUES (1, 'email'), (10, 'note');
INSERT INTO tickets (id, group_id, priority_id, state_id, number, title, owner_id, customer_id, created_at, updated_at)
    SELECT c, room, 1 + c % 3, 2, 10000 + c, 'Talk ' || c, 1000 + agent, person, at, at FROM told.talk;
INSERT INTO ticket_articles (ticket_id, type_id, sender_id, body, content_type, created_by_id, created_at, updated_at)
    SELECT s.c, 1, CASE side WHEN 'in' THEN 2 WHEN 'agent' THEN 1 ELSE 3 END, text,
        CASE WHEN k % 2 = 0 THEN 'text/html' ELSE 'text/plain' END,
        CASE side WHEN 'in' THEN person WHEN 'agent' THEN 1000 + agent ELSE 1001 END, s.at, s.at
    FROM told.said s JOIN told.talk t ON t.c = s.c ORDER BY n;
INSERT INTO ticket_articles (ticket_id, type_id, sender_id, body, internal, created_by_id, created_at, updated_at)
    SELECT c, 10, 1, 'hidden note ' || c, true, 1001, at, at FROM told.talk WHERE c % 5 = 0;
INSERT INTO tag_objects VALUES (1, 'Ticket');
INSERT INTO tag_items VALUES (1, 'vip');
INSERT INTO tags (tag_item_id, tag_object_id, o_id) SELECT 1, 1, c FROM told.talk WHERE c % 3 = 0;
