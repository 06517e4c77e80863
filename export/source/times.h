/* Times of the source as statements and rows have them: a timestamp, or a number whose unit its
 * column's name tells (created_at_ms). Bounds are sent in the column's own unit, so that its index
 * serves.
 *
 * Timestamps without zone are local times of the contract's clock (local.h).
 *
 * The finer units tell more than a vb_instant, so a cursor carries their exact number beside it:
 * `exact`, empty for all others but local times that no clock showed. An instant is the number
 * rounded down to microseconds, of fractions (VB_UNIT_EPOCH) to the nearest; bounds are rounded so
 * that they agree with it.
 *
 * Pure functions, any thread. Errors: VB_SOURCE for bytes that are no time of the years 1 to 9999.
 */
#ifndef VERBATIM_EXPORT_SOURCE_TIMES_H
#define VERBATIM_EXPORT_SOURCE_TIMES_H

#include "contract.h"

#define VB_TIME_TEXT 48

/* What a column of that unit has behind the name of the contract; "" for timestamps. Static. */
const char *vb_time_suffix(enum vb_time_unit unit);
/* Whether a column of that type can hold the unit. */
bool vb_time_serves(enum vb_time_unit unit, Oid type);
/* The least value of the column that is not before the instant: for >= and <. */
void vb_time_text(const struct vb_column *column, vb_instant instant, char text[VB_TIME_TEXT]);
/* The very value that the cursor was made of. */
void vb_time_cursor_text(const struct vb_column *column, const struct vb_cursor *cursor,
                         char text[VB_TIME_TEXT]);
/* The binary value of a column as vb_contract_append writes it, into `at` and `exact`. */
enum vb_status vb_time_decode(const struct vb_column *column, struct vb_view bytes,
                              struct vb_cursor *ret_cursor) vb_must_check;
/* A time that a row need not have: false for NULL, for what is no time, and beyond
 * VB_OPTIONAL_FIRST and VB_OPTIONAL_END. */
bool vb_time_decode_optional(const struct vb_column *column, struct vb_view bytes,
                             vb_instant *ret_instant);
/* The column as a timestamptz: for computing with, never for what is filtered or ordered by. NULL
 * outside the years 1 to 9999, if it is a number. */
enum vb_status vb_time_append_stamp(const struct vb_contract *contract, struct vb_buffer *sql,
                                    const char *alias, const char *relation,
                                    const char *name) vb_must_check;

#endif
