/* What SQLSTATEs mean, and what a connection that cannot be made says. No server is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "verbatim/postgres.h"

static void a_state_is_judged_in_one_place(void **state)
{
    (void)state;
    static const char *const passing[] = {"08006", "25006", "25P03", "26000", "40001", "40P01",
                                          "53300", "55P03", "57014", "57P01", "58030", "XX000"};
    static const char *const lasting[] = {"0A000", "22012", "23503", "23514", "25P02", "28000",
                                          "3D000", "42501", "42703", "42P05", "P0001", "XX001"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        assert_int_equal(vb_postgres_status(passing[i]), VB_DATABASE_AWAY);
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        assert_int_equal(vb_postgres_status(lasting[i]), VB_DATABASE);
    assert_int_equal(vb_postgres_status("23505"), VB_CONFLICT);
    assert_int_equal(vb_postgres_status(NULL), VB_DATABASE_AWAY);
}

static enum vb_status connect_by(const char *connection_string, struct vb_error *err)
{
    const struct vb_postgres_recipe recipe = {.connection_string = connection_string,
                                              .application_name = "verbatim test"};
    PGconn *connection = NULL;
    enum vb_status status = vb_postgres_connect(&recipe, &connection, err);
    assert_null(connection);
    return status;
}

static void no_message_shows_a_password(void **state)
{
    (void)state;
    static const char *const malformed[] = {"postgresql://x:hunter2@[::1/broken",
                                            "host=127.0.0.1 password='hunter2",
                                            "postgres://x:hunter2@127.0.0.1/db?nothing=1"};
    struct vb_error err;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(connect_by(malformed[i], &err), VB_INVALID);
        assert_null(strstr(err.text, "hunter2"));
    }
    assert_int_equal(connect_by("host=127.0.0.1 port=1 password=hunter2 user=x", &err),
                     VB_DATABASE_AWAY);
    assert_null(strstr(err.text, "hunter2"));
    assert_string_equal(err.sqlstate, "");
    assert_int_equal(connect_by("host=127.0.0.1 port=1", NULL), VB_DATABASE_AWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_judged_in_one_place),
        cmocka_unit_test(no_message_shows_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
