/* Where an attachment stands in the archive: vb_media_entry_name of names.h.
 *
 * Ids become part of a path. A plain one, such as a number or a UUID, stands as it is; any other is
 * made safe, cut, and told apart by a piece of its SHA-256: two ids that look alike, or that differ
 * only in case, must not meet in one name. Pure, on the stack. */
#include "verbatim/names.h"

#include "file_name.h"
#include "verbatim/hash.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PLAIN_ID 40u /* longest id that stands as it is */
#define SHOWN_HASH 16u
#define SAFE_ID (PLAIN_ID - 1 - SHOWN_HASH) /* what is shown of another one */
#define EXTENSION_TEXT 12u

/* Lower-case letters, digits and '_'. */
static bool is_plain_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* In lower case alone: an upper-case id is another one to the source, and both must not meet on a
 * file system that ignores case. */
static bool is_uuid(struct vb_view id)
{
    if (id.length != 36)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id.data[i] != '-' : !is_plain_byte(id.data[i]))
            return false;
    }
    return true;
}

/* Whether an id stands as it is. A '-' inside would let an id run into the file name behind it, and
 * capital letters would meet small ones on file systems that ignore case. */
static bool is_plain_id(struct vb_view id)
{
    if (is_uuid(id))
        return true;
    if (id.length == 0 || id.length > PLAIN_ID || id.data[0] == '_' || vb_file_name_is_device(id))
        return false;
    for (size_t i = 0; i < id.length; i++)
        if (!is_plain_byte(id.data[i]))
            return false;
    return true;
}

/* An id as a component or its beginning; at most PLAIN_ID bytes. The '~' cannot be in a plain id,
 * so a made one meets none. 64 bits of the hash tell apart what looks alike. */
static enum vb_status append_id(struct vb_buffer *out, struct vb_view id)
{
    if (is_plain_id(id))
        return vb_buffer_append(out, id.data, id.length);
    char hex[VB_SHA256_HEX];
    struct vb_buffer safe;
    if (!vb_utf8_valid(id))
        return VB_INVALID;
    vb_sha256_hex(id.data, id.length, hex);
    vb_buffer_init(&safe, SAFE_ID);
    size_t skip = vb_file_name_skip(id);
    struct vb_view shown = {id.data + skip, id.length - skip};
    enum vb_status status =
        vb_file_name_append_word(&safe, shown.length > 0 ? shown : VB_VIEW("Unknown"));
    /* "con." is a device. */
    for (size_t i = 0; i < safe.length; i++)
        if (safe.data[i] == '.')
            safe.data[i] = '_';
    if (status == VB_OK)
        status = vb_buffer_append(out, safe.data, safe.length);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '~');
    if (status == VB_OK)
        status = vb_buffer_append(out, hex, SHOWN_HASH);
    vb_buffer_done(&safe);
    return status;
}

/* What browsers and telephones send; others keep the name that they have. */
static const struct {
    const char *type, *extension;
} extensions[] = {
    {"application/json", ".json"}, {"application/pdf", ".pdf"}, {"application/zip", ".zip"},
    {"audio/aac", ".aac"},         {"audio/amr", ".amr"},       {"audio/flac", ".flac"},
    {"audio/mp3", ".mp3"},         {"audio/mp4", ".m4a"},       {"audio/mpeg", ".mp3"},
    {"audio/ogg", ".ogg"},         {"audio/opus", ".opus"},     {"audio/vnd.wave", ".wav"},
    {"audio/wav", ".wav"},         {"audio/wave", ".wav"},      {"audio/webm", ".webm"},
    {"audio/x-wav", ".wav"},       {"image/bmp", ".bmp"},       {"image/gif", ".gif"},
    {"image/heic", ".heic"},       {"image/jpeg", ".jpg"},      {"image/jpg", ".jpg"},
    {"image/png", ".png"},         {"image/svg+xml", ".svg"},   {"image/tiff", ".tiff"},
    {"image/webp", ".webp"},       {"text/csv", ".csv"},        {"text/plain", ".txt"},
    {"text/vcard", ".vcf"},        {"video/3gpp", ".3gp"},      {"video/mp4", ".mp4"},
    {"video/quicktime", ".mov"},   {"video/webm", ".webm"},
};

/* Without regard to case and to parameters, "audio/ogg; codecs=opus". Empty for an unknown type. */
static const char *extension_of_type(struct vb_view type)
{
    size_t length = 0;
    while (length < type.length && type.data[length] != ';' && type.data[length] != ' ')
        length++;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strlen(extensions[i].type) == length &&
            strncasecmp(extensions[i].type, type.data, length) == 0)
            return extensions[i].extension;
    return "";
}

