/* Text as the XML of a sheet. Private to export/xlsx.
 *
 * Appends to the caller's buffer and keeps nothing; the text must be UTF-8. Any thread: no state.
 * VB_LIMIT and VB_NO_MEMORY as the buffer says, which has a part of the text then.
 */
#ifndef VERBATIM_EXPORT_XLSX_TEXT_H
#define VERBATIM_EXPORT_XLSX_TEXT_H

#include "verbatim/buffer.h"

enum vb_status vb_xlsx_append_text(struct vb_buffer *xml, struct vb_view text) vb_must_check;

#endif
