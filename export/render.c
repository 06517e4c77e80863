/* The table of formats, and the names of the CSV profiles. Adding a format: its file, its row. */
#include "renderers.h"

static const struct vb_renderer *const renderers[] = {
    &vb_csv_renderer,
    NULL,
};

const struct vb_renderer *vb_renderer_find(struct vb_view name)
{
    for (size_t i = 0; renderers[i]; i++)
        if (vb_view_equals(name, vb_view_of(renderers[i]->name)))
            return renderers[i];
    return NULL;
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

const char *vb_csv_profile_name(enum vb_csv_profile profile)
{
    return profiles[profile];
}
