/* Answers as gzip, for clients that take it: at once, or piece by piece with constant memory.
 *
 * A packer is its maker's until vb_http_pack_free, is used by one thread, and for one body after
 * another. About 360 KiB. Errors: VB_NO_MEMORY, VB_LIMIT of the output; VB_CORRUPT where ISA-L
 * refuses, which it has no reason for.
 */
#ifndef VERBATIM_HTTP_PACK_H
#define VERBATIM_HTTP_PACK_H

#include "verbatim/buffer.h"

struct vb_http_pack;

enum vb_http_pack_end {
    VB_PACK_MORE,  /* keeps what makes no whole block yet */
    VB_PACK_FLUSH, /* all so far can be read */
    VB_PACK_END    /* that was all */
};

/* NULL: no memory. Readied for a first body. */
struct vb_http_pack *vb_http_pack_new(void);
void vb_http_pack_free(struct vb_http_pack *pack);
/* For the next body, whatever became of the last. */
void vb_http_pack_begin(struct vb_http_pack *pack);
/* Appends what comes of the bytes. */
enum vb_status vb_http_pack_put(struct vb_http_pack *pack, struct vb_view bytes,
                                enum vb_http_pack_end end, struct vb_buffer *out) vb_must_check;
/* Whether a body of this type shrinks: texts do, files of other kinds are packed already. */
bool vb_http_pack_pays(const char *type);

#endif
