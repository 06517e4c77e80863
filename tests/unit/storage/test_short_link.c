/* Short links: the same for the same job and number, told apart by every bit, and read back as they
 * were written. */
#include "storage/short_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOB "79f13adf-f7dc-4744-8ad9-a16b4913e52c"

static struct vb_link_secrets secrets_of(unsigned char first, size_t count)
{
    struct vb_link_secrets secrets = {.generations = {2, 1}, .count = count};
    memset(secrets.secrets[0], first, 32);
    memset(secrets.secrets[1], 9, 32);
    return secrets;
}

/* The token of a link, which is freed with `link`. */
static const char *token_of(unsigned char secret, const char *job, int number,
                            struct vb_buffer *link)
{
    static const char base[] = "https://x.example/v/d/";
    struct vb_link_secrets secrets = secrets_of(secret, 2);
    vb_buffer_init(link, 4096);
    assert_int_equal(vb_short_link_write("https://x.example/v", &secrets, job, number, link, NULL),
                     VB_OK);
    assert_memory_equal(link->data, base, sizeof base - 1);
    assert_int_equal(strlen(link->data), sizeof base - 1 + VB_SHORT_LINK_TOKEN);
    return link->data + sizeof base - 1;
}

static void a_token_says_prefix_number_and_mac(void **state)
{
    (void)state;
    struct vb_buffer link;
    struct vb_short_link read;
    const char *token = token_of(1, JOB, 200, &link);
    /* HMAC-SHA256 of "verbatim short link 1\n" JOB "\n200" by 32 bytes of 1, made by Python. */
    assert_int_equal(vb_short_link_parse(vb_view_of(token), &read), VB_OK);
    assert_string_equal(read.prefix, "79f13adf");
    assert_int_equal(read.number, 200);
    assert_string_equal(read.mac, "703e382539122c09602fe55e4242e8fd");
    assert_string_equal(token, "phytvx6ioa7dqjjzciwasybp4vpeeqxi7u");
    vb_buffer_done(&link);
}

static void another_job_number_or_secret_is_another_link(void **state)
{
    (void)state;
    struct vb_buffer first, same, others[3];
    const char *token = token_of(1, JOB, 1, &first);
    assert_string_equal(token, token_of(1, JOB, 1, &same));
    assert_string_not_equal(token, token_of(1, JOB, 2, &others[0]));
    assert_string_not_equal(token, token_of(2, JOB, 1, &others[1]));
    assert_string_not_equal(token,
                            token_of(1, "79f13adf-f7dc-4744-8ad9-a16b4913e52d", 1, &others[2]));
    vb_buffer_done(&first);
    vb_buffer_done(&same);
    for (size_t i = 0; i < 3; i++)
        vb_buffer_done(&others[i]);
}

static void case_of_letters_tells_nothing(void **state)
{
    (void)state;
    struct vb_buffer link;
    struct vb_short_link read, shouted;
    char upper[VB_SHORT_LINK_TOKEN + 1] = "";
    const char *token = token_of(7, JOB, 3, &link);
    for (size_t i = 0; i < VB_SHORT_LINK_TOKEN; i++)
        upper[i] = (char)(token[i] >= 'a' ? token[i] - 'a' + 'A' : token[i]);
    assert_int_equal(vb_short_link_parse(vb_view_of(token), &read), VB_OK);
    assert_int_equal(vb_short_link_parse(vb_view_of(upper), &shouted), VB_OK);
    assert_string_equal(read.prefix, shouted.prefix);
    assert_int_equal(read.number, shouted.number);
    assert_string_equal(read.mac, shouted.mac);
    vb_buffer_done(&link);
}

static void what_is_no_token(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",   /* too short */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* too long */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",  /* no digit of base32 */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",  /* bits behind its end */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=a",
    };
    struct vb_short_link read;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vb_short_link_parse(vb_view_of(bad[i]), &read) != VB_INVALID)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(vb_short_link_parse(vb_view_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &read),
                     VB_OK);
    assert_string_equal(read.mac, "00000000000000000000000000000000");
}

static void links_of_nothing_are_refused(void **state)
{
    (void)state;
    struct vb_buffer out;
    struct vb_link_secrets none = secrets_of(1, 0), some = secrets_of(1, 1);
    vb_buffer_init(&out, 4096);
    assert_int_equal(vb_short_link_write("http://h", &none, JOB, 1, &out, NULL), VB_DATABASE);
    assert_int_equal(vb_short_link_write("http://h", NULL, JOB, 1, &out, NULL), VB_DATABASE);
    assert_int_equal(vb_short_link_write("http://h", &some, "x", 1, &out, NULL), VB_INVALID);
    assert_int_equal(vb_short_link_write("http://h", &some, JOB, 0, &out, NULL), VB_INVALID);
    assert_int_equal(vb_short_link_write("http://h", &some, JOB, 256, &out, NULL), VB_INVALID);
    assert_int_equal(out.length, 0);
    vb_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_prefix_number_and_mac),
        cmocka_unit_test(another_job_number_or_secret_is_another_link),
        cmocka_unit_test(case_of_letters_tells_nothing),
        cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(links_of_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
