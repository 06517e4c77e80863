/* Entry names out of any contact and channel: short enough, UTF-8, no path, nothing a file system
 * refuses. */
#include "fuzz.h"

#include "verbatim/names.h"
#include "verbatim/text.h"

#include <glib.h>
#include <string.h>

static void must_be_safe(const char *name, const char *extension)
{
    size_t length = strlen(name), tail = strlen(extension);
    MUST(length <= VB_NAME_BYTES && length > tail);
    MUST(strcmp(name + length - tail, extension) == 0);
    MUST(vb_utf8_valid(vb_view_of(name)));
    MUST(!strpbrk(name, "/\\:*?\"<>|"));
    size_t units = 0;
    struct vb_view rest = vb_view_of(name);
    MUST(g_unichar_isalnum(g_utf8_get_char(name)));
    while (rest.length > 0)
        units += vb_utf8_next(&rest) > 0xFFFF ? 2 : 1;
    MUST(units <= VB_NAME_CHARACTERS);
    for (const char *at = name; *at; at++)
        MUST((unsigned char)*at >= 0x20 && *at != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t cut = 2 + data[0] % (size - 1);
    struct vb_view contact = fuzz_view(data + 2, cut > 2 ? cut - 2 : 0);
    struct vb_channel channel = {.id = VB_VIEW("1"), .name = fuzz_view(data + cut, size - cut)};
    struct vb_zone *zone = NULL;
    struct vb_namer *namer = NULL;
    struct vb_error err;
    char name[VB_NAME_BYTES + 1];
    MUST(vb_zone_new("Europe/Berlin", &zone, &err) == VB_OK);
    if (vb_namer_new(zone, channel, ".csv", &namer, &err) != VB_OK) {
        MUST(!vb_utf8_valid(channel.name));
        vb_zone_free(zone);
        return 0;
    }
    struct vb_conversation conversation = {.id = VB_VIEW("7"),
                                           .created_at = data[1] * VB_SECOND,
                                           .contact_name = contact,
                                           .ordinal_in_second = 1,
                                           .count_in_second = 2};
    if (vb_namer_entry(namer, &conversation, name, &err) == VB_OK) {
        char second[VB_NAME_BYTES + 1];
        must_be_safe(name, ".csv");
        conversation.ordinal_in_second = 2;
        MUST(vb_namer_entry(namer, &conversation, second, &err) == VB_OK);
        must_be_safe(second, ".csv");
        MUST(strcmp(name, second) != 0);
    }
    vb_namer_free(namer);
    vb_zone_free(zone);
    return 0;
}
