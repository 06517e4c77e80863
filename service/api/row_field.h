/* Fields of a result's row as members of a JSON object; a NULL is null.
 *
 * Results are borrowed, and binary. Pure but for the writer, which keeps its own failure; the
 * loop's thread.
 */
#ifndef VERBATIM_API_ROW_FIELD_H
#define VERBATIM_API_ROW_FIELD_H

#include "database/pool.h"

#include "verbatim/clock.h"
#include "verbatim/json.h"

void vb_api_row_put(struct vb_json *json, const char *name, const PGresult *rows, int row,
                    int column);
void vb_api_row_put_number(struct vb_json *json, const char *name, const PGresult *rows, int row,
                           int column);
/* A timestamptz, as all doors but v3's write it. */
void vb_api_row_put_time(struct vb_json *json, const char *name, const PGresult *rows, int row,
                         int column);
/* JSON that the database has written. */
void vb_api_row_put_json(struct vb_json *json, const char *name, const PGresult *rows, int row,
                         int column);
/* The first row with that value, in the column's binary form; -1: none. */
int vb_api_row_find(const PGresult *rows, int column, struct vb_view value);
/* INT64_MIN: null. */
void vb_api_put_instant(struct vb_json *json, const char *name, vb_instant instant);

#endif
