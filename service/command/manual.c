/* verbatim manual: pages made from the tables, on standard output. The build makes files of them,
 * which packages install. */
#include "manual.h"

#include <string.h>

#define PAGE_CEILING (1u << 20)

static const struct {
    const char *name;
    enum vb_status (*write)(struct vb_buffer *out);
} pages[] = {
    {"verbatim.1", vb_manual_page},
    {"verbatim.conf.5", vb_manual_config_page},
    {"verbatim.conf", vb_manual_example},
    {"bash", vb_manual_bash},
    {"zsh", vb_manual_zsh},
    {"fish", vb_manual_fish},
};
#define PAGES (sizeof pages / sizeof *pages)

enum vb_status vb_command_manual(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_buffer text;
    size_t page = 0;
    while (page < PAGES && strcmp(pages[page].name, arguments->word) != 0)
        page++;
    if (page == PAGES)
        return vb_fail(err, VB_INVALID,
                       "there is no page \"%.60s\": must be verbatim.1, verbatim.conf.5, "
                       "verbatim.conf, bash, zsh or fish",
                       arguments->word);
    vb_buffer_init(&text, PAGE_CEILING);
    enum vb_status status = pages[page].write(&text);
    status = status == VB_OK ? vb_command_print(text.data, err)
                             : vb_fail(err, status, "no memory for the page");
    vb_buffer_done(&text);
    return status;
}
