/* See api/export_field.h. Everything is borrowed from the result.
 *
 * Results are binary: integers are big-endian, times microseconds since 2000, and a text is not
 * ended by a NUL of its own where it is a view.
 */
#include "export_field.h"

#include "database/array.h"

#include <endian.h>
#include <string.h>

struct vb_view vb_api_field(const struct vb_api_export *export, int column)
{
    return vb_pg_view(export->rows, export->row, column);
}

bool vb_api_field_is_null(const struct vb_api_export *export, int column)
{
    return vb_pg_null(export->rows, export->row, column);
}

int64_t vb_api_field_integer(const struct vb_api_export *export, int column)
{
    return vb_pg_integer(export->rows, export->row, column);
}

/* The wire's microseconds count from 2000. */
vb_instant vb_api_field_time(const struct vb_api_export *export, int column)
{
    return vb_api_field_integer(export, column) + VB_POSTGRES_EPOCH;
}

void vb_api_field_put(struct vb_json *json, const char *name, const struct vb_api_export *export,
                      int column)
{
    vb_api_row_put(json, name, export->rows, export->row, column);
}

void vb_api_field_put_number(struct vb_json *json, const char *name,
                             const struct vb_api_export *export, int column)
{
    vb_api_row_put_number(json, name, export->rows, export->row, column);
}

void vb_api_field_put_time(struct vb_json *json, const char *name,
                           const struct vb_api_export *export, int column)
{
    vb_api_row_put_time(json, name, export->rows, export->row, column);
}

/* An array of bigint with a fixed order (queue/view.h); what an older one lacks is zero. */
struct vb_api_counts vb_api_field_counts(const struct vb_api_export *export)
{
    struct vb_api_counts counts = {{0}};
    struct vb_pg_array array = vb_pg_array_of(vb_api_field(export, EXPORT_COUNTS));
    struct vb_view element;
    uint64_t number;
    for (size_t i = 0; i < EXPORT_COUNT_KINDS && vb_pg_array_next(&array, &element); i++) {
        if (element.length != sizeof(number))
            continue;
        memcpy(&number, element.data, sizeof(number));
        counts.of[i] = (int64_t)be64toh(number);
    }
    return counts;
}

enum vb_status vb_api_field_specification(const struct vb_api_export *export,
                                          struct vb_specification *ret_specification,
                                          struct vb_error *err)
{
    return vb_specification_read(vb_api_field(export, EXPORT_SPECIFICATION), ret_specification,
                                 err);
}

void vb_api_field_put_error(struct vb_json *json, const char *name,
                            const struct vb_api_export *export)
{
    if (vb_api_export_status_is(export, "cancelled"))
        vb_json_member_text(json, name, "Export cancelled.");
    else if (vb_api_export_status_is(export, "failed"))
        vb_api_field_put(json, name, export, EXPORT_ERROR);
    else
        vb_json_member_text(json, name, NULL);
}
