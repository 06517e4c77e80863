/* Types of media by what the server says and by their first bytes. See media/type.h.
 *
 * Not a guard against harmful files: what people sent each other is archived as it is. The question
 * is only whether the answer is that medium at all, since an expired link, a login page or a proxy
 * answers 200 with a page of its own. So a page is refused whatever it claims to be, a type that is
 * none of media is refused, and a vague type is believed if the first bytes or the platform vouch
 * for it.
 */
#include "type.h"

#include "verbatim/names.h"
#include "verbatim/text.h"

#include <string.h>
#include <strings.h>

static const struct {
    size_t offset;
    struct vb_view bytes;
    const char *type;
} signatures[] = {
    {8, VB_VIEW("WAVE"), "audio/wav"}, /* behind RIFF and a length, as WEBP */
    {8, VB_VIEW("WEBP"), "image/webp"},
    {0, VB_VIEW("ID3"), "audio/mpeg"},
    {0, VB_VIEW("\xFF\xFB"),
     "audio/mpeg"}, /* frames of layer III, with and without CRC, MPEG 1, 2, 2.5 */
    {0, VB_VIEW("\xFF\xFA"), "audio/mpeg"},
    {0, VB_VIEW("\xFF\xF3"), "audio/mpeg"},
    {0, VB_VIEW("\xFF\xF2"), "audio/mpeg"},
    {0, VB_VIEW("\xFF\xE3"), "audio/mpeg"},
    {0, VB_VIEW("\xFF\xF1"), "audio/aac"},
    {0, VB_VIEW("\xFF\xF9"), "audio/aac"},
    {0, VB_VIEW("OggS"), "audio/ogg"},
    {0, VB_VIEW("fLaC"), "audio/flac"},
    {0, VB_VIEW("#!AMR"), "audio/amr"},
    {0, VB_VIEW("\x89PNG\r\n\x1A\n"), "image/png"},
    {0, VB_VIEW("\xFF\xD8\xFF"), "image/jpeg"},
    {0, VB_VIEW("GIF8"), "image/gif"},
    {0, VB_VIEW("II*\0"), "image/tiff"},
    {0, VB_VIEW("MM\0*"), "image/tiff"},
    {4, VB_VIEW("ftyp"), "video/mp4"}, /* also M4A, HEIC, QuickTime */
    {0, VB_VIEW("\x1A\x45\xDF\xA3"), "video/webm"},
    {0, VB_VIEW("%PDF-"), "application/pdf"},
};

const char *vb_media_sniff(struct vb_view head)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        size_t end = signatures[i].offset + signatures[i].bytes.length;
        if (head.length >= end && memcmp(head.data + signatures[i].offset, signatures[i].bytes.data,
                                         signatures[i].bytes.length) == 0)
            return signatures[i].type;
    }
    return NULL;
}

/* What portals, proxies and expired links answer with, whatever type they claim. */
static bool is_page(struct vb_view head)
{
    static const struct vb_view starts[] = {VB_VIEW("<!doctype html"), VB_VIEW("<html"),
                                            VB_VIEW("<head"), VB_VIEW("<script")};
    if (head.length >= 3 && memcmp(head.data, "\xEF\xBB\xBF", 3) == 0)
        head = (struct vb_view){head.data + 3, head.length - 3};
    while (head.length > 0 &&
           (head.data[0] == ' ' || (head.data[0] >= '\t' && head.data[0] <= '\r')))
        head = (struct vb_view){head.data + 1, head.length - 1};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (head.length >= starts[i].length &&
            strncasecmp(head.data, starts[i].data, starts[i].length) == 0)
            return true;
    return false;
}

/* Says nothing about what it is: many stores give it to everything. */
static bool is_vague(struct vb_view type)
{
    static const struct vb_view vague[] = {VB_VIEW("application/octet-stream"),
                                           VB_VIEW("binary/octet-stream")};
    if (type.length == 0)
        return true;
    for (size_t i = 0; i < sizeof vague / sizeof *vague; i++)
        if (type.length >= vague[i].length &&
            strncasecmp(type.data, vague[i].data, vague[i].length) == 0)
            return true;
    return false;
}

enum vb_status vb_media_check_type(struct vb_view answered, struct vb_view declared,
                                   struct vb_view head, struct vb_error *err)
{
    if (is_page(head))
        return vb_fail(err, VB_NOT_FOUND, "the answer is a web page");
    if (!is_vague(answered) && !vb_media_type_known(answered)) {
        bool shown = answered.length <= 100 && vb_utf8_valid(answered);
        return vb_fail(err, VB_NOT_FOUND, "the answer's type %.*s is none of media",
                       shown ? (int)answered.length : 0, answered.data);
    }
    if (is_vague(answered) && !vb_media_sniff(head) && !vb_media_type_known(declared))
        return vb_fail(err, VB_NOT_FOUND, "the answer is of no type that is known");
    return VB_OK;
}

enum vb_status vb_media_too_large(uint64_t most, struct vb_error *err)
{
    return vb_fail(err, VB_NOT_FOUND, "larger than the %llu bytes that are allowed",
                   (unsigned long long)most);
}
