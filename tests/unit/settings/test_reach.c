/* Which addresses lead others nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings/reach.h"

static void expect(enum vb_reach reach, const char *const *addresses)
{
    for (; *addresses; addresses++)
        if (vb_reach_of(*addresses) != reach)
            fail_msg("%s is %d", *addresses, (int)vb_reach_of(*addresses));
}

static void what_is_listened_on_leads_nobody_anywhere(void **state)
{
    static const char *const addresses[] = {"0.0.0.0:8080",
                                            "[::]:8080",
                                            "http://0.0.0.0",
                                            "https://[::]/exports",
                                            "http://[0:0:0:0:0:0:0:0]:1",
                                            "http://[::ffff:0.0.0.0]:8080",
                                            NULL};
    (void)state;
    expect(VB_REACH_NOBODY, addresses);
}

static void loopback_is_the_machine_itself(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:8080",
                                            "[::1]:8080",
                                            "http://127.9.9.9",
                                            "http://LocalHost:80/path",
                                            "http://files.localhost",
                                            "https://[::ffff:127.0.0.1]/",
                                            NULL};
    (void)state;
    expect(VB_REACH_MACHINE, addresses);
}

static void others_may_reach_all_else(void **state)
{
    static const char *const addresses[] = {"10.0.0.1:8080",
                                            "[fd00::1]:8080",
                                            "http://localhost.example.com",
                                            "http://mylocalhost/127.0.0.1",
                                            "https://0.0.0.0.example/",
                                            "http://exports",
                                            NULL};
    (void)state;
    expect(VB_REACH_OTHERS, addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listened_on_leads_nobody_anywhere),
        cmocka_unit_test(loopback_is_the_machine_itself),
        cmocka_unit_test(others_may_reach_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
