/* Pictures of logos; inside the room only.
 *
 * Buffers are the caller's. Any thread. VB_INVALID says which rule is broken, VB_NO_MEMORY.
 */
#ifndef VERBATIM_BRAND_LOGO_H
#define VERBATIM_BRAND_LOGO_H

#include "brand.h"

/* Pixels as PNG has them: red, green, blue, alpha, not multiplied. */
struct vb_logo_picture {
    uint32_t width, height;
    unsigned char *pixels; /* free() */
};

/* Reads row by row and makes it small on the way, so that a picture of any size takes no more
 * memory than two of its rows. */
enum vb_status vb_logo_read_png(struct vb_view file, struct vb_logo_picture *ret_picture,
                                struct vb_error *err) vb_must_check;
enum vb_status vb_logo_write_png(const struct vb_logo_picture *picture, struct vb_buffer *out,
                                 struct vb_error *err) vb_must_check;
/* Refuses what is no plain drawing, by name, then draws it. */
enum vb_status vb_logo_draw_svg(struct vb_view file, struct vb_logo_picture *ret_picture,
                                struct vb_error *err) vb_must_check;

/* The size that a picture is kept in: as it is where it fits, else with its sides' ratio. */
void vb_logo_fit(double width, double height, bool may_grow, uint32_t *ret_width,
                 uint32_t *ret_height);

#endif
