/* Statements by which people find assistants, channels and contacts. See verbatim/source.h.
 *
 * Built once with the contract. Patterns are parameters and were made by whoever sends them, so
 * nothing that was typed is part of a statement. A contact is found by any of its texts, and by the
 * digits of its phone number however that is written.
 */
#include "contract.h"

#include <stdio.h>

#define SQL_CEILING 4096u

/* What a search answers, by which columns it finds, and its further parameters where there is no
 * such relation, whose types nothing else would tell. */
struct find {
    const char *relation;
    const char *columns[6]; /* up to a NULL; the first one is its id */
    const char *texts[4];
    const char *nothing;
};

static const struct find finds[VB_FINDS] = {
    [VB_FIND_ASSISTANTS] = {"assistant", {"id", "name"}, {"name"}, ""},
    [VB_FIND_CHANNELS] = {"channel",
                          {"id", "name", "channel_type", "phone_number"},
                          {"name", "phone_number"},
                          ""},
    [VB_FIND_CONTACTS] = {"contact",
                          {"id", "name", "email", "phone", "company"},
                          {"name", "email", "phone"},
                          " OR $4::text IS NULL OR $5::text IS NULL"},
};

static bool has(const struct vb_contract *contract, const char *relation, const char *name)
{
    return vb_contract_column(contract, relation, name)->type != 0;
}

static enum vb_status put_columns(const struct vb_contract *contract, const struct find *find,
                                  struct vb_buffer *sql)
{
    enum vb_status status = vb_buffer_append_text(sql, "SELECT r.id");
    for (size_t i = 1; status == VB_OK && find->columns[i]; i++) {
        status = vb_buffer_append_text(sql, ", ");
        if (status == VB_OK)
            status = vb_contract_append(contract, sql, "r", find->relation, find->columns[i]);
    }
    return status;
}

/* Of this workspace; contacts without one are those of its conversations. */
static enum vb_status put_home(const struct vb_contract *contract, const struct find *find,
                               struct vb_buffer *sql)
{
    if (has(contract, find->relation, "workspace_id"))
        return vb_buffer_printf(sql, " WHERE r.workspace_id = $1::%s",
                                vb_contract_cast(contract, find->relation, "workspace_id"));
    if (!has(contract, "conversation", "contact_id"))
        return vb_buffer_append_text(sql, " WHERE $1::text IS NULL");
    return vb_buffer_printf(sql,
                            " WHERE EXISTS (SELECT 1 FROM %s.conversation c"
                            " WHERE c.workspace_id = $1::%s AND c.contact_id = r.id)",
                            contract->schema,
                            vb_contract_cast(contract, "conversation", "workspace_id"));
}

/* Columns that are missing are NULL, and find nothing. */
static enum vb_status put_texts(const struct vb_contract *contract, const struct find *find,
                                struct vb_buffer *sql)
{
    enum vb_status status = vb_buffer_append_text(sql, " AND ($2::text IS NULL");
    for (size_t i = 0; status == VB_OK && find->texts[i]; i++) {
        status = vb_buffer_append_text(sql, " OR ");
        if (status == VB_OK)
            status = vb_contract_append(contract, sql, "r", find->relation, find->texts[i]);
        if (status == VB_OK)
            status = vb_buffer_append_text(sql, " ILIKE $2::text");
    }
    return status;
}

/* Also typed where there are no phones, so that $4 has a type. */
static enum vb_status put_phone(const struct vb_contract *contract, struct vb_buffer *sql)
{
    enum vb_status status =
        vb_buffer_append_text(sql, " OR ($4::text IS NOT NULL AND regexp_replace(");
    if (status == VB_OK)
        status = vb_contract_append(contract, sql, "r", "contact", "phone");
    if (status == VB_OK)
        status = vb_buffer_append_text(sql, ", '[^0-9]', '', 'g') LIKE $4::text)");
    return status;
}

static enum vb_status put_order(const struct vb_contract *contract, const struct find *find,
                                bool is_contact, struct vb_buffer *sql)
{
    enum vb_status status = vb_buffer_append_text(sql, ") ORDER BY ");
    for (size_t i = 0; status == VB_OK && is_contact && find->texts[i]; i++) {
        status = vb_buffer_append_text(sql, i == 0 ? "coalesce(lower(" : " OR coalesce(lower(");
        if (status == VB_OK)
            status = vb_contract_append(contract, sql, "r", find->relation, find->texts[i]);
        if (status == VB_OK)
            status = vb_buffer_append_text(sql, ") = lower($5::text), false)");
    }
    if (status == VB_OK && is_contact)
        status = vb_buffer_append_text(sql, " DESC, ");
    if (status == VB_OK)
        status = vb_contract_append(contract, sql, "r", find->relation, "name");
    if (status == VB_OK)
        status = vb_buffer_append_text(sql, ", r.id LIMIT $3::bigint");
    return status;
}

/* As many columns as the search would have, and no row. */
static enum vb_status put_nothing(const struct find *find, struct vb_buffer *sql)
{
    enum vb_status status = vb_buffer_append_text(sql, "SELECT NULL::text");
    for (size_t i = 1; status == VB_OK && find->columns[i]; i++)
        status = vb_buffer_append_text(sql, ", NULL::text");
    if (status == VB_OK)
        status = vb_buffer_printf(sql,
                                  " WHERE false AND ($1::text IS NULL OR $2::text IS NULL OR"
                                  " $3::bigint IS NULL%s)",
                                  find->nothing);
    return status;
}

static enum vb_status build(const struct vb_contract *contract, const struct find *find,
                            struct vb_buffer *sql)
{
    bool is_contact = find == &finds[VB_FIND_CONTACTS];
    if (!has(contract, find->relation, "id"))
        return put_nothing(find, sql);
    enum vb_status status = put_columns(contract, find, sql);
    if (status == VB_OK)
        status = vb_buffer_printf(sql, " FROM %s.%s r", contract->schema, find->relation);
    if (status == VB_OK)
        status = put_home(contract, find, sql);
    if (status == VB_OK)
        status = put_texts(contract, find, sql);
    if (status == VB_OK && is_contact)
        status = put_phone(contract, sql);
    return status == VB_OK ? put_order(contract, find, is_contact, sql) : status;
}

enum vb_status vb_contract_build_finds(struct vb_contract *contract)
{
    for (size_t i = 0; i < VB_FINDS; i++) {
        struct vb_buffer sql;
        vb_buffer_init(&sql, SQL_CEILING);
        enum vb_status status = build(contract, &finds[i], &sql);
        if (status == VB_OK)
            contract->finds[i] = vb_buffer_take(&sql);
        vb_buffer_done(&sql);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}

const char *vb_contract_find_sql(const struct vb_contract *contract, enum vb_find what)
{
    return contract->finds[what];
}
