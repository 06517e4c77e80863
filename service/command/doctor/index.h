/* The CREATE INDEX that a source lacks, in the platform's own names. Private to this folder.
 *
 * The plan of a bare SELECT from the contract's relation shows the table behind it and the
 * expression of each column, which is what an index has to be made of: a view that computes a
 * column can be served by an index of exactly that expression.
 *
 * Owns nothing beyond a call; connection and buffer are the caller's. The connection's thread. No
 * errors: what cannot be said is left out.
 */
#ifndef VERBATIM_COMMAND_DOCTOR_INDEX_H
#define VERBATIM_COMMAND_DOCTOR_INDEX_H

#include "verbatim/buffer.h"
#include "verbatim/source.h"

/* Appends "CREATE INDEX ON schema.table (a, (f(b)))", one for each table that the relation's rows
 * come from, with "; " between. `columns` of the contract, up to NULL. False, and nothing appended:
 * there is no such statement, since a column comes from another table or from no table. */
bool vb_doctor_index(PGconn *source, const struct vb_contract *contract, const char *relation,
                     const char *const *columns, struct vb_buffer *text) vb_must_check;
/* Whether rows of the relation are read from that table, "schema.table". */
bool vb_doctor_index_is_of(PGconn *source, const struct vb_contract *contract, const char *relation,
                           const char *table);

#endif
