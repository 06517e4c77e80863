/* Tokens of console sessions. */
#include "rules/session_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

static void a_token_is_read_as_it_was_made(void **state)
{
    (void)state;
    char token[VB_SESSION_TOKEN], other[VB_SESSION_TOKEN];
    struct vb_uuid id, read;
    unsigned char hash[VB_SHA256], digest[VB_SHA256];
    vb_session_token_make(token, &id, hash);
    assert_int_equal(strlen(token), VB_SESSION_TOKEN - 1);
    assert_int_equal(vb_session_token_parse(vb_view_of(token), &read, digest), VB_OK);
    assert_memory_equal(&id, &read, sizeof(id));
    assert_memory_equal(hash, digest, sizeof(hash));
    vb_session_token_make(other, &id, hash);
    assert_string_not_equal(token, other);
    assert_memory_not_equal(strchr(token, '.'), strchr(other, '.'), 64);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    char token[VB_SESSION_TOKEN + 1];
    struct vb_uuid id;
    unsigned char hash[VB_SHA256];
    vb_session_token_make(token, &id, hash);
    for (size_t length = 0; length < VB_SESSION_TOKEN - 1; length++)
        assert_int_equal(vb_session_token_parse((struct vb_view){token, length}, &id, hash),
                         VB_INVALID);
    assert_int_equal(vb_session_token_parse((struct vb_view){NULL, 0}, &id, hash), VB_INVALID);
    for (size_t i = 0; i < VB_SESSION_TOKEN - 1; i++) {
        char kept = token[i];
        token[i] = kept == '.' ? '-' : kept == '-' ? '.' : 'g';
        assert_int_equal(vb_session_token_parse(vb_view_of(token), &id, hash), VB_INVALID);
        token[i] = kept;
    }
    token[VB_SESSION_TOKEN - 1] = '0';
    assert_int_equal(vb_session_token_parse((struct vb_view){token, VB_SESSION_TOKEN}, &id, hash),
                     VB_INVALID);
}

static void another_spelling_is_another_token(void **state)
{
    (void)state;
    char token[VB_SESSION_TOKEN];
    struct vb_uuid id;
    unsigned char hash[VB_SHA256], digest[VB_SHA256];
    bool is_changed = false;
    vb_session_token_make(token, &id, hash);
    for (char *at = strchr(token, '.'); *at; at++) {
        is_changed = is_changed || islower((unsigned char)*at);
        *at = (char)toupper((unsigned char)*at);
    }
    assert_int_equal(vb_session_token_parse(vb_view_of(token), &id, digest), VB_OK);
    assert_int_equal(memcmp(hash, digest, sizeof(hash)) == 0, !is_changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read_as_it_was_made),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(another_spelling_is_another_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
