/* Cursors of lists: they come back as they went out, and no other text is one. */
#include "api/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

static const struct vb_api_cursor place = {
    .created_at = INT64_C(1781160643861185),
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}},
};
static const struct vb_link_secrets secrets = {.secrets = {{1}, {2}}, .count = 2};

static void made_and_read(void **state)
{
    (void)state;
    char text[VB_API_CURSOR_TEXT];
    struct vb_api_cursor found;
    vb_api_cursor_write(&secrets, "one", &place, text);
    assert_int_equal(strlen(text), VB_API_CURSOR_TEXT - 1);
    assert_int_equal(vb_api_cursor_read(&secrets, "one", vb_view_of(text), &found), VB_OK);
    assert_true(found.created_at == place.created_at);
    assert_memory_equal(&found.id, &place.id, sizeof(found.id));
}

static void each_changed_character_is_noticed(void **state)
{
    (void)state;
    char text[VB_API_CURSOR_TEXT];
    struct vb_api_cursor found;
    vb_api_cursor_write(&secrets, "one", &place, text);
    for (size_t i = 0; i < VB_API_CURSOR_TEXT - 1; i++) {
        char kept = text[i];
        text[i] = kept == '0' ? '1' : '0';
        assert_int_equal(vb_api_cursor_read(&secrets, "one", vb_view_of(text), &found), VB_INVALID);
        text[i] = kept;
    }
}

static void other_texts_are_none(void **state)
{
    (void)state;
    char text[VB_API_CURSOR_TEXT + 1];
    struct vb_api_cursor found;
    vb_api_cursor_write(&secrets, "one", &place, text);
    assert_int_equal(vb_api_cursor_read(&secrets, "two", vb_view_of(text), &found), VB_INVALID);
    assert_int_equal(vb_api_cursor_read(&secrets, "one", (struct vb_view){text, 78}, &found),
                     VB_INVALID);
    text[VB_API_CURSOR_TEXT - 1] = '0';
    assert_int_equal(
        vb_api_cursor_read(&secrets, "one", (struct vb_view){text, VB_API_CURSOR_TEXT}, &found),
        VB_INVALID);
    text[0] = 'g';
    assert_int_equal(
        vb_api_cursor_read(&secrets, "one", (struct vb_view){text, VB_API_CURSOR_TEXT - 1}, &found),
        VB_INVALID);
    assert_int_equal(vb_api_cursor_read(&secrets, "one", VB_VIEW(""), &found), VB_INVALID);
    vb_api_cursor_write(&secrets, "one", &place, text);
    for (size_t length = 0; length < VB_API_CURSOR_TEXT - 1; length++)
        assert_int_equal(
            vb_api_cursor_read(&secrets, "one", (struct vb_view){text, length}, &found),
            VB_INVALID);
    for (size_t i = 0; text[i]; i++)
        text[i] = (char)toupper((unsigned char)text[i]);
    assert_int_equal(vb_api_cursor_read(&secrets, "one", vb_view_of(text), &found), VB_INVALID);
}

/* The secret before the newest still reads; an older one is gone. */
static void secrets_come_and_go(void **state)
{
    (void)state;
    char text[VB_API_CURSOR_TEXT];
    struct vb_api_cursor found;
    static const struct vb_link_secrets before = {.secrets = {{2}}, .count = 1},
                                        later = {.secrets = {{3}, {1}}, .count = 2};
    vb_api_cursor_write(&before, "one", &place, text);
    assert_int_equal(vb_api_cursor_read(&secrets, "one", vb_view_of(text), &found), VB_OK);
    assert_int_equal(vb_api_cursor_read(&later, "one", vb_view_of(text), &found), VB_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_and_read),
        cmocka_unit_test(each_changed_character_is_noticed),
        cmocka_unit_test(other_texts_are_none),
        cmocka_unit_test(secrets_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
