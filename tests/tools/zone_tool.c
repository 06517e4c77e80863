/* For each zone named on standard input, one a line: its name, its text, and its changes of offset
 * from 1970 to 2100 as seconds:offset, in three columns parted by tabs. What is refused has the
 * reason in the second column. The changes are those of a zone read back from the text. */
#include "verbatim/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END (INT64_C(4102444800) * VB_SECOND) /* 2100-01-01 */

static void must(enum vb_status status, const char *what)
{
    if (status == VB_OK)
        return;
    fprintf(stderr, "zone_tool: %s: %s\n", what, vb_status_name(status));
    exit(1);
}

static void print_changes(struct vb_zone *zone)
{
    struct vb_offset_change *changes = NULL;
    size_t count = 0;
    must(vb_zone_changes(zone, END - 1, &changes, &count), "changes");
    for (size_t i = 0; i < count; i++)
        printf("%s%" PRId64 ":%d", i > 0 ? " " : "", changes[i].at / VB_SECOND, changes[i].offset);
    free(changes);
}

static void print_zone(const char *name)
{
    struct vb_zone *zone = NULL, *again = NULL;
    struct vb_buffer text;
    struct vb_error err = {0};
    if (vb_zone_new(name, &zone, &err) != VB_OK) {
        printf("%s\t%s\t\n", name, err.text);
        return;
    }
    vb_buffer_init(&text, 1u << 16);
    must(vb_zone_write(zone, &text), name);
    must(vb_zone_read((struct vb_view){text.data, text.length}, &again, &err), name);
    printf("%s\t%s\t", name, text.data);
    print_changes(again);
    printf("\n");
    vb_buffer_done(&text);
    vb_zone_free(zone);
    vb_zone_free(again);
}

int main(void)
{
    char name[256];
    while (fgets(name, sizeof name, stdin)) {
        name[strcspn(name, "\n")] = '\0';
        print_zone(name);
    }
    return 0;
}
