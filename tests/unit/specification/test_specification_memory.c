/* Every allocation of reading what is asked for fails once, jansson's as well: no client is told
 * that its body is wrong because our memory was short, and no value loses a byte. */
#include "memory.h"

#include "specification/request.h"
#include "specification/specification.h"

#include <string.h>

/* Longer than what jansson first has room for. */
#define LONG "a-conversation-id-that-is-longer-than-the-first-room-of-a-string-and-the-second-one"

static struct vb_problems problems;

static enum vb_status parse(void *context)
{
    struct vb_specification found;
    enum vb_status status = vb_specification_parse(vb_view_of(context), &found, &problems);
    if (status == VB_OK) {
        assert_int_equal(found.conversation_ids.count, 2);
        assert_string_equal(found.conversation_ids.items[0], LONG);
        vb_specification_done(&found);
    }
    vb_problems_done(&problems);
    return status;
}

static enum vb_status read_stored(void *context)
{
    struct vb_specification found;
    enum vb_status status = vb_specification_read(vb_view_of(context), &found, NULL);
    if (status == VB_OK)
        vb_specification_done(&found);
    return status;
}

static void test_a_specification(void **state)
{
    static char text[] = "{\"select\": {\"conversation_ids\": [\"" LONG "\", \"b\"]},"
                         " \"format\": \"json\", \"filter\": {\"status\": [\"open\"]}}";
    (void)state;
    each_allocation_fails("specification", parse, text, 10);
    each_allocation_fails("stored specification", read_stored, text, 10);
}

static enum vb_status parse_request(void *context)
{
    struct vb_export_request request;
    enum vb_status status = vb_export_request_parse(vb_view_of(context), &request, &problems);
    if (status == VB_OK) {
        struct vb_specification found;
        struct vb_problems own;
        status = vb_export_request_specification(&request, &found, &own);
        if (status == VB_OK)
            vb_specification_done(&found);
        vb_problems_done(&own);
        vb_export_request_done(&request);
    }
    vb_problems_done(&problems);
    return status;
}

static void test_a_request(void **state)
{
    static char text[] = "{\"channel_id\": \"8c5e6ad2-2f0f-4a6e-9f43-0d1b0a3f5a11\","
                         " \"start_date\": \"2026-01-01\", \"end_date\": \"2026-01-31\"}";
    (void)state;
    each_allocation_fails("request", parse_request, text, 10);
}

static int start(void **state)
{
    static const char *const libraries[] = {"libjansson", NULL};
    (void)state;
    failing_allocations_steer(&memory, libraries);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_specification),
        cmocka_unit_test(test_a_request),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
