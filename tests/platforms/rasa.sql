-- Rasa's tracker store: one table. Names, types and the index as its SQL store makes them.
CREATE TABLE events (id serial PRIMARY KEY, sender_id varchar(255) NOT NULL, type_name varchar(255) NOT NULL,
    timestamp double precision, intent_name varchar(255), action_name varchar(255), data text);
CREATE INDEX ix_events_sender_id ON events (sender_id);

INSERT INTO events (sender_id, type_name, timestamp, action_name, data)
    SELECT 'user-' || c, type_name, extract(epoch FROM at), action_name,
        jsonb_build_object('event', type_name, 'text', text, 'hidden', 'hidden')::text
    FROM (SELECT c, 0 AS k, at, 'session_started' AS type_name, NULL AS action_name, NULL AS text FROM told.talk
          UNION ALL SELECT c, k, at, CASE side WHEN 'in' THEN 'user' ELSE 'bot' END, NULL, text FROM told.said
          UNION ALL SELECT c, k, at, 'action', 'action_listen', NULL FROM told.said WHERE k % 4 = 0) e
    ORDER BY at, c, k;
