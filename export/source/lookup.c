/* Look-ups beside those of channels: what a specification names has to exist, and to be visible.
 * See verbatim/source.h.
 *
 * Built once with the contract, sent by the HTTP loops. Casts stand on parameters only, so that the
 * views' indexes serve; whatever the source lacks is not found.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>

#define SQL_CEILING 4096u

/* A statement in the making. */
struct lookup {
    const struct vb_contract *contract;
    struct vb_buffer sql;
    enum vb_status status;
};

static bool has(const struct lookup *lookup, const char *relation, const char *name)
{
    return vb_contract_column(lookup->contract, relation, name)->type != 0;
}

static void put(struct lookup *lookup, const char *text)
{
    if (lookup->status == VB_OK)
        lookup->status = vb_buffer_append_text(&lookup->sql, text);
}

/* The schema was quoted when the contract was read. */
static void put_from(struct lookup *lookup, const char *relation, const char *alias)
{
    if (lookup->status == VB_OK)
        lookup->status = vb_buffer_printf(&lookup->sql, " FROM %s.%s %s", lookup->contract->schema,
                                          relation, alias);
}

static void put_column(struct lookup *lookup, const char *alias, const char *relation,
                       const char *name)
{
    if (lookup->status == VB_OK)
        lookup->status = vb_contract_append(lookup->contract, &lookup->sql, alias, relation, name);
}

/* `alias.name = parameter`, in the column's type. */
static void put_equal(struct lookup *lookup, const char *alias, const char *relation,
                      const char *name, const char *parameter)
{
    if (lookup->status == VB_OK)
        lookup->status = vb_buffer_printf(&lookup->sql, "%s.%s = %s::%s", alias, name, parameter,
                                          vb_contract_cast(lookup->contract, relation, name));
}

/* Whether the caller of $3 may see conversation c: one of its tags, in `audience` or else in
 * `tags`. */
static void put_visible(struct lookup *lookup)
{
    put(lookup, " AND ($3::text[] IS NULL");
    if (has(lookup, "conversation", "audience") || has(lookup, "conversation", "tags")) {
        put(lookup, " OR coalesce(");
        put_column(lookup, "c", "conversation", "audience");
        put(lookup, ", ");
        put_column(lookup, "c", "conversation", "tags");
        put(lookup, ") && $3::text[]");
    }
    put(lookup, ")");
}

/* A visible conversation of the workspace with this contact. */
static void put_spoken(struct lookup *lookup)
{
    put(lookup, "EXISTS (SELECT 1");
    put_from(lookup, "conversation", "c");
    put(lookup, " WHERE ");
    put_equal(lookup, "c", "conversation", "workspace_id", "$1");
    put(lookup, " AND ");
    put_equal(lookup, "c", "conversation", "contact_id", "$2");
    put_visible(lookup);
    put(lookup, ")");
}

/* $1 workspace: id, channel_type. */
static void make_channels(struct lookup *lookup)
{
    put(lookup, "SELECT r.id, ");
    put_column(lookup, "r", "channel", "channel_type");
    put_from(lookup, "channel", "r");
    put(lookup, " WHERE ");
    put_equal(lookup, "r", "channel", "workspace_id", "$1");
    put(lookup, " ORDER BY r.id");
}

/* $1 workspace, $2 id: name. */
static void make_assistant(struct lookup *lookup)
{
    if (!has(lookup, "assistant", "id")) {
        put(lookup, "SELECT NULL::text WHERE $1::text IS NULL AND $2::text IS NULL AND false");
        return;
    }
    put(lookup, "SELECT ");
    put_column(lookup, "r", "assistant", "name");
    put_from(lookup, "assistant", "r");
    put(lookup, " WHERE ");
    put_equal(lookup, "r", "assistant", "workspace_id", "$1");
    put(lookup, " AND ");
    put_equal(lookup, "r", "assistant", "id", "$2");
    put(lookup, " LIMIT 1");
}

static void put_contact_name(struct lookup *lookup)
{
    put(lookup, "SELECT coalesce(nullif(");
    put_column(lookup, "r", "contact", "name");
    put(lookup, ", ''), nullif(");
    put_column(lookup, "r", "contact", "phone");
    put(lookup, ", ''), nullif(");
    put_column(lookup, "r", "contact", "email");
    put(lookup, ", ''))");
}

/* $1 workspace, $2 id, $3 audience: name. Where contacts have no workspace they are those of its
 * conversations; whoever has an audience sees a contact by a conversation only. */
static void make_contact(struct lookup *lookup)
{
    if (!has(lookup, "contact", "id") || !has(lookup, "conversation", "contact_id")) {
        put(lookup, "SELECT NULL::text WHERE $1::text IS NULL AND $2::text IS NULL AND"
                    " $3::text[] IS NULL AND false");
        return;
    }
    put_contact_name(lookup);
    put_from(lookup, "contact", "r");
    put(lookup, " WHERE ");
    put_equal(lookup, "r", "contact", "id", "$2");
    put(lookup, " AND ");
    if (has(lookup, "contact", "workspace_id")) {
        put_equal(lookup, "r", "contact", "workspace_id", "$1");
        put(lookup, " AND ($3::text[] IS NULL OR ");
        put_spoken(lookup);
        put(lookup, ")");
    } else {
        put_spoken(lookup);
    }
    put(lookup, " LIMIT 1");
}

