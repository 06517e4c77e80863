/* A specification: either a value whose canonical form reads back to itself, or a list of errors;
 * both JSON. */
#include "fuzz.h"

#include "specification/specification.h"

#include <jansson.h>
#include <string.h>

static void must_be_json(const struct vb_buffer *text)
{
    json_t *parsed = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, NULL);
    MUST(parsed);
    json_decref(parsed);
}

static void must_read_back(const struct vb_specification *specification)
{
    struct vb_specification again;
    struct vb_buffer first, second;
    vb_buffer_init(&first, 1u << 22);
    vb_buffer_init(&second, 1u << 22);
    MUST(vb_specification_write(specification, true, &first) == VB_OK);
    must_be_json(&first);
    MUST(vb_specification_read((struct vb_view){first.data, first.length}, &again, NULL) == VB_OK);
    MUST(vb_specification_write(&again, true, &second) == VB_OK);
    MUST(strcmp(first.data, second.data) == 0);
    vb_specification_done(&again);
    vb_buffer_done(&first);
    vb_buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_specification specification;
    struct vb_problems problems;
    enum vb_status status =
        vb_specification_parse(fuzz_view(data, size), &specification, &problems);
    if (status == VB_OK) {
        MUST(problems.count == 0);
        MUST(vb_specification_renderer(&specification));
        MUST(!specification.audience.items && !specification.contact_ids.items);
        must_read_back(&specification);
        vb_specification_done(&specification);
    } else if (status == VB_INVALID) {
        struct vb_buffer out;
        struct vb_json json;
        vb_buffer_init(&out, 1u << 22);
        vb_json_init(&json, &out);
        MUST(problems.count > 0);
        vb_problems_put(&json, &problems);
        MUST(vb_json_status(&json) == VB_OK);
        must_be_json(&out);
        vb_buffer_done(&out);
    }
    vb_problems_done(&problems);
    return 0;
}
