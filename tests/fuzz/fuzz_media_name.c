/* A medium's name in the archive: two components, each legal on every file system, whatever the ids
 * and the file name are. The input is cut into four texts at its line feeds. */
#include "fuzz.h"

#include "format/file_name.h"
#include "verbatim/names.h"
#include "verbatim/text.h"

#include <glib.h>
#include <string.h>

static struct vb_view take_line(struct vb_view *rest)
{
    const char *end = rest->length > 0 ? memchr(rest->data, '\n', rest->length) : NULL;
    struct vb_view line = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t step = line.length + (end != NULL);
    rest->data += step;
    rest->length -= step;
    return line;
}

static void check_component(const char *start, size_t length)
{
    struct vb_view view = {start, length};
    MUST(length > 0 && length <= VB_NAME_BYTES && vb_utf8_valid(view));
    MUST(!strchr(". ", start[length - 1]) && g_unichar_isalnum(g_utf8_get_char(start)));
    MUST(!vb_file_name_is_device(view));
    for (size_t i = 0; i < length; i++)
        MUST((unsigned char)start[i] >= 0x20 && !strchr("/\\:*?\"<>|,\x7F", start[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_view rest = fuzz_view(data, size), texts[4];
    char name[VB_MEDIA_NAME_BYTES + 1];
    bool valid = true;
    for (size_t i = 0; i < 4; i++) {
        texts[i] = take_line(&rest);
        valid &= i == 3 || vb_utf8_valid(texts[i]);
    }
    enum vb_status status = vb_media_entry_name(texts[0], texts[1], texts[2], texts[3], name);
    MUST(status == (valid ? VB_OK : VB_INVALID));
    if (!valid)
        return 0;
    MUST(strncmp(name, "media/", 6) == 0);
    size_t units = 0;
    for (struct vb_view left = vb_view_of(name); left.length > 0;)
        units += vb_utf8_next(&left) > 0xFFFF ? 2 : 1;
    MUST(units <= VB_NAME_CHARACTERS);
    MUST(vb_view_of(strrchr(name, '/') + 1).length <= 4 * VB_MEDIA_CHARACTERS);
    const char *folder = name + 6, *slash = strchr(folder, '/');
    MUST(slash);
    check_component(folder, (size_t)(slash - folder));
    check_component(slash + 1, strlen(slash + 1));
    return 0;
}
