/* What people write, as a transcript: refused as not being UTF-8, or a document that is whole. */
#include "fuzz.h"

#include "verbatim/pdf.h"
#include "verbatim/text.h"

#include <string.h>

static void make_document(struct vb_pdf *pdf, struct vb_view text, struct vb_buffer *out)
{
    const struct vb_pdf_head head = {.title = text, .about = text};
    struct vb_error err = {0};
    MUST(vb_pdf_open(pdf, &head, out, &err) == VB_OK);
    MUST(vb_pdf_add_heading(pdf, VB_PDF_DAY, text, out) == VB_OK);
    MUST(vb_pdf_begin_entry(pdf, VB_PDF_AGENT, text, text, out) == VB_OK);
    MUST(vb_pdf_add_text(pdf, text, out) == VB_OK);
    MUST(vb_pdf_add_link(pdf, text, text, out) == VB_OK);
    MUST(vb_pdf_end_entry(pdf, out) == VB_OK);
    MUST(vb_pdf_close(pdf, out) == VB_OK);
    MUST(out->length > 100 && memcmp(out->data, "%PDF-", 5) == 0);
    MUST(memcmp(out->data + out->length - 6, "%%EOF\n", 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vb_pdf *pdf;
    const struct vb_view text = fuzz_view(data, size);
    struct vb_error err = {0};
    struct vb_buffer out;
    vb_buffer_init(&out, 64u << 20);
    if (!pdf)
        MUST(vb_pdf_new(VB_PDF_FONTS, NULL, &pdf, &err) == VB_OK);
    const struct vb_pdf_head head = {.title = text, .about = text};
    if (vb_utf8_valid(text))
        make_document(pdf, text, &out);
    else
        MUST(vb_pdf_open(pdf, &head, &out, &err) == VB_SOURCE);
    vb_buffer_done(&out);
    return 0;
}
