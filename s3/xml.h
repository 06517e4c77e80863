/* The few fields that S3 answers are read for. Elements by path from the root, text only.
 *
 * Expat underneath (XML 1.0); a document type, and with it every entity but the five of XML, ends
 * the parse. Depth, names and texts have ceilings, the document that of its buffer; attributes and
 * namespaces are not told. Documents and reader are borrowed. Any thread: pure, no memory stays.
 * VB_INVALID and VB_NO_MEMORY; elements before the fault have been told then. `path` and `text`
 * live for one call of `element`.
 */
#ifndef VERBATIM_S3_XML_H
#define VERBATIM_S3_XML_H

#include "verbatim/buffer.h"

#define VB_XML_DEPTH 16u  /* deeper elements end the parse */
#define VB_XML_TEXT 8192u /* an element's text, with the NUL; what is longer is cut to nothing */
#define VB_XML_NAME 64u   /* a longer name ends the parse */

/* Called at the end of each element, children first. `path` is like "Error/Code", without the
 * namespace; `text` is its own text, NUL-terminated, "" for a container. */
struct vb_xml_reader {
    void (*element)(void *context, const char *path, const char *text);
    void *context;
};

/* What stands behind the root in a path, "" for the root itself. NULL below an `Error`, which
 * stores also send with 200. Stores agree on fields more than on roots: SDKs do not look at
 * those. */
const char *vb_xml_below_root(const char *path) vb_must_check;

/* VB_INVALID for what is not well-formed, or uses what answers have no use for. */
enum vb_status vb_xml_read(struct vb_view document, const struct vb_xml_reader *reader,
                           struct vb_error *err) vb_must_check;

#endif
