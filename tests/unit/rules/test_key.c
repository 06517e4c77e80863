/* API keys: form, CRC, hash, scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/key.h"
#include "verbatim/hash.h"

static bool is_hash_of(const char *key, const unsigned char hash[VB_SHA256])
{
    unsigned char digest[VB_SHA256];
    vb_sha256(key, strlen(key), digest);
    return memcmp(digest, hash, sizeof digest) == 0;
}

static void a_new_key_parses_and_matches(void **state)
{
    (void)state;
    char key[VB_KEY_LENGTH + 1], other[VB_KEY_LENGTH + 1];
    struct vb_key_id id, other_id, parsed;
    unsigned char hash[VB_SHA256], other_hash[VB_SHA256];
    for (int i = 0; i < 200; i++) {
        vb_key_make(key, &id, hash);
        vb_key_make(other, &other_id, other_hash);
        assert_int_equal(strlen(key), VB_KEY_LENGTH);
        assert_int_equal(vb_key_parse(vb_view_of(key), &parsed), VB_OK);
        assert_string_equal(parsed.text, id.text);
        assert_string_not_equal(key, other);
        assert_string_not_equal(id.text, other_id.text);
        assert_true(is_hash_of(key, hash));
        assert_false(is_hash_of(key, other_hash));
    }
}

static void every_changed_character_is_refused(void **state)
{
    (void)state;
    char key[VB_KEY_LENGTH + 1];
    struct vb_key_id id;
    unsigned char hash[VB_SHA256];
    vb_key_make(key, &id, hash);
    for (size_t i = 0; i < VB_KEY_LENGTH; i++) {
        char was = key[i];
        key[i] = was == 'a' ? 'b' : 'a';
        assert_int_equal(vb_key_parse(vb_view_of(key), &id), VB_INVALID);
        key[i] = was;
    }
    assert_int_equal(vb_key_parse(vb_view_of(key), &id), VB_OK);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    static const char *const garbage[] = {"", "vb_", "Bearer x", "vb__", "vb_short_secret"};
    struct vb_key_id id;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++)
        assert_int_equal(vb_key_parse(vb_view_of(garbage[i]), &id), VB_INVALID);
    assert_int_equal(vb_key_parse((struct vb_view){NULL, 0}, &id), VB_INVALID);
    char nul[VB_KEY_LENGTH] = {'v', 'b', '_'};
    assert_int_equal(vb_key_parse((struct vb_view){nul, sizeof nul}, &id), VB_INVALID);
}

static void scopes_are_two(void **state)
{
    (void)state;
    assert_true(vb_scope_known(VB_VIEW("workspace-events-notification")));
    assert_true(vb_scope_known(VB_VIEW("metrics")));
    assert_false(vb_scope_known(VB_VIEW("metric")));
    assert_false(vb_scope_known(VB_VIEW("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_parses_and_matches),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(scopes_are_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
