/* The body of a POST: either checked values that make a valid specification, or a list of errors; both JSON. */
#include "fuzz.h"

#include "verbatim/export_request.h"
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
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 22);
    enum vb_status status = vb_export_request_parse(fuzz_view(data, size), &request, &out);
    if (status == VB_OK) {
        MUST((request.channel_id == NULL) != (request.phone_number == NULL));
        MUST(vb_date_compare(request.start, request.end) <= 0);
        vb_buffer_reset(&out);
        MUST(vb_export_request_specification(&request, "safe", &out) == VB_OK);
        must_be_json(&out);
        vb_export_request_done(&request);
    } else if (status == VB_INVALID) {
        must_be_json(&out);
    }
    vb_buffer_done(&out);
    return 0;
}
