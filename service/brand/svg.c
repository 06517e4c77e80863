/* SVG: what a logo may hold, by expat, and the drawing, by librsvg; see logo.h.
 *
 * A logo is a drawing that means the same everywhere. So it holds nothing that runs, that comes
 * from elsewhere, or that depends on the machine's fonts; and nothing that makes much of little, so
 * that drawing it takes no time worth a thought.
 */
#include "logo.h"

#include <dlfcn.h>
#include <expat.h>
#include <librsvg/rsvg.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENTS 5000u
#define DEPTH 64u
#define REPEATS 20u /* of elements that repeat others: twenty cannot make a million */

static const struct {
    const char *element, *reason;
} refused[] = {
    {"script", "an SVG with a script is refused"},
    {"foreignObject", "an SVG with other documents in it (foreignObject) is refused"},
    {"image", "an SVG with pictures in it (image) is refused"},
    {"feImage", "an SVG with pictures in it (feImage) is refused"},
    {"filter", "an SVG with filters is refused"},
    {"text", "an SVG with text is refused, since fonts differ: turn the text into paths"},
    {"iframe", "an SVG with other documents in it (iframe) is refused"},
};
static const char *const repeating[] = {"use", "pattern", "mask", "marker", "clipPath", NULL};

struct check {
    XML_Parser parser;
    enum vb_status status;
    struct vb_error *err;
    unsigned elements, depth, repeats;
    bool in_style;
    struct vb_buffer style; /* of the open <style> */
};

static void refuse(struct check *check, const char *reason)
{
    if (check->status == VB_OK)
        check->status = vb_fail(check->err, VB_INVALID, "%s", reason);
    XML_StopParser(check->parser, XML_FALSE);
}

/* Without the prefix of its namespace. */
static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

/* References of style sheets go by url(...) and @import; only those into the drawing itself are
 * good. Escapes could hide such words. */
static bool has_outside_style(const char *text)
{
    if (strchr(text, '\\') || strcasestr(text, "@import"))
        return true;
    for (const char *at = text; (at = strcasestr(at, "url("));) {
        at += strlen("url(");
        at += strspn(at, " \t\r\n\"'");
        if (*at != '#')
            return true;
    }
    return false;
}

static void check_attribute(struct check *check, const char *name, const char *value)
{
    const char *local = local_name(name);
    if (strncasecmp(local, "on", 2) == 0)
        refuse(check, "an SVG with a script (an attribute on...) is refused");
    else if (strcasecmp(local, "href") == 0 && value[strspn(value, " \t\r\n")] != '#')
        refuse(check, "an SVG that refers to something outside of itself (href) is refused");
    else if (strcasecmp(local, "base") == 0 && local != name)
        refuse(check, "an SVG that refers to something outside of itself (xml:base) is refused");
    else if (has_outside_style(value))
        refuse(check, "an SVG that refers to something outside of itself (url) is refused");
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct check *check = context;
    const char *local = local_name(name);
    if (check->in_style) /* or what stands behind it in the style sheet would not be looked at */
        refuse(check, "an SVG with elements in a style sheet is refused");
    if (check->elements == 0 && strcmp(local, "svg") != 0)
        refuse(check, "a logo must be a PNG or an SVG");
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        if (strcasecmp(local, refused[i].element) == 0)
            refuse(check, refused[i].reason);
    for (size_t i = 0; repeating[i]; i++)
        if (strcasecmp(local, repeating[i]) == 0 && ++check->repeats > REPEATS)
            refuse(check, "an SVG with more than 20 of use, pattern, mask, marker and clipPath is "
                          "refused");
    if (++check->elements > ELEMENTS || ++check->depth > DEPTH)
        refuse(check, "an SVG with more than 5,000 elements, or 64 inside each other, is refused");
    for (size_t i = 0; attributes[i]; i += 2)
        check_attribute(check, attributes[i], attributes[i + 1]);
    check->in_style = strcasecmp(local, "style") == 0;
    vb_buffer_reset(&check->style);
}

static void on_text(void *context, const XML_Char *text, int length)
{
    struct check *check = context;
    if (check->in_style && vb_buffer_append(&check->style, text, (size_t)length) != VB_OK)
        refuse(check, "an SVG with so long a style sheet is refused");
}

static void on_end(void *context, const XML_Char *name)
{
    struct check *check = context;
    (void)name;
    check->depth--;
    if (check->in_style && check->style.data && has_outside_style(check->style.data))
        refuse(check, "an SVG that refers to something outside of itself (style) is refused");
    check->in_style = false;
}

/* Entities can make much of little, and bring files in. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id;
    if (has_internal_subset)
        refuse(context, "an SVG with a document type of its own (entities) is refused");
}

static void on_instruction(void *context, const XML_Char *target, const XML_Char *data)
{
    (void)data;
    if (strcasecmp(target, "xml-stylesheet") == 0)
        refuse(context,
               "an SVG that refers to something outside of itself (xml-stylesheet) is refused");
}

static enum vb_status check_drawing(struct vb_view file, struct vb_error *err)
{
    struct check check = {.parser = XML_ParserCreate(NULL), .err = err};
    if (!check.parser)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a logo");
    vb_buffer_init(&check.style, VB_LOGO_BYTES);
    XML_SetUserData(check.parser, &check);
    XML_SetElementHandler(check.parser, on_start, on_end);
    XML_SetCharacterDataHandler(check.parser, on_text);
    XML_SetStartDoctypeDeclHandler(check.parser, on_doctype);
    XML_SetProcessingInstructionHandler(check.parser, on_instruction);
    if (XML_Parse(check.parser, file.data, (int)file.length, 1) != XML_STATUS_OK &&
        check.status == VB_OK)
        check.status = vb_fail(err, VB_INVALID, "the SVG is broken at line %lu: %s",
                               XML_GetCurrentLineNumber(check.parser),
                               XML_ErrorString(XML_GetErrorCode(check.parser)));
    XML_ParserFree(check.parser);
    vb_buffer_done(&check.style);
    return check.status;
}

/* --- the drawing --- */

