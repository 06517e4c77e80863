/* Head and body of a request: the verdict must not depend on how the bytes arrive. */
#include "fuzz.h"

#include "http/body.h"

#include <string.h>

struct verdict {
    enum vb_status head, body;
    size_t head_length, body_used;
    struct vb_buffer decoded;
};

/* Finds the end of the head with `step` more bytes at each look. */
static enum vb_status scan(struct vb_view bytes, size_t step, size_t *ret_length)
{
    struct vb_http_scan state = {0};
    struct vb_http_refusal refusal;
    enum vb_status status = VB_AGAIN;
    for (size_t have = 0; have < bytes.length && status == VB_AGAIN;) {
        have = bytes.length - have < step ? bytes.length : have + step;
        status =
            vb_http_head_scan(&state, (struct vb_view){bytes.data, have}, ret_length, &refusal);
    }
    return status;
}

static void take_body(const struct vb_http_head *head, struct vb_view bytes, size_t step,
                      struct verdict *verdict)
{
    struct vb_http_body body;
    struct vb_http_refusal refusal;
    vb_http_body_init(&body, head);
    verdict->body = VB_AGAIN;
    size_t have = 0;
    do {
        have = bytes.length - have < step ? bytes.length : have + step;
        size_t used = 0;
        struct vb_view rest = {bytes.data + verdict->body_used, have - verdict->body_used};
        verdict->body = vb_http_body_feed(&body, rest, &verdict->decoded, &used, &refusal);
        MUST(used <= rest.length);
        verdict->body_used += used;
    } while (verdict->body == VB_AGAIN && have < bytes.length);
}

static struct verdict judge(struct vb_view bytes, size_t step)
{
    struct verdict verdict = {.head = VB_AGAIN, .body = VB_AGAIN};
    struct vb_http_head head;
    struct vb_http_refusal refusal;
    vb_buffer_init(&verdict.decoded, VB_HTTP_BODY);
    verdict.head = scan(bytes, step, &verdict.head_length);
    if (verdict.head != VB_OK)
        return verdict;
    MUST(verdict.head_length <= bytes.length && verdict.head_length <= VB_HTTP_HEAD);
    verdict.head =
        vb_http_head_parse((struct vb_view){bytes.data, verdict.head_length}, &head, &refusal);
    if (verdict.head != VB_OK)
        return verdict;
    MUST(!(head.chunked && head.has_length));
    MUST(head.path.length > 0 && (head.path.data[0] == '/' || head.path.data[0] == '*'));
    take_body(
        &head,
        (struct vb_view){bytes.data + verdict.head_length, bytes.length - verdict.head_length},
        step, &verdict);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct verdict whole = judge(fuzz_view(data + 1, size - 1), SIZE_MAX);
    struct verdict sliced = judge(fuzz_view(data + 1, size - 1), 1u + data[0] % 16u);
    MUST((whole.head == VB_OK) == (sliced.head == VB_OK)); /* a refusal may come earlier or later */
    if (whole.head == VB_OK) {
        MUST(whole.head_length == sliced.head_length && whole.body == sliced.body);
        MUST(whole.decoded.length <= VB_HTTP_BODY);
        if (whole.body == VB_OK) {
            MUST(whole.body_used == sliced.body_used);
            MUST(whole.decoded.length == sliced.decoded.length);
            MUST(whole.decoded.length == 0 ||
                 memcmp(whole.decoded.data, sliced.decoded.data, whole.decoded.length) == 0);
        }
    }
    vb_buffer_done(&whole.decoded);
    vb_buffer_done(&sliced.decoded);
    return 0;
}