/* Without a name of their own in the list, all sound, pictures and films count as known. */
bool vb_media_type_known(struct vb_view type)
{
    static const char *const kinds[] = {"audio/", "image/", "video/"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (type.length > strlen(kinds[i]) &&
            strncasecmp(type.data, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return *extension_of_type(type) != '\0';
}

/* ASCII alone: extensions in other scripts are part of the name. */
static bool is_letter_or_digit(char c)
{
    return is_plain_byte((char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c)) && c != '_';
}

/* Bytes of the extension with its dot: one to ten letters or digits behind something. 0: none. What
 * stands behind a dot but is longer, or holds other characters, is part of the name. */
static size_t extension_length(struct vb_view name)
{
    size_t length = 0;
    while (length < name.length && length + 1 < EXTENSION_TEXT &&
           is_letter_or_digit(name.data[name.length - 1 - length]))
        length++;
    bool dotted = length > 0 && length + 1 < name.length &&
                  name.data[name.length - 1 - length] == '.' && length + 1 < EXTENSION_TEXT;
    return dotted ? length + 1 : 0;
}

/* Commas join the names in a CSV cell; Windows drops dots and blanks at an end. Length and
 * characters stay, so that a cut made before holds. */
static void smooth(char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (name[i] == ',')
            name[i] = '_';
    for (size_t i = length; i > 0 && (name[i - 1] == '.' || name[i - 1] == ' '); i--)
        name[i - 1] = '_';
}

/* `-<file name>` cut with its extension, or the extension of the type alone. `before`: where this
 * component of the path begins. Its limit keeps the whole path within VB_NAME_CHARACTERS: both
 * folders have at most 6 and PLAIN_ID + 1. */
static enum vb_status append_file(struct vb_buffer *out, struct vb_view file_name,
                                  struct vb_view content_type, size_t before)
{
    size_t taken = out->length - before;
    size_t room = VB_NAME_BYTES - taken;
    size_t units =
        VB_MEDIA_CHARACTERS - vb_file_name_units((struct vb_view){out->data + before, taken});
    char tail[EXTENSION_TEXT + 1];
    size_t own = extension_length(file_name);
    struct vb_view stem = {file_name.data, file_name.length - own}, ending = {tail, own};
    if (own > 0)
        memcpy(tail, file_name.data + stem.length, own);
    else
        ending = vb_view_of(extension_of_type(content_type));
    if (stem.length == 0)
        return vb_buffer_append(out, ending.data, ending.length);
    struct vb_buffer safe;
    vb_buffer_init(&safe, room - 1 - ending.length);
    enum vb_status status = vb_file_name_append(&safe, stem);
    if (status == VB_OK) {
        safe.length = vb_file_name_cut((struct vb_view){safe.data, safe.length}, safe.length,
                                       units - 1 - ending.length);
        smooth(safe.data, safe.length);
        status = vb_buffer_append_byte(out, '-');
    }
    if (status == VB_OK)
        status = vb_buffer_append(out, safe.data, safe.length);
    if (status == VB_OK)
        status = vb_buffer_append(out, ending.data, ending.length);
    vb_buffer_done(&safe);
    return status;
}

/* The parts that tell attachments apart (both ids) are never cut: only the shown file name is. */
enum vb_status vb_media_entry_name(struct vb_view conversation_id, struct vb_view attachment_id,
                                   struct vb_view file_name, struct vb_view content_type,
                                   char ret_name[VB_MEDIA_NAME_BYTES + 1])
{
    struct vb_buffer name;
    /* As a whole: what a cut drops is not looked at below. */
    if (!vb_utf8_valid(file_name))
        return VB_INVALID;
    vb_buffer_init(&name, VB_MEDIA_NAME_BYTES);
    enum vb_status status = vb_buffer_append_text(&name, "media/");
    if (status == VB_OK)
        status = append_id(&name, conversation_id);
    if (status == VB_OK)
        status = vb_buffer_append_byte(&name, '/');
    size_t before = name.length;
    if (status == VB_OK)
        status = append_id(&name, attachment_id);
    if (status == VB_OK)
        status = append_file(&name, file_name, content_type, before);
    if (status == VB_OK)
        memcpy(ret_name, name.data, name.length + 1);
    vb_buffer_done(&name);
    return status;
}
