/* The one entry of an archive without conversations: a text that says so, and of what. Many
 * readers call a ZIP without entries broken (unzip, Finder).
 *
 * Only what was asked for stands in it, nothing of the job that asked: two exports that find
 * nothing of the same are the same bytes. context->about must be there; its statistics are not
 * looked at.
 *
 * Pure; nothing is kept. Any thread. Errors: the buffer's. Characters that a line may not have,
 * and bytes that are no UTF-8, become '?'.
 */
#ifndef VERBATIM_NOTHING_FOUND_H
#define VERBATIM_NOTHING_FOUND_H

#include "verbatim/render.h"

#define VB_NOTHING_FOUND_NAME "nothing-found.txt"

enum vb_status vb_nothing_found(const struct vb_render_context *context,
                                struct vb_buffer *out) vb_must_check;

#endif
