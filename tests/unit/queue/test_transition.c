/* Statements of the queue before they are sent: what is refused, and what is written. */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_forbidden_edge_sends_nothing(void **state)
{
    (void)state;
    struct vb_error err = {0};
    /* No connection is touched: the table refuses first. */
    assert_int_equal(vb_job_transition(NULL, "id", VB_JOB_FINISHED, VB_JOB_STARTED, NULL, &err),
                     VB_INVALID);
    assert_string_equal(err.text, "a job does not go from finished to started");
    assert_int_equal(vb_job_transition(NULL, "id", VB_JOB_FINISHED, VB_JOB_GONE, NULL, &err),
                     VB_INVALID);
}

static void parts_are_written_as_recorded(void **state)
{
    (void)state;
    struct vb_stored_part parts[] = {
        {.number = 1, .size = 6291456, .etag = "\"a\\b\"", .crc = UINT32_MAX},
        {.number = 10000, .size = 1, .etag = "17"}};
    struct vb_buffer out;
    vb_buffer_init(&out, 1024);
    assert_int_equal(vb_parts_write(parts, 2, &out), VB_OK);
    assert_string_equal(
        out.data, "[{\"number\":1,\"etag\":\"\\\"a\\\\b\\\"\",\"size\":6291456,\"crc\":4294967295},"
                  "{\"number\":10000,\"etag\":\"17\",\"size\":1,\"crc\":0}]");
    vb_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forbidden_edge_sends_nothing),
        cmocka_unit_test(parts_are_written_as_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
