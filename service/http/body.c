/* Decoding of request bodies. Owns nothing; the caller's buffer has the ceiling.
 *
 * Chunk sizes are hex digits and nothing else; every line ends in CR LF; extensions and trailers
 * are legal, have a ceiling, and mean nothing here.
 *
 * Byte by byte only in the lines around chunks; data is copied in runs. A chunk's size is judged
 * before its bytes come, so a client that announces too much is told at once.
 */
#include "body.h"

#include "verbatim/hash.h"

#include <string.h>

#define SIZE_DIGITS 8u /* more would be past any limit, and invites overflow elsewhere */
#define OVERHEAD 4096u

static enum vb_status refuse(struct vb_http_refusal *refusal, int status, const char *detail)
{
    *refusal = (struct vb_http_refusal){status, detail};
    return VB_INVALID;
}

void vb_http_body_init(struct vb_http_body *body, const struct vb_http_head *head)
{
    body->state = head->chunked ? VB_BODY_SIZE : VB_BODY_BYTES;
    body->left = head->chunked ? 0 : head->content_length;
    body->digits = 0;
    body->decoded = body->overhead = body->line = 0;
    if (!head->chunked && body->left == 0)
        body->state = VB_BODY_DONE;
}

/* Copies up to `left` bytes. */
static enum vb_status take_data(struct vb_http_body *body, struct vb_view bytes,
                                struct vb_buffer *out, size_t *used,
                                struct vb_http_refusal *refusal)
{
    size_t count = bytes.length - *used;
    if (count > body->left)
        count = (size_t)body->left;
    if (body->left > VB_HTTP_BODY - body->decoded)
        return refuse(refusal, 413, "The request body is larger than 64 KiB.");
    enum vb_status status = out ? vb_buffer_append(out, bytes.data + *used, count) : VB_OK;
    if (status == VB_NO_MEMORY)
        return refuse(refusal, 503, "Out of memory. Try again later.");
    if (status != VB_OK)
        return refuse(refusal, 413, "The request body is larger than 64 KiB.");
    *used += count;
    body->left -= count;
    body->decoded += count;
    if (body->left == 0)
        body->state = body->state == VB_BODY_BYTES ? VB_BODY_DONE : VB_BODY_CHUNK_CR;
    return VB_OK;
}

/* One byte of a size line before its LF. */
static bool take_size(struct vb_http_body *body, char byte)
{
    int value = vb_hex_value(byte);
    if (body->state == VB_BODY_SIZE && value >= 0) {
        body->left = body->left * 16 + (uint64_t)value;
        return ++body->digits <= SIZE_DIGITS;
    }
    if (body->digits == 0)
        return false;
    if (byte == '\r') {
        body->state = VB_BODY_SIZE_LF;
        return true;
    }
    if (body->state == VB_BODY_SIZE && byte != ';')
        return false;
    body->state = VB_BODY_EXTENSION;
    bool is_clean = (unsigned char)byte >= 0x20 ? byte != 0x7f : byte == '\t';
    return is_clean && ++body->overhead <= OVERHEAD;
}

/* The last chunk is of no size; what follows it is the trailer. */
static bool end_size(struct vb_http_body *body, char byte)
{
    body->state = body->left > 0 ? VB_BODY_CHUNK : VB_BODY_TRAILER;
    body->digits = 0;
    return byte == '\n';
}

/* One byte of the trailer section; its lines obey the rules of header lines. */
static bool take_trailer(struct vb_http_body *body, char byte)
{
    if (body->line == sizeof(body->trailer) || ++body->overhead > OVERHEAD)
        return false;
    body->trailer[body->line++] = byte;
    if (byte != '\n')
        return true;
    if (body->line < 2 || body->trailer[body->line - 2] != '\r')
        return false;
    struct vb_view line = {body->trailer, body->line - 2};
    body->line = 0;
    if (line.length == 0) {
        body->state = VB_BODY_DONE;
        return true;
    }
    struct vb_http_header header;
    return vb_http_header_line(line, &header);
}

/* False: refused. A state of plain bytes never comes here. */
static bool take_byte(struct vb_http_body *body, char byte)
{
    switch (body->state) {
    case VB_BODY_SIZE:
    case VB_BODY_EXTENSION:
        return take_size(body, byte);
    case VB_BODY_SIZE_LF:
        return end_size(body, byte);
    case VB_BODY_CHUNK_CR:
        body->state = VB_BODY_CHUNK_LF;
        return byte == '\r';
    case VB_BODY_CHUNK_LF:
        body->state = VB_BODY_SIZE;
        return byte == '\n';
    case VB_BODY_TRAILER:
        return take_trailer(body, byte);
    case VB_BODY_BYTES:
    case VB_BODY_CHUNK:
    case VB_BODY_DONE:
        break;
    }
    return false;
}

enum vb_status vb_http_body_feed(struct vb_http_body *body, struct vb_view bytes,
                                 struct vb_buffer *out, size_t *ret_used,
                                 struct vb_http_refusal *ret_refusal)
{
    size_t used = 0;
    enum vb_status status = VB_OK;
    while (status == VB_OK && body->state != VB_BODY_DONE && used < bytes.length) {
        if (body->state == VB_BODY_BYTES || body->state == VB_BODY_CHUNK)
            status = take_data(body, bytes, out, &used, ret_refusal);
        else if (!take_byte(body, bytes.data[used++]))
            status = refuse(ret_refusal, 400, "The chunked body is malformed.");
        else if (body->state == VB_BODY_CHUNK && body->left > VB_HTTP_BODY - body->decoded)
            status = refuse(ret_refusal, 413, "The request body is larger than 64 KiB.");
    }
    *ret_used = used;
    if (status != VB_OK)
        return status;
    return body->state == VB_BODY_DONE ? VB_OK : VB_AGAIN;
}
