/* How a workspace's documents look: name, colour, logo, footer.
 *
 * A plain value of views, owned by whoever filled it; readers borrow it. Any thread, while nobody
 * changes it. Nothing here can fail. What a brand may hold is checked where it is set; a reader may
 * rely on valid UTF-8 without controls, and on a small PNG that this program wrote itself.
 */
#ifndef VERBATIM_BRAND_H
#define VERBATIM_BRAND_H

#include "verbatim/buffer.h"

struct vb_brand {
    struct vb_view name, footer; /* NULL: none */
    bool has_color;
    uint32_t color;      /* 0xRRGGBB */
    struct vb_view logo; /* a PNG; NULL: none */
};

#endif
