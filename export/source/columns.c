/* INTERFACE 5 and 8 as one table: every relation and column of the source contract. Read-only.
 *
 * Rows of one relation stand together: contract.c tells a relation that is missing as a whole by
 * its first row. A column's place here is its place in a contract, so nothing keeps such a number.
 */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

/* A required column that is missing ends the start; an optional one is read as NULL. */
#define REQUIRED true
#define OPTIONAL false

const struct vb_column_rule vb_column_rules[] = {
    {"channel", "id", VB_COLUMN_ID, REQUIRED},
    {"channel", "workspace_id", VB_COLUMN_ID, REQUIRED},
    {"channel", "name", VB_COLUMN_TEXT, REQUIRED},
    {"channel", "channel_type", VB_COLUMN_TEXT, REQUIRED},
    {"channel", "phone_number", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "id", VB_COLUMN_ID, REQUIRED},
    {"contact", "workspace_id", VB_COLUMN_ID, OPTIONAL},
    {"contact", "name", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "phone", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "email", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "company", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "address", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "website", VB_COLUMN_TEXT, OPTIONAL},
    {"contact", "lead_status", VB_COLUMN_TEXT, OPTIONAL},
    {"assistant", "id", VB_COLUMN_ID, REQUIRED},
    {"assistant", "workspace_id", VB_COLUMN_ID, REQUIRED},
    {"assistant", "name", VB_COLUMN_TEXT, REQUIRED},
    {"conversation", "id", VB_COLUMN_ID, REQUIRED},
    {"conversation", "workspace_id", VB_COLUMN_ID, REQUIRED},
    {"conversation", "channel_id", VB_COLUMN_ID, REQUIRED},
    {"conversation", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"conversation", "contact_id", VB_COLUMN_ID, OPTIONAL},
    {"conversation", "assistant_id", VB_COLUMN_ID, OPTIONAL},
    {"conversation", "ended_at", VB_COLUMN_TIME, OPTIONAL},
    {"conversation", "status", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "priority", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "summary", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "tags", VB_COLUMN_TEXTS, OPTIONAL},
    {"conversation", "audience", VB_COLUMN_TEXTS, OPTIONAL},
    {"conversation", "assigned_agent", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "csat_rating", VB_COLUMN_INTEGER, OPTIONAL},
    {"conversation", "csat_comment", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "feedback", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "last_message_at", VB_COLUMN_TIME, OPTIONAL},
    {"conversation", "title", VB_COLUMN_TEXT, OPTIONAL},
    {"conversation", "deleted_at", VB_COLUMN_TIME, OPTIONAL},
    {"conversation", "extra", VB_COLUMN_JSON, OPTIONAL},
    {"message", "id", VB_COLUMN_ID, REQUIRED},
    {"message", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"message", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"message", "position", VB_COLUMN_POSITION, OPTIONAL},
    {"message", "direction", VB_COLUMN_TEXT, REQUIRED},
    {"message", "speaker_type", VB_COLUMN_TEXT, REQUIRED},
    {"message", "speaker_name", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "text", VB_COLUMN_TEXT, REQUIRED},
    {"message", "media_urls", VB_COLUMN_TEXTS, OPTIONAL},
    {"message", "status", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "sender_account", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "feedback", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "edited_at", VB_COLUMN_TIME, OPTIONAL},
    {"message", "deleted_at", VB_COLUMN_TIME, OPTIONAL},
    {"message", "kind", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "reply_to", VB_COLUMN_ID, OPTIONAL},
    {"message", "format", VB_COLUMN_TEXT, OPTIONAL},
    {"message", "extra", VB_COLUMN_JSON, OPTIONAL},
    {"attachment", "id", VB_COLUMN_ID, REQUIRED},
    {"attachment", "message_id", VB_COLUMN_ID, REQUIRED},
    {"attachment", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"attachment", "url", VB_COLUMN_TEXT, REQUIRED},
    {"attachment", "file_name", VB_COLUMN_TEXT, OPTIONAL},
    {"attachment", "content_type", VB_COLUMN_TEXT, OPTIONAL},
    {"attachment", "size", VB_COLUMN_INTEGER, OPTIONAL},
    {"attachment", "duration_seconds", VB_COLUMN_NUMBER, OPTIONAL},
    {"note", "id", VB_COLUMN_ID, REQUIRED},
    {"note", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"note", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"note", "author", VB_COLUMN_TEXT, OPTIONAL},
    {"note", "text", VB_COLUMN_TEXT, REQUIRED},
    {"event", "id", VB_COLUMN_ID, REQUIRED},
    {"event", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"event", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"event", "kind", VB_COLUMN_TEXT, REQUIRED},
    {"event", "actor", VB_COLUMN_TEXT, OPTIONAL},
    {"event", "detail", VB_COLUMN_TEXT, OPTIONAL},
    {"skill_run", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"skill_run", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"skill_run", "name", VB_COLUMN_TEXT, REQUIRED},
    {"skill_run", "outcome", VB_COLUMN_TEXT, OPTIONAL},
    {"skill_run", "message_id", VB_COLUMN_ID, OPTIONAL},
    {"citation", "message_id", VB_COLUMN_ID, REQUIRED},
    {"citation", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"citation", "title", VB_COLUMN_TEXT, REQUIRED},
    {"citation", "url", VB_COLUMN_TEXT, OPTIONAL},
    {"citation", "snippet", VB_COLUMN_TEXT, OPTIONAL},
    {"participant", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"participant", "name", VB_COLUMN_TEXT, REQUIRED},
    {"participant", "role", VB_COLUMN_TEXT, OPTIONAL},
    {"participant", "contact_id", VB_COLUMN_ID, OPTIONAL},
    {"participant", "joined_at", VB_COLUMN_TIME, OPTIONAL},
    {"participant", "left_at", VB_COLUMN_TIME, OPTIONAL},
    {"reaction", "message_id", VB_COLUMN_ID, REQUIRED},
    {"reaction", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"reaction", "name", VB_COLUMN_TEXT, REQUIRED},
    {"reaction", "by", VB_COLUMN_TEXT, OPTIONAL},
    {"reaction", "created_at", VB_COLUMN_TIME, OPTIONAL},
    {"revision", "message_id", VB_COLUMN_ID, REQUIRED},
    {"revision", "conversation_id", VB_COLUMN_ID, REQUIRED},
    {"revision", "created_at", VB_COLUMN_TIME, REQUIRED},
    {"revision", "text", VB_COLUMN_TEXT, OPTIONAL},
    {"revision", "editor", VB_COLUMN_TEXT, OPTIONAL},
};

const size_t vb_column_rule_count = sizeof vb_column_rules / sizeof vb_column_rules[0];
_Static_assert(sizeof vb_column_rules / sizeof vb_column_rules[0] <= VB_COLUMN_MOST,
               "a contract has room for every rule");

bool vb_contract_knows_activity(const struct vb_contract *contract)
{
    return vb_contract_column(contract, "conversation", "last_message_at")->type != 0;
}

const struct vb_column *vb_contract_column(const struct vb_contract *contract, const char *relation,
                                           const char *name)
{
    for (size_t i = 0; i < vb_column_rule_count; i++)
        if (strcmp(vb_column_rules[i].relation, relation) == 0 &&
            strcmp(vb_column_rules[i].name, name) == 0)
            return &contract->columns[i];
    abort(); /* not in the table of columns.c: a mistake in the program */
}
