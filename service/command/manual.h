/* The pages of verbatim manual: text made from the tables of commands and options, so that none can
 * lack one. Private to this folder.
 *
 * Each appends one whole page to `out`; nothing is kept. Pure, any thread; errors are the buffer's.
 */
#ifndef VERBATIM_COMMAND_MANUAL_H
#define VERBATIM_COMMAND_MANUAL_H

#include "command.h"

#include "settings/options_table.h"

/* man_page.c, man_config.c: man(7), which groff and mandoc take. */
enum vb_status vb_manual_page(struct vb_buffer *out) vb_must_check;
enum vb_status vb_manual_config_page(struct vb_buffer *out) vb_must_check;
/* example_config.c: a configuration that says nothing yet, with all that it could say. */
enum vb_status vb_manual_example(struct vb_buffer *out) vb_must_check;
/* completion.c */
enum vb_status vb_manual_bash(struct vb_buffer *out) vb_must_check;
enum vb_status vb_manual_zsh(struct vb_buffer *out) vb_must_check;
enum vb_status vb_manual_fish(struct vb_buffer *out) vb_must_check;

/* --- shared by the pages --- */

/* The head of a page. */
enum vb_status vb_roff_head(struct vb_buffer *out, const char *name,
                            const char *section) vb_must_check;
/* Text of a table: what stands in backquotes becomes bold, and nothing is taken for a request. */
enum vb_status vb_roff_text(struct vb_buffer *out, const char *text) vb_must_check;
/* A word as it is typed, bold, with its hyphens. */
enum vb_status vb_roff_word(struct vb_buffer *out, const char *text) vb_must_check;
/* Whether it is the first command of those that share a first word, and how long that is. */
bool vb_manual_begins_group(size_t at, size_t *ret_length);
/* The words that an option of a few has, NULL ends; NULL for others. */
const char *const *vb_option_words(const struct vb_option *option);
/* Whether its value names a file or a folder. */
bool vb_option_is_path(const struct vb_option *option);

#endif