/* Contacts with the same value as contact r, as one arm of a union: each arm can use an index of
 * its own. */
static void put_same(struct lookup *lookup, const char *name, const char *function)
{
    if (!has(lookup, "contact", name))
        return;
    put(lookup, " UNION SELECT o.id");
    put_from(lookup, "contact", "r");
    put(lookup, " JOIN ");
    if (lookup->status == VB_OK)
        lookup->status =
            vb_buffer_printf(&lookup->sql, "%s.contact o ON %s(o.%s) = %s(r.%s) AND r.%s <> ''",
                             lookup->contract->schema, function, name, function, name, name);
    if (has(lookup, "contact", "workspace_id")) {
        put(lookup, " AND ");
        put_equal(lookup, "o", "contact", "workspace_id", "$1");
    }
    put(lookup, " WHERE ");
    put_equal(lookup, "r", "contact", "id", "$2");
}

/* $1 workspace, $2 id: ids of everybody with the contact's e-mail or phone, the contact's own among
 * them. */
static void make_same_person(struct lookup *lookup)
{
    if (!has(lookup, "contact", "id")) {
        put(lookup, "SELECT NULL::text WHERE $1::text IS NULL AND $2::text IS NULL AND false");
        return;
    }
    put(lookup, "SELECT r.id");
    put_from(lookup, "contact", "r");
    put(lookup, " WHERE ");
    put_equal(lookup, "r", "contact", "id", "$2");
    put(lookup, " AND $1::text IS NOT NULL");
    put_same(lookup, "email", "lower");
    put_same(lookup, "phone", "");
    if (lookup->status == VB_OK)
        lookup->status =
            vb_buffer_printf(&lookup->sql, " ORDER BY id LIMIT %u", VB_SAME_PERSON + 1);
}

/* $1 workspace, $2 array of ids, $3 audience: place, from 1, of the first id that is not there or
 * not visible. */
static void make_conversations(struct lookup *lookup)
{
    const char *type = vb_contract_cast(lookup->contract, "conversation", "id");
    if (lookup->status == VB_OK)
        lookup->status = vb_buffer_printf(
            &lookup->sql, "SELECT p.n FROM unnest($2::%s[]) WITH ORDINALITY p (id, n)", type);
    put(lookup, " WHERE NOT EXISTS (SELECT 1");
    put_from(lookup, "conversation", "c");
    put(lookup, " WHERE c.id = p.id AND ");
    put_equal(lookup, "c", "conversation", "workspace_id", "$1");
    put_visible(lookup);
    put(lookup, ") ORDER BY p.n LIMIT 1");
}

/* Clock and snapshot of one statement, as the look-ups of channels give them. */
static void make_now(struct lookup *lookup)
{
    put(lookup, "SELECT ");
    if (lookup->status == VB_OK)
        lookup->status = vb_contract_append_now(lookup->contract, &lookup->sql);
    put(lookup, ", pg_current_snapshot()");
}

static void (*const makers[VB_LOOKUPS])(struct lookup *lookup) = {
    [VB_LOOKUP_CHANNELS] = make_channels,
    [VB_LOOKUP_ASSISTANT] = make_assistant,
    [VB_LOOKUP_CONTACT] = make_contact,
    [VB_LOOKUP_SAME_PERSON] = make_same_person,
    [VB_LOOKUP_CONVERSATIONS] = make_conversations,
    [VB_LOOKUP_NOW] = make_now,
};

enum vb_status vb_contract_build_more_lookups(struct vb_contract *contract)
{
    for (size_t i = 0; i < VB_LOOKUPS; i++) {
        struct lookup lookup = {.contract = contract};
        vb_buffer_init(&lookup.sql, SQL_CEILING);
        makers[i](&lookup);
        if (lookup.status == VB_OK)
            contract->lookups[i] = vb_buffer_take(&lookup.sql);
        vb_buffer_done(&lookup.sql);
        if (lookup.status != VB_OK)
            return lookup.status;
    }
    return VB_OK;
}

const char *vb_contract_lookup_sql(const struct vb_contract *contract, enum vb_lookup lookup)
{
    return contract->lookups[lookup];
}

/* --- which ids may be sent --- */

bool vb_contract_id_valid(const struct vb_contract *contract, enum vb_id_kind kind,
                          struct vb_view id)
{
    static const struct {
        const char *relation, *column; /* the second is conversation's, or message's, key to it */
    } kinds[] = {
        [VB_ID_CHANNEL] = {"channel", "channel_id"},
        [VB_ID_ASSISTANT] = {"assistant", "assistant_id"},
        [VB_ID_CONTACT] = {"contact", "contact_id"},
        [VB_ID_CONVERSATION] = {"conversation", "conversation_id"},
    };
    const char *holder = kind == VB_ID_CONVERSATION ? "message" : "conversation";
    return vb_contract_text_fits(id,
                                 vb_contract_column(contract, kinds[kind].relation, "id")->type) &&
           vb_contract_text_fits(id,
                                 vb_contract_column(contract, holder, kinds[kind].column)->type);
}