/* librsvg is loaded when the first SVG is drawn: linked, it would cost each process 4 MiB, and
 * almost none ever draws one. It stays then. */
struct rsvg {
    __typeof__(rsvg_handle_new_from_data) *open;
    __typeof__(rsvg_handle_get_intrinsic_size_in_pixels) *size;
    __typeof__(rsvg_handle_get_intrinsic_dimensions) *dimensions;
    __typeof__(rsvg_handle_render_document) *render;
};

static enum vb_status load(struct rsvg *ret_rsvg, struct vb_error *err)
{
    static const char *const names[] = {
        "rsvg_handle_new_from_data", "rsvg_handle_get_intrinsic_size_in_pixels",
        "rsvg_handle_get_intrinsic_dimensions", "rsvg_handle_render_document"};
    void *library = dlopen("librsvg-2.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *found[sizeof(names) / sizeof(*names)] = {0};
    bool is_whole = library;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && is_whole; i++)
        is_whole = (found[i] = dlsym(library, names[i]));
    if (library)
        dlclose(library);
    if (!is_whole)
        return vb_fail(
            err, VB_INVALID,
            "an SVG needs librsvg: install the Debian package librsvg2-2, or give a PNG");
    _Static_assert(sizeof(*ret_rsvg) == sizeof(found), "a function for each name");
    memcpy(ret_rsvg, found, sizeof(found));
    return VB_OK;
}

/* Its own size, or its box where it has none. */
static bool find_size(const struct rsvg *rsvg, RsvgHandle *handle, double *ret_width,
                      double *ret_height)
{
    gboolean has_width, has_height, has_box;
    RsvgLength width, height;
    RsvgRectangle box;
    if (rsvg->size(handle, ret_width, ret_height))
        return *ret_width > 0 && *ret_height > 0;
    rsvg->dimensions(handle, &has_width, &width, &has_height, &height, &has_box, &box);
    *ret_width = box.width;
    *ret_height = box.height;
    return has_box && box.width > 0 && box.height > 0;
}

/* cairo's pixels are words, multiplied by alpha. */
static void take_pixels(cairo_surface_t *surface, struct vb_logo_picture *picture)
{
    const unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (uint32_t y = 0; y < picture->height; y++)
        for (uint32_t x = 0; x < picture->width; x++) {
            uint32_t word;
            unsigned char *to = picture->pixels + ((size_t)y * picture->width + x) * 4;
            memcpy(&word, data + (size_t)y * (size_t)stride + (size_t)x * 4, 4);
            uint32_t alpha = word >> 24;
            for (unsigned i = 0; i < 3; i++)
                to[i] =
                    (unsigned char)(alpha > 0
                                        ? ((word >> (16 - 8 * i) & 255) * 255 + alpha / 2) / alpha
                                        : 0);
            to[3] = (unsigned char)alpha;
        }
}

static enum vb_status draw(const struct rsvg *rsvg, RsvgHandle *handle,
                           struct vb_logo_picture *picture, struct vb_error *err)
{
    const RsvgRectangle whole = {0, 0, picture->width, picture->height};
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)picture->width, (int)picture->height);
    cairo_t *cairo = cairo_create(surface);
    GError *error = NULL;
    enum vb_status status = VB_OK;
    if (!rsvg->render(handle, cairo, &whole, &error))
        status = vb_fail(err, VB_INVALID, "the SVG cannot be drawn: %s", error->message);
    g_clear_error(&error);
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    picture->pixels = calloc((size_t)picture->width * picture->height, 4);
    if (status == VB_OK &&
        (!picture->pixels || cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS))
        status = vb_fail(err, VB_NO_MEMORY, "no memory for a logo");
    if (status == VB_OK)
        take_pixels(surface, picture);
    cairo_surface_destroy(surface);
    return status;
}

static enum vb_status draw_file(struct vb_view file, struct vb_logo_picture *picture,
                                struct vb_error *err)
{
    GError *error = NULL;
    double width, height;
    struct rsvg rsvg = {0};
    if (load(&rsvg, err) != VB_OK)
        return VB_INVALID;
    RsvgHandle *handle = rsvg.open((const guint8 *)file.data, file.length, &error);
    if (!handle) {
        enum vb_status status = vb_fail(err, VB_INVALID, "the SVG is broken: %s", error->message);
        g_clear_error(&error);
        return status;
    }
    enum vb_status status = VB_OK;
    if (!find_size(&rsvg, handle, &width, &height))
        status = vb_fail(err, VB_INVALID, "an SVG needs a width and a height, or a viewBox");
    else if (width / height > 1000 || height / width > 1000)
        status = vb_fail(err, VB_INVALID, "a logo's sides may differ by 1000 times at most");
    if (status == VB_OK) {
        vb_logo_fit(width, height, true, &picture->width, &picture->height);
        status = draw(&rsvg, handle, picture, err);
    }
    g_object_unref(handle);
    return status;
}

enum vb_status vb_logo_draw_svg(struct vb_view file, struct vb_logo_picture *ret_picture,
                                struct vb_error *err)
{
    struct vb_logo_picture picture = {0};
    enum vb_status status = check_drawing(file, err);
    if (status == VB_OK)
        status = draw_file(file, &picture, err);
    if (status == VB_OK)
        *ret_picture = picture;
    else
        free(picture.pixels);
    return status;
}
