/* Marks of some conversations and messages, in SQL: see command/demo/rare.h.
 *
 * By the place of a message in its conversation, so that they fit what is said there
 * (command/demo/world.c: the eighth message hands over, the tenth answers the seventh), and by
 * bytes of the ids, which are drawn. A table is filled anew where each row changes: an update
 * would leave it with as many dead rows.
 */
#include "rare.h"

/* `place` counts from 1. A customer's third message names what the order is about. */
#define MARKED_MESSAGES                                                                            \
    "CREATE TABLE marked AS SELECT id, conversation_id, created_at, direction, speaker_type,"      \
    " speaker_name, CASE WHEN is_html THEN '<p>' || replace(replace(text, '&', '&amp;'), '<',"     \
    "  '&lt;') || '</p>' ELSE text END AS text,"                                                   \
    " CASE WHEN is_html THEN 'html' WHEN speaker_type = 'bot' THEN 'markdown' ELSE 'text' END"     \
    "  AS format, media_urls, status, sender_account, feedback, place AS position,"                \
    " CASE WHEN speaker_type = 'bot' AND place = 8 THEN 'system'"                                  \
    "  WHEN speaker_type = 'bot' AND place = 16 THEN 'form' ELSE 'message' END AS kind,"           \
    " CASE WHEN speaker_type = 'agent' AND place = 10 THEN"                                        \
    "  lag(id, 3) OVER (PARTITION BY conversation_id ORDER BY place) END AS reply_to,"             \
    " CASE WHEN place = 3 AND length(text) > 4 AND drawn % 4 = 0 THEN"                             \
    "  created_at + interval '40 s' END AS edited_at,"                                             \
    " CASE WHEN place = 5 AND drawn % 8 = 0 THEN created_at + interval '2 min' END AS deleted_at," \
    " CASE WHEN speaker_type = 'bot' AND place = 2 THEN"                                           \
    "  jsonb_build_object('model', 'helper-2', 'tokens', 40 + drawn) END AS extra"                 \
    " FROM (SELECT *, speaker_type = 'agent' AND place = 10 AND drawn % 2 = 0 AS is_html"          \
    "  FROM (SELECT *, get_byte(uuid_send(id), 0) AS drawn,"                                       \
    "  row_number() OVER (PARTITION BY conversation_id ORDER BY created_at, id) AS place,"         \
    "  min(created_at) OVER (PARTITION BY conversation_id) AS begun FROM message) AS n) AS m"      \
    " ORDER BY begun, conversation_id, place;"                                                     \
    "DROP TABLE message; ALTER TABLE marked RENAME TO message;"                                    \
    "ALTER TABLE message ALTER id SET NOT NULL, ALTER conversation_id SET NOT NULL,"               \
    " ALTER created_at SET NOT NULL, ALTER direction SET NOT NULL,"                                \
    " ALTER speaker_type SET NOT NULL;"

#define MARKED_CONVERSATIONS                                                                       \
    "ALTER TABLE conversation ADD title text, ADD last_message_at timestamptz,"                    \
    " ADD deleted_at timestamptz, ADD extra jsonb;"                                                \
    "UPDATE conversation AS c SET last_message_at = m.last, title = (ARRAY['Where is my order?',"  \
    "  'Parcel said to be delivered', 'New address', NULL])[1 + get_byte(uuid_send(c.id), 1) % "   \
    "4], deleted_at = CASE WHEN get_byte(uuid_send(c.id), 5) % 32 = 0 THEN"                        \
    "  m.last + interval '1 day' END,"                                                             \
    " extra = CASE WHEN get_byte(uuid_send(c.id), 2) % 4 = 0 THEN"                                 \
    "  jsonb_build_object('page', '/orders', 'visits', 1 + get_byte(uuid_send(c.id), 3) % 9) END"  \
    " FROM (SELECT conversation_id, max(created_at) AS last FROM message GROUP BY 1) AS m"         \
    " WHERE m.conversation_id = c.id;"

/* The customer, who is served, and now and then somebody who looks on, in each fourth. */
#define PARTICIPANTS                                                                               \
    "CREATE TABLE participant (conversation_id uuid NOT NULL, name text NOT NULL, role text,"      \
    " contact_id uuid, joined_at timestamptz, left_at timestamptz);"                               \
    "INSERT INTO participant"                                                                      \
    " SELECT c.id, coalesce(p.name, p.phone, p.email), 'customer', p.id, c.created_at, NULL"       \
    "  FROM conversation c JOIN contact p ON p.id = c.contact_id"                                  \
    "  WHERE get_byte(uuid_send(c.id), 4) % 4 = 0 AND coalesce(p.name, p.phone, p.email) <> ''"    \
    " UNION ALL SELECT id, assigned_agent, 'agent', NULL, created_at + interval '5 min', ended_at" \
    "  FROM conversation WHERE get_byte(uuid_send(id), 4) % 4 = 0"                                 \
    " UNION ALL SELECT id, 'Head of support', 'watcher', NULL, NULL, NULL"                         \
    "  FROM conversation WHERE get_byte(uuid_send(id), 4) % 16 = 0;"

#define REACTIONS                                                                                  \
    "CREATE TABLE reaction (message_id uuid NOT NULL, conversation_id uuid NOT NULL,"              \
    " name text NOT NULL, by text, created_at timestamptz);"                                       \
    "INSERT INTO reaction SELECT m.id, m.conversation_id,"                                         \
    " (ARRAY['👍', '❤️', '🎉', '😕'])[1 + get_byte(uuid_send(m.id), 1) % 4], p.name,"    \
    " m.created_at + interval '20 s'"                                                              \
    " FROM message m JOIN conversation c ON c.id = m.conversation_id"                              \
    " LEFT JOIN contact p ON p.id = c.contact_id"                                                  \
    " WHERE m.speaker_type = 'agent' AND get_byte(uuid_send(m.id), 2) % 8 = 0;"

/* A letter was missing before. */
#define REVISIONS                                                                                  \
    "CREATE TABLE revision (message_id uuid NOT NULL, conversation_id uuid NOT NULL,"              \
    " created_at timestamptz NOT NULL, text text, editor text);"                                   \
    "INSERT INTO revision SELECT m.id, m.conversation_id, m.created_at,"                           \
    " overlay(m.text PLACING '' FROM 4 FOR 1), p.name"                                             \
    " FROM message m JOIN conversation c ON c.id = m.conversation_id"                              \
    " LEFT JOIN contact p ON p.id = c.contact_id WHERE m.edited_at IS NOT NULL;"

const char vb_demo_rare_rows[] =
    MARKED_MESSAGES MARKED_CONVERSATIONS PARTICIPANTS REACTIONS REVISIONS;

const char vb_demo_rare_indexes[] =
    "CREATE INDEX ON message (conversation_id, created_at, position, id);"
    "CREATE INDEX ON conversation (channel_id, last_message_at);"
    "CREATE INDEX ON participant (conversation_id, joined_at);"
    "CREATE INDEX ON reaction (conversation_id, created_at);"
    "CREATE INDEX ON revision (conversation_id, created_at);"
    "ANALYZE participant, reaction, revision;";
