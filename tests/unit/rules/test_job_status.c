/* The statuses of a job: all edges between them and no others. */
#include "rules/job_status.h"

#include "verbatim/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void only_these_edges_exist(void **state)
{
    (void)state;
    static const char *const allowed[] = {"queued started", "queued cancelled",  "started finished",
                                          "started failed", "started cancelled", "finished gone",
                                          "failed gone",    "cancelled gone"};
    size_t found = 0;
    for (int from = 0; from <= VB_JOB_GONE; from++)
        for (int to = 0; to <= VB_JOB_GONE; to++) {
            struct vb_buffer edge;
            bool listed = false;
            vb_buffer_init(&edge, 64);
            assert_int_equal(vb_buffer_printf(&edge, "%s %s",
                                              vb_job_status_name((enum vb_job_status)from),
                                              vb_job_status_name((enum vb_job_status)to)),
                             VB_OK);
            for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
                listed |= strcmp(allowed[i], edge.data) == 0;
            assert_int_equal(
                vb_job_status_follows((enum vb_job_status)from, (enum vb_job_status)to), listed);
            found += listed;
            vb_buffer_done(&edge);
        }
    assert_int_equal(found, sizeof allowed / sizeof allowed[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_these_edges_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
