/* Verbatim's own links: stable, bound to key and expiry, refused when anything in them is
 * touched. */
#include "storage/driver.h"

#include "verbatim/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1780000000) * VB_SECOND)

static const char key[] = "conversation_exports/w/79f13adf-f7dc-4744-8ad9-a16b4913e52c-7/"
                          "caf\xC3\xA9 100%_2026-06_79f13adf.zip";

static struct vb_link_secrets secrets_of(unsigned char first, unsigned char second, size_t count)
{
    struct vb_link_secrets secrets = {.generations = {2, 1}, .count = count};
    memset(secrets.secrets[0], first, 32);
    memset(secrets.secrets[1], second, 32);
    return secrets;
}

/* A link taken apart as a server would: the key decoded. */
struct parsed {
    char text[2048];
    struct vb_buffer key;
    struct vb_view expires, signature;
};

static void parse(const char *link, struct parsed *parsed)
{
    static const char base[] = "https://x.example/v/files/";
    assert_true(strlen(link) < sizeof parsed->text);
    memcpy(parsed->text, link, strlen(link) + 1);
    assert_memory_equal(parsed->text, base, sizeof base - 1);
    char *query = strstr(parsed->text, "?expires=");
    char *signature = strstr(parsed->text, "&signature=");
    assert_non_null(query);
    assert_non_null(signature);
    *query = *signature = '\0';
    vb_buffer_init(&parsed->key, 2048);
    assert_int_equal(vb_percent_decode(&parsed->key, vb_view_of(parsed->text + sizeof base - 1)),
                     VB_OK);
    parsed->expires = vb_view_of(query + strlen("?expires="));
    parsed->signature = vb_view_of(signature + strlen("&signature="));
}

static void make(const struct vb_link_secrets *secrets, vb_instant expires, struct parsed *parsed)
{
    struct vb_buffer link;
    vb_buffer_init(&link, 4096);
    assert_int_equal(vb_link_write("https://x.example/v", secrets, key, expires, &link, NULL),
                     VB_OK);
    parse(link.data, parsed);
    vb_buffer_done(&link);
}

static enum vb_status check(const struct vb_link_secrets *secrets, const struct parsed *parsed,
                            vb_instant now)
{
    return vb_storage_check_link(secrets, parsed->key.data, parsed->expires, parsed->signature, now,
                                 NULL);
}

static void a_link_holds_until_its_end(void **state)
{
    (void)state;
    struct vb_link_secrets secrets = secrets_of(1, 2, 2);
    struct parsed parsed;
    make(&secrets, NOW + 10 * VB_SECOND + 999999, &parsed);
    assert_string_equal(parsed.key.data, key);
    assert_int_equal(check(&secrets, &parsed, NOW), VB_OK);
    assert_int_equal(check(&secrets, &parsed, NOW + 10 * VB_SECOND - 1), VB_OK);
    assert_int_equal(check(&secrets, &parsed, NOW + 10 * VB_SECOND), VB_DENIED);
    vb_buffer_done(&parsed.key);
}

static void a_link_to_look_at_is_another_one(void **state)
{
    (void)state;
    struct vb_link_secrets secrets = secrets_of(1, 2, 2);
    struct vb_buffer link;
    struct parsed saved, shown;
    vb_buffer_init(&link, 4096);
    make(&secrets, NOW + VB_SECOND, &saved);
    assert_int_equal(
        vb_link_write_view("https://x.example/v", &secrets, key, NOW + VB_SECOND, &link, NULL),
        VB_OK);
    char *word = strstr(link.data, "&disposition=inline");
    assert_non_null(word);
    memmove(word, word + strlen("&disposition=inline"),
            strlen(word + strlen("&disposition=inline")) + 1);
    parse(link.data, &shown);
    assert_int_equal(check(&secrets, &shown, NOW), VB_DENIED);
    assert_int_equal(
        vb_storage_check_view(&secrets, shown.key.data, shown.expires, shown.signature, NOW, NULL),
        VB_OK);
    assert_int_equal(vb_storage_check_view(&secrets, shown.key.data, shown.expires, shown.signature,
                                           NOW + VB_SECOND, NULL),
                     VB_DENIED);
    assert_int_equal(
        vb_storage_check_view(&secrets, saved.key.data, saved.expires, saved.signature, NOW, NULL),
        VB_DENIED);
    vb_buffer_done(&link);
    vb_buffer_done(&saved.key);
    vb_buffer_done(&shown.key);
}

