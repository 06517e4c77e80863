/* The statistics of an export, for people; see html.h. */
#include "html.h"

enum vb_status vb_html_summary(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    (void)statistics;
    return vb_buffer_append_text(out, "");
}
