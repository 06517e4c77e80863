/* Roles, their names and their rights. */
#include "rules/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The rights a role has, as letters in the order of the enum; said once more here, since the
 * program's table is what is tested. */
static void each_role_has_its_rights(void **state)
{
    (void)state;
    static const char *const wanted[VB_ROLES] = {
        [VB_ROLE_OWNER] = "NLEDMOAK",
        [VB_ROLE_ADMIN] = "NLEDMOAK",
        [VB_ROLE_EDITOR] = "NLEDM",
        [VB_ROLE_VIEWER] = "NL",
    };
    static const char letters[VB_RIGHTS + 1] = "NLEDMOAK";
    for (size_t role = 0; role < VB_ROLES; role++) {
        char found[VB_RIGHTS + 1];
        size_t count = 0;
        for (size_t right = 0; right < VB_RIGHTS; right++)
            if (vb_role_may((enum vb_role)role, (enum vb_right)right))
                found[count++] = letters[right];
        found[count] = '\0';
        assert_string_equal(found, wanted[role]);
    }
}

static void roles_are_found_by_their_names_alone(void **state)
{
    (void)state;
    enum vb_role role = VB_ROLES;
    for (size_t i = 0; i < VB_ROLES; i++) {
        assert_true(vb_role_find(vb_view_of(vb_role_name((enum vb_role)i)), &role));
        assert_int_equal(role, i);
    }
    assert_false(vb_role_find(VB_VIEW("Owner"), &role));
    assert_false(vb_role_find(VB_VIEW("own"), &role));
    assert_false(vb_role_find((struct vb_view){NULL, 0}, &role));
}

static void each_right_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < VB_RIGHTS; i++)
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(vb_right_word((enum vb_right)i),
                                    vb_right_word((enum vb_right)j));
            assert_string_not_equal(vb_right_name((enum vb_right)i),
                                    vb_right_name((enum vb_right)j));
        }
    assert_string_equal(vb_right_word(VB_RIGHT_ADMIN), "admin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_has_its_rights),
        cmocka_unit_test(each_right_has_a_word_of_its_own),
        cmocka_unit_test(roles_are_found_by_their_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
