-- Synapse (Matrix): what its conversations lie in. Names, types and indexes as its public schema has them.
CREATE TABLE rooms (room_id text PRIMARY KEY, is_public boolean, creator text, room_version text,
    has_auth_chain_index boolean);
CREATE TABLE room_stats_state (room_id text PRIMARY KEY, name text, canonical_alias text, topic text, encryption text);
CREATE TABLE events (topological_ordering bigint NOT NULL, event_id text NOT NULL UNIQUE, type text NOT NULL,
    room_id text NOT NULL, content text, unrecognized_keys text, processed boolean NOT NULL, outlier boolean NOT NULL,
    depth bigint NOT NULL DEFAULT 0, origin_server_ts bigint, received_ts bigint, sender text, contains_url boolean,
    instance_name text, stream_ordering bigint PRIMARY KEY, state_key text, rejection_reason text);
CREATE INDEX events_order_room ON events (room_id, topological_ordering, stream_ordering);
CREATE INDEX events_room_stream ON events (room_id, stream_ordering);
CREATE INDEX events_ts ON events (origin_server_ts, stream_ordering);
CREATE TABLE event_json (event_id text NOT NULL UNIQUE, room_id text NOT NULL, internal_metadata text NOT NULL,
    json text NOT NULL, format_version integer);
CREATE TABLE redactions (event_id text NOT NULL UNIQUE, redacts text NOT NULL, have_censored boolean NOT NULL,
    received_ts bigint);
CREATE INDEX redactions_redacts ON redactions (redacts);
CREATE TABLE room_memberships (event_id text NOT NULL UNIQUE, user_id text NOT NULL, sender text NOT NULL,
    room_id text NOT NULL, membership text NOT NULL, display_name text);
CREATE INDEX room_memberships_room_id ON room_memberships (room_id);
CREATE TABLE event_relations (event_id text NOT NULL UNIQUE, relates_to_id text NOT NULL, relation_type text NOT NULL,
    aggregation_key text);
CREATE INDEX event_relations_relates ON event_relations (relates_to_id, relation_type, aggregation_key);
CREATE TABLE profiles (full_user_id text NOT NULL UNIQUE, displayname text);

INSERT INTO rooms SELECT '!room' || c || ':acme', false, '@a' || agent || ':acme', '10', true FROM told.talk;
INSERT INTO room_stats_state SELECT '!room' || c || ':acme', 'Talk ' || c FROM told.talk;
INSERT INTO profiles SELECT '@p' || p || ':else', 'Person ' || p FROM generate_series(1, 500) p;
INSERT INTO profiles SELECT '@a' || a || ':acme', 'Agent ' || a FROM generate_series(1, 9) a;
INSERT INTO profiles VALUES ('@bot:acme', 'Ada');
CREATE TEMP TABLE made AS SELECT row_number() OVER (ORDER BY at, c, k) AS stream, *,
    (extract(epoch FROM at) * 1000)::bigint AS ms
    FROM (SELECT c, 0 AS k, at, 'm.room.create' AS type, NULL AS side, NULL AS text FROM told.talk
          UNION ALL SELECT c, k, at, 'm.room.message', side, text FROM told.said
          UNION ALL SELECT c, 3, at + interval '3.5 ms', 'm.room.message', 'in', 'hidden, redacted' FROM told.talk
              WHERE c % 3 = 0) e JOIN (SELECT c, person, agent FROM told.talk) t USING (c);
INSERT INTO events (topological_ordering, event_id, type, room_id, processed, outlier, depth, origin_server_ts,
        received_ts, sender, contains_url, stream_ordering)
    SELECT k + 1, '$' || md5(stream::text), type, '!room' || c || ':acme', true, false, k + 1, ms, ms,
        CASE side WHEN 'in' THEN '@p' || person || ':else' WHEN 'bot' THEN '@bot:acme'
            ELSE '@a' || agent || ':acme' END,
        false, stream FROM made ORDER BY stream;
INSERT INTO event_json SELECT '$' || md5(stream::text), '!room' || c || ':acme', '{}', jsonb_build_object('type', type,
        'content', CASE WHEN text IS NOT NULL THEN jsonb_build_object('msgtype', 'm.text', 'body', text)
            ELSE '{}' END)::text,
        3 FROM made ORDER BY stream;
INSERT INTO redactions SELECT '$r' || stream, '$' || md5(stream::text), false, ms FROM made
    WHERE text = 'hidden, redacted';
INSERT INTO room_memberships SELECT '$j' || c, '@p' || person || ':else', '@p' || person || ':else',
    '!room' || c || ':acme', 'join', 'Person ' || person FROM told.talk;
