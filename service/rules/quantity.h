/* Numbers with their units, as options and callers write them.
 *
 * Whole numbers of 64 bits, no sign, no fraction, no sums ("1h30m"). Nothing is owned. Any
 * thread: pure. VB_INVALID: no such text, or a number that does
 * not fit; nothing is written then. Results are plain values.
 */
#ifndef VERBATIM_RULES_QUANTITY_H
#define VERBATIM_RULES_QUANTITY_H

#include "verbatim/status.h"

#include <stdint.h>

/* "30s", "500ms", "24h", "7d": one whole number and one unit. */
enum vb_status vb_duration_parse(const char *text, int64_t *ret_microseconds) vb_must_check;
/* "6MiB", "100KiB", "1GiB", "5242880". */
enum vb_status vb_size_parse(const char *text, uint64_t *ret_bytes) vb_must_check;

#endif
