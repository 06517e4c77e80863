/* An archive's contents and names are anybody's: however they are cut the answer is the same, and
 * of JSON it is a library's. */
#include "fuzz.h"

#include "verify/content.h"

#include <jansson.h>
#include <string.h>

static void judge(enum vb_content_kind kind, struct vb_view text, size_t step,
                  struct vb_content *content)
{
    vb_content_begin(content, kind);
    for (size_t done = 0; done < text.length; done += step)
        vb_content_feed(content, text.data + done,
                        text.length - done < step ? text.length - done : step);
    vb_content_end(content);
}

/* A library refuses more: depth, numbers that overflow, lone surrogates, NULs in names. A NUL
 * behind the value it takes for the end. */
static void compare(struct vb_view text, const struct vb_content *content)
{
    json_error_t error;
    if (memchr(text.data, '\0', text.length))
        return;
    json_t *parsed = json_loadb(text.data, text.length,
                                JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (parsed)
        MUST(!*content->problem || content->json.depth == VB_JSON_DEPTH);
    json_decref(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct vb_view text = fuzz_view(data + 2, size - 2);
    enum vb_content_kind kind = (enum vb_content_kind)(data[0] % (VB_CONTENT_UNKNOWN + 1));
    struct vb_content whole, pieces;
    char problem[160];
    judge(kind, text, text.length + 1, &whole);
    judge(kind, text, 1 + data[1] % 50, &pieces);
    MUST(strcmp(whole.problem, pieces.problem) == 0);
    MUST(whole.size == text.length && pieces.size == text.length);
    MUST(*whole.problem || whole.items == pieces.items);
    if (kind == VB_CONTENT_JSON)
        compare(text, &whole);
    vb_entry_name_judge(text, problem);
    (void)vb_content_kind_of(text);
    return 0;
}
