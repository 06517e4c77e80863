/* The body of a POST: either checked values that make a valid specification, or a list of errors;
 * both JSON. */
#include "fuzz.h"

#include "specification/request.h"
#include "verbatim/text.h"

#include <jansson.h>

static void must_be_json(const struct vb_buffer *text)
{
    json_t *parsed = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, NULL);
    MUST(parsed);
    json_decref(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_export_request request;
    struct vb_specification specification;
    struct vb_problems problems, none;
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 22);
    enum vb_status status = vb_export_request_parse(fuzz_view(data, size), &request, &problems);
    if (status == VB_OK) {
        MUST((request.channel_id == NULL) != (request.phone_number == NULL));
        MUST(vb_date_compare(request.start, request.end) <= 0);
        MUST(vb_export_request_specification(&request, &specification, &none) == VB_OK);
        MUST(vb_specification_write(&specification, true, &out) == VB_OK);
        must_be_json(&out);
        vb_specification_done(&specification);
        vb_problems_done(&none);
        vb_export_request_done(&request);
    } else if (status == VB_INVALID) {
        struct vb_json json;
        vb_json_init(&json, &out);
        vb_problems_put(&json, &problems);
        MUST(vb_json_status(&json) == VB_OK);
        must_be_json(&out);
    }
    vb_problems_done(&problems);
    vb_buffer_done(&out);
    return 0;
}
