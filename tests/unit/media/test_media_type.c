/* What counts as a medium: by the answer's type, by the platform's word, by the first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "media/type.h"
#include "verbatim/names.h"

#define BYTES(literal) VB_VIEW(literal)

static void first_bytes_tell_the_type(void **state)
{
    (void)state;
    static const struct {
        struct vb_view head;
        const char *type;
    } cases[] = {{BYTES("RIFF\x24\x08\0\0WAVEfmt "), "audio/wav"},
                 {BYTES("RIFF\x24\x08\0\0WEBPVP8 "), "image/webp"},
                 {BYTES("ID3\x03\0"), "audio/mpeg"},
                 {BYTES("\xFF\xFB\x90\x64"), "audio/mpeg"},
                 {BYTES("\xFF\xF3\x44\xC4"), "audio/mpeg"},
                 {BYTES("OggS\0\x02"), "audio/ogg"},
                 {BYTES("fLaC\0"), "audio/flac"},
                 {BYTES("#!AMR\n"), "audio/amr"},
                 {BYTES("\x89PNG\r\n\x1A\n\0"), "image/png"},
                 {BYTES("\xFF\xD8\xFF\xE0"), "image/jpeg"},
                 {BYTES("GIF89a"), "image/gif"},
                 {BYTES("II*\0\x08"), "image/tiff"},
                 {BYTES("\0\0\0\x18"
                        "ftypmp42"),
                  "video/mp4"},
                 {BYTES("\x1A\x45\xDF\xA3\x9F"), "video/webm"},
                 {BYTES("%PDF-1.7"), "application/pdf"},
                 {BYTES("RIFF\x24\x08\0\0AVI LIST"), NULL},
                 {BYTES("\x89PN"), NULL},
                 {BYTES("hello"), NULL},
                 {BYTES(""), NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *type = vb_media_sniff(cases[i].head);
        if (!cases[i].type)
            assert_null(type);
        else
            assert_string_equal(type, cases[i].type);
    }
}

static void expect(const char *answered, const char *declared, struct vb_view head,
                   const char *reason)
{
    struct vb_error err = {0};
    enum vb_status status =
        vb_media_check_type(vb_view_of(answered), vb_view_of(declared), head, &err);
    assert_int_equal(status, reason ? VB_NOT_FOUND : VB_OK);
    if (reason)
        assert_string_equal(err.text, reason);
}

static void what_is_a_medium(void **state)
{
    (void)state;
    const struct vb_view text = VB_VIEW("x,y"), png = VB_VIEW("\x89PNG\r\n\x1A\n");
    static const char unknown[] = "the answer is of no type that is known";
    expect("audio/wav", NULL, text, NULL);
    expect("AUDIO/X-anything; rate=8000", NULL, text, NULL);
    expect("image/png", "audio/wav", text, NULL);
    expect("application/pdf", NULL, text, NULL);
    expect("text/csv; charset=utf-8", NULL, text, NULL);
    expect("audio/", NULL, text, "the answer's type audio/ is none of media");
    expect("text/html", "audio/wav", text, "the answer's type text/html is none of media");
    expect("application/xml", "audio/wav", text,
           "the answer's type application/xml is none of media");
    expect("application/octet-stream", NULL, png, NULL);
    expect("binary/octet-stream", NULL, png, NULL);
    expect(NULL, NULL, png, NULL);
    expect("", "audio/amr-wb", text, NULL);
    expect("application/octet-stream", "audio/amr", text, NULL);
    expect("application/octet-stream", NULL, text, unknown);
    expect("application/octet-stream", "application/x-msdownload", text, unknown);
    expect(NULL, NULL, VB_VIEW(""), unknown);
    expect("\xFF\xFF", NULL, png, "the answer's type  is none of media");
}

/* Whatever they say they are. */
static void pages_are_no_media(void **state)
{
    (void)state;
    static const char page[] = "the answer is a web page";
    expect("audio/wav", "audio/wav", VB_VIEW("<!DOCTYPE html><title>Sign in"), page);
    expect("application/octet-stream", NULL, VB_VIEW("\xEF\xBB\xBF\r\n <HTML>"), page);
    expect("image/png", NULL, VB_VIEW("<script>"), page);
    expect("image/svg+xml", NULL, VB_VIEW("<svg xmlns="), NULL);
}

static void known_types(void **state)
{
    (void)state;
    assert_true(vb_media_type_known(VB_VIEW("text/vcard")));
    assert_true(vb_media_type_known(VB_VIEW("video/x-unheard-of")));
    assert_false(vb_media_type_known(VB_VIEW("text/html")));
    assert_false(vb_media_type_known(VB_VIEW("")));
    assert_false(vb_media_type_known((struct vb_view){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_bytes_tell_the_type),
        cmocka_unit_test(what_is_a_medium),
        cmocka_unit_test(pages_are_no_media),
        cmocka_unit_test(known_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
