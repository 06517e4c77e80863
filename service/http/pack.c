/* gzip by ISA-L at level 1: see http/pack.h. Bytes of the same body may come out otherwise in
 * another process, which nobody compares: answers with tags are not packed. */
#include "pack.h"

#include <isa-l.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 16384u /* room that is made at a time */

struct vb_http_pack {
    struct isal_zstream stream;
    _Alignas(16) unsigned char level[ISAL_DEF_LVL1_DEFAULT];
};

/* The level's buffer is written before it is read. */
struct vb_http_pack *vb_http_pack_new(void)
{
    struct vb_http_pack *pack = malloc(sizeof(*pack));
    if (pack)
        vb_http_pack_begin(pack);
    return pack;
}

void vb_http_pack_free(struct vb_http_pack *pack)
{
    free(pack);
}

void vb_http_pack_begin(struct vb_http_pack *pack)
{
    isal_deflate_init(&pack->stream);
    pack->stream.level = 1;
    pack->stream.level_buf = pack->level;
    pack->stream.level_buf_size = sizeof(pack->level);
    pack->stream.gzip_flag = IGZIP_GZIP;
}

/* One call may leave bytes in the stream where its output is full: then there is more. */
enum vb_status vb_http_pack_put(struct vb_http_pack *pack, struct vb_view bytes,
                                enum vb_http_pack_end end, struct vb_buffer *out)
{
    struct isal_zstream *stream = &pack->stream;
    unsigned char none = 0;
    /* ISA-L does not write to it. */
    stream->next_in = bytes.length > 0 ? (unsigned char *)(uintptr_t)bytes.data : &none;
    stream->avail_in = (uint32_t)bytes.length;
    stream->flush = end == VB_PACK_FLUSH ? SYNC_FLUSH : NO_FLUSH;
    stream->end_of_stream = end == VB_PACK_END;
    do {
        enum vb_status status = vb_buffer_reserve(out, PIECE);
        if (status != VB_OK)
            return status;
        stream->next_out = (unsigned char *)out->data + out->length;
        stream->avail_out = PIECE;
        if (isal_deflate(stream) != COMP_OK)
            return VB_CORRUPT;
        vb_buffer_grown(out, PIECE - stream->avail_out);
    } while (stream->avail_out == 0 || stream->avail_in > 0);
    return VB_OK;
}

bool vb_http_pack_pays(const char *type)
{
    static const char *const types[] = {"application/json", "application/x-ndjson",
                                        "text/csv",         "text/plain",
                                        "text/html",        "text/javascript"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strncmp(type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}
