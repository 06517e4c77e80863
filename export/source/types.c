/* What depends on the types found: pieces of SQL, and which texts may be sent as ids. See
 * contract.h. Pure; any thread. */
#include "contract.h"

#include "verbatim/text.h"
#include "verbatim/uuid.h"

#include <string.h>

static const char *cast_of(Oid type)
{
    switch ((enum vb_type)type) {
    case VB_TYPE_UUID:
        return "uuid";
    case VB_TYPE_INT8:
        return "bigint";
    case VB_TYPE_INT4:
        return "integer";
    case VB_TYPE_INT2:
        return "smallint";
    case VB_TYPE_TIMESTAMP:
        return "timestamp";
    case VB_TYPE_TIMESTAMPTZ:
        return "timestamptz";
    case VB_TYPE_NAME:
    case VB_TYPE_TEXT:
    case VB_TYPE_FLOAT4:
    case VB_TYPE_FLOAT8:
    case VB_TYPE_BPCHAR:
    case VB_TYPE_VARCHAR:
    case VB_TYPE_NUMERIC:
    case VB_TYPE_JSONB:
        break;
    }
    return "text"; /* binary-coercible from varchar, so its index still serves */
}

const char *vb_contract_cast(const struct vb_contract *contract, const char *relation,
                             const char *name)
{
    const struct vb_column *column = vb_contract_column(contract, relation, name);
    if (column->unit == VB_UNIT_EPOCH)
        return "float8";
    /* A bound may lie beyond what a column of integers holds. */
    return column->unit == VB_UNIT_STAMP ? cast_of(column->type) : "bigint";
}

const char *vb_contract_name(const struct vb_contract *contract, const char *relation,
                             const char *name)
{
    const struct vb_column *column = vb_contract_column(contract, relation, name);
    return column->type == 0 ? name : column->name;
}

/* By its place, which is that of its rule. */
static enum vb_column_kind kind_of(const struct vb_contract *contract,
                                   const struct vb_column *column)
{
    return vb_column_rules[column - contract->columns].kind;
}

enum vb_status vb_contract_append(const struct vb_contract *contract, struct vb_buffer *sql,
                                  const char *alias, const char *relation, const char *name)
{
    const struct vb_column *column = vb_contract_column(contract, relation, name);
    const char *suffix = kind_of(contract, column) == VB_COLUMN_TEXTS ? "[]" : "";
    if (column->type == 0)
        return vb_buffer_printf(sql, "NULL::text%s", suffix);
    if (column->cast)
        return vb_buffer_printf(sql, "%s.%s::text%s", alias, name, suffix);
    if (column->unit != VB_UNIT_STAMP && column->type == VB_TYPE_INT4)
        return vb_buffer_printf(sql, "%s.%s::bigint", alias, column->name);
    return vb_buffer_printf(sql, "%s.%s", alias, column->name);
}

/* Canonical decimal within the limits: "007" would be a second name of 7. */
static bool is_integer(struct vb_view id, int64_t least, int64_t most)
{
    bool negative = id.length > 0 && id.data[0] == '-';
    size_t first = negative ? 1 : 0;
    if (id.length == first || id.length > 20)
        return false;
    if (id.data[first] == '0' && (id.length > first + 1 || negative))
        return false;
    int64_t value = 0; /* kept negative, where there is one more value */
    for (size_t i = first; i < id.length; i++) {
        if (id.data[i] < '0' || id.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, id.data[i] - '0', &value))
            return false;
    }
    return negative ? value >= least : value >= -most;
}

bool vb_contract_text_fits(struct vb_view id, Oid type)
{
    struct vb_uuid uuid;
    switch ((enum vb_type)type) {
    case VB_TYPE_UUID:
        return vb_uuid_parse(id, &uuid) == VB_OK;
    case VB_TYPE_INT8:
        return is_integer(id, INT64_MIN, INT64_MAX);
    case VB_TYPE_INT4:
        return is_integer(id, INT32_MIN, INT32_MAX);
    case VB_TYPE_INT2:
        return is_integer(id, INT16_MIN, INT16_MAX);
    case VB_TYPE_NAME:
    case VB_TYPE_TEXT:
    case VB_TYPE_FLOAT4:
    case VB_TYPE_FLOAT8:
    case VB_TYPE_BPCHAR:
    case VB_TYPE_VARCHAR:
    case VB_TYPE_TIMESTAMP:
    case VB_TYPE_TIMESTAMPTZ:
    case VB_TYPE_NUMERIC:
    case VB_TYPE_JSONB:
        break;
    }
    return id.length > 0 && id.length < VB_CURSOR_ID && vb_utf8_valid(id) &&
           !memchr(id.data, 0, id.length);
}