static void the_same_arguments_give_the_same_link(void **state)
{
    (void)state;
    struct vb_link_secrets secrets = secrets_of(1, 2, 2);
    struct vb_buffer a, b;
    vb_buffer_init(&a, 4096);
    vb_buffer_init(&b, 4096);
    assert_int_equal(vb_link_write("http://h", &secrets, key, NOW, &a, NULL), VB_OK);
    assert_int_equal(vb_link_write("http://h", &secrets, key, NOW, &b, NULL), VB_OK);
    assert_string_equal(a.data, b.data);
    assert_non_null(strstr(a.data, "/caf%C3%A9%20100%25_2026-06_79f13adf.zip?expires=1780000000&"));
    vb_buffer_done(&a);
    vb_buffer_done(&b);
}

static void both_generations_verify_and_the_newest_signs(void **state)
{
    (void)state;
    struct vb_link_secrets old = secrets_of(2, 0, 1), both = secrets_of(1, 2, 2),
                           newest = secrets_of(1, 0, 1), later = secrets_of(3, 1, 2);
    struct parsed parsed;
    make(&old, NOW + VB_SECOND, &parsed);
    assert_int_equal(check(&both, &parsed, NOW), VB_OK);
    assert_int_equal(check(&later, &parsed, NOW), VB_DENIED);
    vb_buffer_done(&parsed.key);
    make(&both, NOW + VB_SECOND, &parsed);
    assert_int_equal(check(&newest, &parsed, NOW), VB_OK);
    assert_int_equal(check(&old, &parsed, NOW), VB_DENIED);
    vb_buffer_done(&parsed.key);
}

static void any_touched_byte_is_refused(void **state)
{
    (void)state;
    struct vb_link_secrets secrets = secrets_of(1, 2, 2);
    struct parsed parsed;
    make(&secrets, NOW + VB_SECOND, &parsed);
    struct vb_view parts[] = {
        {parsed.key.data, parsed.key.length}, parsed.expires, parsed.signature};
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < parts[p].length; i++) {
            char *byte = (char *)(uintptr_t)&parts[p].data[i], before = *byte;
            *byte = before == '9' ? '8' : '9';
            if (check(&secrets, &parsed, NOW) != VB_DENIED)
                fail_msg("part %zu byte %zu was not missed", p, i);
            *byte = before;
        }
    }
    assert_int_equal(check(&secrets, &parsed, NOW), VB_OK);
    vb_buffer_done(&parsed.key);
}

static void malformed_parameters_are_refused(void **state)
{
    (void)state;
    struct vb_link_secrets secrets = secrets_of(1, 2, 2), none = {.count = 0};
    static const char *const bad[] = {"", "-1", "1e9", " 1780000001", "9999999999999", "0x10"};
    struct parsed parsed;
    make(&secrets, NOW + VB_SECOND, &parsed);
    struct vb_view expires = parsed.expires, signature = parsed.signature;
    assert_int_equal(check(&none, &parsed, NOW), VB_DENIED);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        parsed.expires = vb_view_of(bad[i]);
        assert_int_equal(check(&secrets, &parsed, NOW), VB_DENIED);
    }
    parsed.expires = expires;
    for (size_t length = 0; length < signature.length; length += 7) {
        parsed.signature.length = length;
        assert_int_equal(check(&secrets, &parsed, NOW), VB_DENIED);
    }
    parsed.signature = (struct vb_view){NULL, 0};
    assert_int_equal(check(&secrets, &parsed, NOW), VB_DENIED);
    struct vb_buffer link;
    vb_buffer_init(&link, 4096);
    assert_int_equal(vb_link_write("http://h", &none, key, NOW, &link, NULL), VB_DATABASE);
    assert_int_equal(vb_link_write("http://h", &secrets, "a\nb", NOW, &link, NULL), VB_INVALID);
    vb_buffer_done(&link);
    vb_buffer_done(&parsed.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_holds_until_its_end),
        cmocka_unit_test(a_link_to_look_at_is_another_one),
        cmocka_unit_test(the_same_arguments_give_the_same_link),
        cmocka_unit_test(both_generations_verify_and_the_newest_signs),
        cmocka_unit_test(any_touched_byte_is_refused),
        cmocka_unit_test(malformed_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
