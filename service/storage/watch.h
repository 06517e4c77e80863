/* The storage's health, asked every few seconds by a thread of its own, since a loop may not wait
 * for a store. /readyz is its only reader.
 *
 * Owns its thread and its session until vb_storage_watch_stop, which frees it; borrows the storage,
 * which outlives it. Errors: VB_NO_MEMORY, VB_IO where no thread can be had; a store that does not
 * answer is a finding, and told in the log when it changes.
 */
#ifndef VERBATIM_STORAGE_WATCH_H
#define VERBATIM_STORAGE_WATCH_H

#include "storage.h"

struct vb_storage_watch;
/* Returns at once: until the first look the storage counts as not ready. */
enum vb_status vb_storage_watch_start(struct vb_storage *storage,
                                      struct vb_storage_watch **ret_watch,
                                      struct vb_error *err) vb_must_check;
/* Within moments, also in the middle of a call. NULL is a no-op. */
void vb_storage_watch_stop(struct vb_storage_watch *watch);
/* The last finding, unless it is too old. Any thread. */
bool vb_storage_watch_ready(struct vb_storage_watch *watch);

#endif
