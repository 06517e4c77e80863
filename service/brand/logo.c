/* A logo's file to the picture that is kept; see brand.h. */
#include "logo.h"

#include <stdlib.h>
#include <string.h>

static const char png_start[] = "\x89PNG\r\n\x1a\n";

void vb_logo_fit(double width, double height, bool may_grow, uint32_t *ret_width,
                 uint32_t *ret_height)
{
    double scale = VB_LOGO_WIDTH / width;
    if (VB_LOGO_HEIGHT / height < scale)
        scale = VB_LOGO_HEIGHT / height;
    if (scale > 1 && !may_grow)
        scale = 1;
    *ret_width = (uint32_t)(width * scale + 0.5);
    *ret_height = (uint32_t)(height * scale + 0.5);
    if (*ret_width == 0)
        *ret_width = 1;
    if (*ret_height == 0)
        *ret_height = 1;
}

/* Blanks and a mark of byte order may come before the first `<`. */
static bool looks_like_markup(struct vb_view file)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (file.length >= 3 && memcmp(file.data, mark, 3) == 0)
        file = (struct vb_view){file.data + 3, file.length - 3};
    file = vb_view_trim(file, " \t\r\n");
    return file.length > 0 && file.data[0] == '<';
}

enum vb_status vb_brand_take_logo(struct vb_view file, struct vb_buffer *ret_png,
                                  struct vb_error *err)
{
    struct vb_logo_picture picture = {0};
    enum vb_status status = VB_OK;
    if (file.length > VB_LOGO_BYTES)
        return vb_fail(err, VB_INVALID, "a logo has at most 1 MiB");
    if (file.length >= 8 && memcmp(file.data, png_start, 8) == 0)
        status = vb_logo_read_png(file, &picture, err);
    else if (looks_like_markup(file))
        status = vb_logo_draw_svg(file, &picture, err);
    else
        return vb_fail(err, VB_INVALID, "a logo must be a PNG or an SVG");
    if (status == VB_OK)
        status = vb_logo_write_png(&picture, ret_png, err);
    free(picture.pixels);
    return status;
}
