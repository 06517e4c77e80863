/* The keyset of messages: where a conversation is read on. See select.h. Appends to the caller's
 * buffer, owns nothing.
 *
 * COPY takes no parameters, so values stand as literals that libpq quoted for this very connection.
 */
#include "select.h"

#include "times.h"

#include <string.h>

/* A condition in the making; the first failure stays. */
struct condition {
    struct vb_buffer *sql;
    PGconn *connection;
    const struct vb_contract *contract;
    const struct vb_message_place *place;
    enum vb_status status;
};

static void add(struct condition *condition, const char *words)
{
    if (condition->status == VB_OK)
        condition->status = vb_buffer_append_text(condition->sql, words);
}

/* A value of a column of messages, in that column's type. */
static void add_value(struct condition *condition, const char *value, const char *column)
{
    if (condition->status != VB_OK)
        return;
    char *literal = PQescapeLiteral(condition->connection, value, strlen(value));
    condition->status =
        !literal ? VB_NO_MEMORY
                 : vb_buffer_printf(condition->sql, "%s::%s", literal,
                                    vb_contract_cast(condition->contract, "message", column));
    PQfreemem(literal);
}

static void add_time(struct condition *condition)
{
    char text[VB_TIME_TEXT];
    vb_time_cursor_text(vb_contract_column(condition->contract, "message", "created_at"),
                        &condition->place->cursor, text);
    add_value(condition, text, "created_at");
}

/* Words with the time's column among them. */
static void add_column(struct condition *condition, const char *before, const char *behind)
{
    add(condition, before);
    add(condition, vb_contract_name(condition->contract, "message", "created_at"));
    add(condition, behind);
}

/* Positions may be NULL, which come last, as ORDER BY has it: a comparison that ends in NULL is one
 * of a row that comes later. The bound on the time is what an index begins at; rows of its instant
 * are looked at again. */
static void add_from_position(struct condition *condition)
{
    const struct vb_message_place *place = condition->place;
    add_column(condition, " AND m.", " >= ");
    add_time(condition);
    if (place->has_position) {
        add_column(condition, " AND ((m.", ", m.position, m.id) >= (");
        add_time(condition);
        add(condition, ", ");
        add_value(condition, place->position, "position");
        add(condition, ", ");
        add_value(condition, place->cursor.id, "id");
        add(condition, ")) IS NOT FALSE");
    } else {
        add_column(condition, " AND (m.", " > ");
        add_time(condition);
        add(condition, " OR m.position IS NULL AND m.id >= ");
        add_value(condition, place->cursor.id, "id");
        add(condition, ")");
    }
}

static void add_from_id(struct condition *condition)
{
    add_column(condition, " AND (m.", ", m.id) >= (");
    add_time(condition);
    add(condition, ", ");
    add_value(condition, condition->place->cursor.id, "id");
    add(condition, ")");
}

enum vb_status vb_select_from_place(struct vb_buffer *sql, PGconn *connection,
                                    const struct vb_contract *contract,
                                    const struct vb_message_place *place)
{
    struct condition condition = {sql, connection, contract, place, VB_OK};
    if (vb_contract_column(contract, "message", "position")->type != 0)
        add_from_position(&condition);
    else
        add_from_id(&condition);
    return condition.status;
}
