/* The table of formats, and the names of the CSV profiles. Adding a format: its file, its row.
 *
 * The order counts: the first row of a format is the one that serves where no layout is asked for.
 * Everything about a format that others ask (extension, content type, columns) is in its own file,
 * so nobody else has a list of formats.
 */
#include "renderers.h"

#include <stdlib.h>
#include <string.h>

static const struct vb_renderer *const renderers[] = {
    &vb_csv_renderer,
    &vb_csv_conversations_renderer,
    &vb_csv_leads_renderer,
    &vb_xlsx_renderer,
    &vb_xlsx_conversations_renderer,
    &vb_xlsx_leads_renderer,
    &vb_json_renderer,
    &vb_turns_renderer,
    &vb_ndjson_renderer,
    &vb_html_renderer,
    &vb_pdf_renderer,
    NULL,
};

/* Words are compared with their case. JSON's first row has no layout, so asking for one finds its
 * namesake or nothing. */
const struct vb_renderer *vb_renderer_find(struct vb_view format, struct vb_view layout)
{
    for (size_t i = 0; renderers[i]; i++) {
        const char *own = renderers[i]->layout;
        if (vb_view_equals(format, vb_view_of(renderers[i]->format)) &&
            (!layout.data || (own && vb_view_equals(layout, vb_view_of(own)))))
            return renderers[i];
    }
    return NULL;
}

/* By the last extension; .zip, and whatever is none of ours, is an archive. */
const char *vb_content_type_of(const char *file_name)
{
    const char *dot = strrchr(file_name, '.');
    for (size_t i = 0; dot && renderers[i]; i++)
        if (strcmp(dot, renderers[i]->extension) == 0)
            return renderers[i]->content_type;
    return "application/zip";
}

/* By the bits of enum vb_include, from the lowest. */
const char *const vb_include_names[VB_INCLUDE_COUNT] = {
    "messages",  "customer", "tags",    "notes",        "events",    "skills",
    "citations", "media",    "deleted", "participants", "reactions", "revisions",
};

/* Nothing is allocated before a text has to be kept. */
void vb_render_state_init(struct vb_render_state *state)
{
    *state = (struct vb_render_state){0};
    vb_buffer_init(&state->first, VB_ROW_CEILING);
    vb_buffer_init(&state->last, VB_ROW_CEILING);
}

void vb_render_state_done(struct vb_render_state *state)
{
    vb_buffer_done(&state->first);
    vb_buffer_done(&state->last);
    if (state->document)
        state->document_free(state->document);
    state->document = NULL;
    free(state->recent);
    state->recent = NULL;
}

static const char *const profiles[] = {
    [VB_CSV_SAFE] = "safe",
    [VB_CSV_EXCEL] = "excel",
    [VB_CSV_RAW] = "raw",
};

enum vb_status vb_csv_profile_parse(struct vb_view text, enum vb_csv_profile *ret_profile)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (vb_view_equals(text, vb_view_of(profiles[i]))) {
            *ret_profile = (enum vb_csv_profile)i;
            return VB_OK;
        }
    return VB_INVALID;
}

static const char *const quotes[] = {
    [VB_CSV_QUOTE_MINIMAL] = "minimal",
    [VB_CSV_QUOTE_ALL] = "all",
};

enum vb_status vb_csv_quote_parse(struct vb_view text, enum vb_csv_quote *ret_quote)
{
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
        if (vb_view_equals(text, vb_view_of(quotes[i]))) {
            *ret_quote = (enum vb_csv_quote)i;
            return VB_OK;
        }
    return VB_INVALID;
}

enum vb_status vb_csv_delimiter_parse(struct vb_view text, char *ret_delimiter)
{
    static const char delimiters[] = {',', ';', '\t'};
    if (text.length != 1 || !memchr(delimiters, *text.data, sizeof delimiters))
        return VB_INVALID;
    *ret_delimiter = *text.data;
    return VB_OK;
}
