/* Parameters of a statement as libpq wants them, and fields of its result. See database/args.h.
 *
 * Texts are borrowed until the statement ran; numbers are kept in the struct itself, so it must not
 * be moved. Results are in text format, since SQL of the queue casts what it returns to bigint,
 * text or boolean.
 */
#include "args.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void vb_args_text(struct vb_pg_args *args, const char *text)
{
    assert(args->count < VB_PG_ARGS);
    args->values[args->count++] = text;
}

void vb_args_number(struct vb_pg_args *args, int64_t number)
{
    assert(args->count < VB_PG_ARGS);
    char *text = args->numbers[args->count];
    snprintf(text, sizeof args->numbers[0], "%" PRId64, number);
    args->values[args->count++] = text;
}

void vb_args_cursor(struct vb_pg_args *args, bool given, const struct vb_cursor *cursor)
{
    if (given) {
        vb_args_number(args, cursor->at);
        assert(args->place_count < VB_PG_ARG_PLACES);
        char *place = args->places[args->place_count++];
        vb_cursor_write(cursor, place);
        vb_args_text(args, place);
    } else {
        vb_args_text(args, NULL);
        vb_args_text(args, NULL);
    }
}

enum vb_status vb_args_query(struct vb_pg *pg, const char *sql, const struct vb_pg_args *args,
                             PGresult **ret_result, struct vb_error *err)
{
    return vb_pg_query(pg, sql, args->count, args->values, ret_result, err);
}

enum vb_status vb_args_exec(struct vb_pg *pg, const char *sql, const struct vb_pg_args *args,
                            uint64_t *ret_rows, struct vb_error *err)
{
    return vb_pg_exec(pg, sql, args->count, args->values, ret_rows, err);
}

struct vb_pg_step vb_args_step(struct vb_pg_statement *statement, const char *sql,
                               const struct vb_pg_args *args)
{
    *statement = (struct vb_pg_statement){NULL, sql, args->count};
    return (struct vb_pg_step){statement, args->values};
}

/* NULL reads as 0; where the two differ the caller asks vb_row_null first. */
int64_t vb_row_number(const PGresult *result, int row, int column)
{
    const char *text = vb_pg_value(result, row, column);
    return text ? strtoll(text, NULL, 10) : 0;
}

bool vb_row_null(const PGresult *result, int row, int column)
{
    return vb_pg_value(result, row, column) == NULL;
}

bool vb_row_true(const PGresult *result, int row, int column)
{
    const char *text = vb_pg_value(result, row, column);
    return text && text[0] == 't';
}
