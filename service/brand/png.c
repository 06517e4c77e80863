/* PNG by libpng; see logo.h. libpng jumps out of its calls on errors, so that all that has to be
 * freed hangs on one struct, made before the jump's target is set.
 */
#include "logo.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct vb_view rest; /* not yet read */
    struct vb_buffer *out;
    enum vb_status status;
    struct vb_error *err;
    png_structp png;
    png_infop info;
    unsigned char *row;
    uint64_t *sums; /* a row of the small picture: red, green, blue (times alpha), alpha, count */
    struct vb_logo_picture picture;
};
#define SUMS 5u

/* --- libpng's calls --- */

static void on_error(png_structp png, png_const_charp text)
{
    struct work *work = png_get_error_ptr(png);
    if (work->status == VB_OK)
        work->status = vb_fail(work->err, VB_INVALID, "the PNG is broken: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t length)
{
    struct work *work = png_get_io_ptr(png);
    if (length > work->rest.length)
        png_error(png, "it ends too early");
    memcpy(to, work->rest.data, length);
    work->rest.data += length;
    work->rest.length -= length;
}

static void on_write(png_structp png, png_bytep from, size_t length)
{
    struct work *work = png_get_io_ptr(png);
    work->status = vb_buffer_append(work->out, from, length);
    if (work->status != VB_OK)
        png_error(png, "no room");
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* --- reading --- */

/* Judged before a row is read. Whatever the kind of pixels, rows come as 8-bit RGBA. */
static bool judge(struct work *work)
{
    uint32_t width = png_get_image_width(work->png, work->info);
    uint32_t height = png_get_image_height(work->png, work->info);
    if (width > VB_LOGO_PIXELS || height > VB_LOGO_PIXELS)
        work->status =
            vb_fail(work->err, VB_INVALID, "a logo has at most %u x %u pixels, this one %u x %u",
                    VB_LOGO_PIXELS, VB_LOGO_PIXELS, width, height);
    else if (png_get_interlace_type(work->png, work->info) != PNG_INTERLACE_NONE)
        work->status = vb_fail(work->err, VB_INVALID, "a PNG must be saved without interlacing");
    return work->status == VB_OK;
}

static void ask_for_rgba(struct work *work)
{
    png_set_expand(work->png);
    png_set_scale_16(work->png);
    png_set_gray_to_rgb(work->png);
    png_set_add_alpha(work->png, 0xff, PNG_FILLER_AFTER);
    png_read_update_info(work->png, work->info);
}

/* Colours weigh as much as they cover. */
static void add_row(struct work *work, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++) {
        const unsigned char *pixel = work->row + (size_t)x * 4;
        uint64_t *sum = work->sums + SUMS * ((uint64_t)x * work->picture.width / width);
        for (unsigned i = 0; i < 3; i++)
            sum[i] += (uint64_t)pixel[i] * pixel[3];
        sum[3] += pixel[3];
        sum[4]++;
    }
}

static void end_row(struct work *work, uint32_t y)
{
    unsigned char *pixel = work->picture.pixels + (size_t)y * work->picture.width * 4;
    for (uint32_t x = 0; x < work->picture.width; x++, pixel += 4) {
        const uint64_t *sum = work->sums + SUMS * x;
        for (unsigned i = 0; i < 3; i++)
            pixel[i] = (unsigned char)(sum[3] > 0 ? (sum[i] + sum[3] / 2) / sum[3] : 0);
        pixel[3] = (unsigned char)((sum[3] + sum[4] / 2) / sum[4]);
    }
    memset(work->sums, 0, SUMS * sizeof(*work->sums) * work->picture.width);
}

static bool make_room(struct work *work, uint32_t width, uint32_t height)
{
    struct vb_logo_picture *picture = &work->picture;
    vb_logo_fit(width, height, false, &picture->width, &picture->height);
    picture->pixels = calloc((size_t)picture->width * picture->height, 4);
    work->row = calloc(width, 4);
    work->sums = calloc((size_t)picture->width * SUMS, sizeof(*work->sums));
    if (picture->pixels && work->row && work->sums)
        return true;
    work->status = vb_fail(work->err, VB_NO_MEMORY, "no memory for a logo");
    return false;
}

/* Each row of the small picture is made of the rows that fall into it. */
static void read_rows(struct work *work)
{
    uint32_t width = png_get_image_width(work->png, work->info);
    uint32_t height = png_get_image_height(work->png, work->info);
    if (!make_room(work, width, height))
        return;
    for (uint32_t y = 0; y < height; y++) {
        uint64_t small = work->picture.height, into = y * small / height;
        png_read_row(work->png, work->row, NULL);
        add_row(work, width);
        if ((y + 1) * small / height > into)
            end_row(work, (uint32_t)into);
    }
    png_read_end(work->png, NULL);
}

static void read_all(struct work *work)
{
    if (setjmp(png_jmpbuf(work->png)))
        return;
    png_set_read_fn(work->png, work, on_read);
    png_set_user_limits(work->png, 1000000, 1000000); /* judged with words of our own */
    png_read_info(work->png, work->info);
    if (!judge(work))
        return;
    ask_for_rgba(work);
    read_rows(work);
}

enum vb_status vb_logo_read_png(struct vb_view file, struct vb_logo_picture *ret_picture,
                                struct vb_error *err)
{
    struct work work = {.rest = file, .err = err};
    work.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    if (work.info)
        read_all(&work);
    else
        work.status = vb_fail(err, VB_NO_MEMORY, "no memory for a logo");
    png_destroy_read_struct(&work.png, &work.info, NULL);
    free(work.row);
    free(work.sums);
    if (work.status == VB_OK)
        *ret_picture = work.picture;
    else
        free(work.picture.pixels);
    return work.status;
}

/* --- writing --- */

static void write_all(struct work *work)
{
    const struct vb_logo_picture *picture = &work->picture;
    if (setjmp(png_jmpbuf(work->png)))
        return;
    png_set_write_fn(work->png, work, on_write, on_flush);
    png_set_IHDR(work->png, work->info, picture->width, picture->height, 8, PNG_COLOR_TYPE_RGBA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(work->png, work->info);
    for (uint32_t y = 0; y < picture->height; y++)
        png_write_row(work->png, picture->pixels + (size_t)y * picture->width * 4);
    png_write_end(work->png, work->info);
}

enum vb_status vb_logo_write_png(const struct vb_logo_picture *picture, struct vb_buffer *out,
                                 struct vb_error *err)
{
    struct work work = {.out = out, .err = err, .picture = *picture};
    work.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning);
    work.info = work.png ? png_create_info_struct(work.png) : NULL;
    if (work.info)
        write_all(&work);
    else
        work.status = VB_NO_MEMORY;
    png_destroy_write_struct(&work.png, &work.info);
    if (work.status == VB_NO_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a logo");
    return work.status;
}
