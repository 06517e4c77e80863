-- The tables of a Chatwoot installation that its conversations lie in: columns, types and indexes as its public
-- schema has
-- them, without what nothing here looks at (settings, credentials, search indexes).
CREATE TABLE accounts (id serial PRIMARY KEY, name varchar NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    status integer DEFAULT 0);
CREATE TABLE users (id serial PRIMARY KEY, name varchar NOT NULL, display_name varchar, email varchar,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE inboxes (id serial PRIMARY KEY, channel_id integer NOT NULL, account_id integer NOT NULL,
    name varchar NOT NULL,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL, channel_type varchar);
CREATE INDEX ON inboxes (account_id);
CREATE INDEX ON inboxes (channel_id, channel_type);
CREATE TABLE channel_whatsapp (id bigserial PRIMARY KEY, account_id integer NOT NULL,
    phone_number varchar NOT NULL UNIQUE,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE channel_sms (LIKE channel_whatsapp INCLUDING ALL);
CREATE TABLE channel_twilio_sms (id bigserial PRIMARY KEY, phone_number varchar UNIQUE, account_id integer NOT NULL,
    medium integer DEFAULT 0, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE channel_web_widgets (id serial PRIMARY KEY, website_url varchar, account_id integer,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE contacts (id serial PRIMARY KEY, name varchar DEFAULT '', email varchar, phone_number varchar,
    account_id integer NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    additional_attributes jsonb DEFAULT '{}', custom_attributes jsonb DEFAULT '{}', contact_type integer DEFAULT 0,
    middle_name varchar DEFAULT '', last_name varchar DEFAULT '');
CREATE UNIQUE INDEX ON contacts (email, account_id);
CREATE INDEX ON contacts (account_id);
CREATE TABLE conversations (id serial PRIMARY KEY, account_id integer NOT NULL, inbox_id integer NOT NULL,
    status integer NOT NULL DEFAULT 0, assignee_id integer, created_at timestamp NOT NULL,
        updated_at timestamp NOT NULL,
    contact_id bigint, display_id integer NOT NULL, uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    last_activity_at timestamp NOT NULL DEFAULT now(), priority integer, cached_label_list text);
CREATE UNIQUE INDEX ON conversations (account_id, display_id);
CREATE INDEX ON conversations (account_id, id);
CREATE INDEX ON conversations (account_id, inbox_id, status, assignee_id);
CREATE INDEX ON conversations (account_id);
CREATE INDEX ON conversations (contact_id);
CREATE INDEX ON conversations (inbox_id);
CREATE INDEX ON conversations (status, account_id);
CREATE TABLE messages (id serial PRIMARY KEY, content text, account_id integer NOT NULL, inbox_id integer NOT NULL,
    conversation_id integer NOT NULL, message_type integer NOT NULL, created_at timestamp NOT NULL,
        updated_at timestamp NOT NULL,
    private boolean NOT NULL DEFAULT false, status integer DEFAULT 0, content_type integer NOT NULL DEFAULT 0,
    content_attributes json DEFAULT '{}', sender_type varchar, sender_id bigint);
CREATE INDEX ON messages (account_id, created_at, message_type);
CREATE INDEX ON messages (conversation_id, account_id, message_type, created_at);
CREATE INDEX ON messages (conversation_id);
CREATE INDEX ON messages (created_at);
CREATE INDEX ON messages (sender_type, sender_id);
CREATE TABLE attachments (id serial PRIMARY KEY, file_type integer DEFAULT 0, external_url varchar,
    message_id integer NOT NULL,
    account_id integer NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, fallback_title varchar,
    extension varchar, meta jsonb DEFAULT '{}');
CREATE INDEX ON attachments (message_id);
CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, key varchar NOT NULL UNIQUE, filename varchar NOT NULL,
    content_type varchar, metadata text, byte_size bigint NOT NULL, checksum varchar, created_at timestamp NOT NULL,
    service_name varchar NOT NULL);
CREATE TABLE active_storage_attachments (id bigserial PRIMARY KEY, name varchar NOT NULL,
    record_type varchar NOT NULL,
    record_id bigint NOT NULL, blob_id bigint NOT NULL REFERENCES active_storage_blobs,
        created_at timestamp NOT NULL);
CREATE UNIQUE INDEX ON active_storage_attachments (record_type, record_id, name, blob_id);
CREATE TABLE csat_survey_responses (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    message_id bigint NOT NULL UNIQUE, rating integer NOT NULL, feedback_message text, contact_id bigint NOT NULL,
    assigned_agent_id bigint, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE INDEX ON csat_survey_responses (conversation_id);
CREATE TABLE tags (id serial PRIMARY KEY, name varchar UNIQUE, taggings_count integer DEFAULT 0);
CREATE TABLE taggings (id serial PRIMARY KEY, tag_id integer, taggable_type varchar, taggable_id integer,
    tagger_type varchar,
    tagger_id integer, context varchar(128), created_at timestamp);
CREATE UNIQUE INDEX ON taggings (tag_id, taggable_id, taggable_type, context, tagger_id, tagger_type);
CREATE INDEX ON taggings (taggable_id, taggable_type, context);
CREATE TABLE agent_bots (id bigserial PRIMARY KEY, name varchar, description varchar, outgoing_url varchar,
    account_id bigint,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE agent_bot_inboxes (id bigserial PRIMARY KEY, inbox_id integer, agent_bot_id integer,
    status integer DEFAULT 0,
    account_id integer, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
