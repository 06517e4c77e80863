/* The reader's settings by the server's version: one that a server does not know would refuse the
 * connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verbatim/source.h"

#include <string.h>

static const char *settings(enum vb_source_scope scope, int version)
{
    return vb_source_settings(scope, version);
}

static void test_incremental_sorts_are_ruled_out_where_there_are_any(void **state)
{
    (void)state;
    for (enum vb_source_scope scope = VB_SOURCE_SESSION; scope <= VB_SOURCE_TRANSACTION; scope++) {
        assert_null(strstr(settings(scope, 90624), "enable_incremental_sort"));
        assert_null(strstr(settings(scope, 120022), "enable_incremental_sort"));
        assert_non_null(strstr(settings(scope, 130000), "enable_incremental_sort = off"));
        assert_non_null(strstr(settings(scope, 180000), "enable_incremental_sort = off"));
        assert_non_null(strstr(settings(scope, 120022), "enable_seqscan = off"));
    }
}

static void test_nothing_can_be_written(void **state)
{
    (void)state;
    const char *transaction = settings(VB_SOURCE_TRANSACTION, 150000);
    assert_non_null(strstr(settings(VB_SOURCE_SESSION, 150000), "read_only = on"));
    assert_memory_equal(transaction, "BEGIN READ ONLY;", strlen("BEGIN READ ONLY;"));
    assert_null(strstr(transaction, "SET SESSION"));
    assert_null(strstr(settings(VB_SOURCE_SESSION, 150000), "SET LOCAL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incremental_sorts_are_ruled_out_where_there_are_any),
        cmocka_unit_test(test_nothing_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
