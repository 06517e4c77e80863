/* The time of a message, note, event or skill among the results of a statement: see select.h.
 * Appends to the caller's buffer, owns nothing.
 */
#include "select.h"

static const char *relation_of(enum vb_row_kind kind)
{
    static const char *const relations[] = {[VB_ROW_NOTE] = "note",
                                            [VB_ROW_MESSAGE] = "message",
                                            [VB_ROW_EVENT] = "event",
                                            [VB_ROW_SKILL] = "skill_run"};
    return relations[kind];
}

const struct vb_column *vb_select_time(const struct vb_contract *contract, enum vb_row_kind kind)
{
    return vb_contract_column(contract, relation_of(kind), "created_at");
}

/* Binary forms that one column of a UNION can have. */
enum form { STAMP, LOCAL_STAMP, INTEGER, FRACTION };

static enum form form_of(const struct vb_column *time)
{
    if (time->unit == VB_UNIT_STAMP)
        return time->local ? LOCAL_STAMP : STAMP;
    return time->unit == VB_UNIT_EPOCH ? FRACTION : INTEGER;
}

/* Whether the rows that the selection asks for have times of several forms. */
static bool is_mixed(const struct vb_scope *scope)
{
    struct vb_row_kinds kinds = vb_select_kinds(scope->contract, scope->selection);
    for (size_t i = 1; i < kinds.count && kinds.items[i] <= VB_ROW_SKILL; i++)
        if (form_of(vb_select_time(scope->contract, kinds.items[i])) !=
            form_of(vb_select_time(scope->contract, kinds.items[0])))
            return true;
    return false;
}

/* The function that gives a value's bytes as such. */
static const char *sender_of(const struct vb_column *time)
{
    if (time->unit == VB_UNIT_EPOCH)
        return "float8send";
    if (time->unit != VB_UNIT_STAMP)
        return "int8send";
    return time->type == VB_TYPE_TIMESTAMPTZ ? "timestamptz_send" : "timestamp_send";
}

/* Of timestamps with and without zone the messages' own, so that those need no cast. */
static const char *stamp_type(const struct vb_contract *contract)
{
    const struct vb_column *time = vb_select_time(contract, VB_ROW_MESSAGE);
    return time->unit == VB_UNIT_STAMP ? vb_contract_cast(contract, "message", "created_at")
                                       : "timestamptz";
}

/* Branches of one statement share the type of a column. Where all are timestamps that is the
 * messages' own; where their forms differ each gives its bytes. */
enum vb_status vb_select_append_time(struct vb_buffer *sql, const struct vb_scope *scope,
                                     const char *alias, enum vb_row_kind kind)
{
    const struct vb_contract *contract = scope->contract;
    const struct vb_column *time = vb_select_time(contract, kind);
    bool mixed = is_mixed(scope);
    enum vb_status status =
        mixed ? vb_buffer_printf(sql, "pg_catalog.%s(", sender_of(time)) : VB_OK;
    if (status == VB_OK)
        status = vb_contract_append(contract, sql, alias, relation_of(kind), "created_at");
    if (status == VB_OK && mixed)
        status = vb_buffer_append_byte(sql, ')');
    else if (status == VB_OK && time->unit == VB_UNIT_STAMP && kind != VB_ROW_MESSAGE)
        status = vb_buffer_printf(sql, "::%s", stamp_type(contract));
    return status;
}
