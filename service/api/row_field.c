/* See row_field.h. The wire's microseconds count from 2000. */
#include "row_field.h"

void vb_api_row_put(struct vb_json *json, const char *name, const PGresult *rows, int row,
                    int column)
{
    vb_json_name(json, name);
    vb_json_view(json, vb_pg_view(rows, row, column));
}

void vb_api_row_put_number(struct vb_json *json, const char *name, const PGresult *rows, int row,
                           int column)
{
    vb_json_name(json, name);
    if (vb_pg_null(rows, row, column))
        vb_json_null(json);
    else
        vb_json_integer(json, vb_pg_integer(rows, row, column));
}

void vb_api_put_instant(struct vb_json *json, const char *name, vb_instant instant)
{
    char text[VB_INSTANT_TEXT];
    if (instant != INT64_MIN)
        vb_instant_text(instant, text);
    vb_json_member_text(json, name, instant != INT64_MIN ? text : NULL);
}

void vb_api_row_put_time(struct vb_json *json, const char *name, const PGresult *rows, int row,
                         int column)
{
    bool is_null = vb_pg_null(rows, row, column);
    vb_api_put_instant(json, name,
                       is_null ? INT64_MIN : vb_pg_integer(rows, row, column) + VB_POSTGRES_EPOCH);
}

void vb_api_row_put_json(struct vb_json *json, const char *name, const PGresult *rows, int row,
                         int column)
{
    vb_json_name(json, name);
    if (vb_pg_null(rows, row, column))
        vb_json_null(json);
    else
        vb_json_raw(json, PQgetvalue(rows, row, column));
}

int vb_api_row_find(const PGresult *rows, int column, struct vb_view value)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (vb_view_equals(vb_pg_view(rows, row, column), value))
            return row;
    return -1;
}
