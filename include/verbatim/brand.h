/* How a workspace's documents look: name, colour, logo, footer.
 *
 * A plain value of views, owned by whoever filled it; readers borrow it. Any thread, while nobody
 * changes it. Nothing here can fail. What a brand may hold is checked where it is set; a reader may
 * rely on valid UTF-8 without controls, and on a logo that one of its kind's readers accepted.
 */
#ifndef VERBATIM_BRAND_H
#define VERBATIM_BRAND_H

#include "verbatim/buffer.h"

enum vb_logo_kind { VB_LOGO_NONE, VB_LOGO_PNG, VB_LOGO_SVG };

struct vb_brand {
    struct vb_view name, footer; /* NULL: none */
    bool has_color;
    uint32_t color; /* 0xRRGGBB */
    enum vb_logo_kind logo_kind;
    struct vb_view logo; /* the bytes of the file */
};

#endif
