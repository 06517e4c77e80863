/* Which addresses mail may be sent to, and which sender the option mail_from may name. */
#include "rules/mail_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_valid(const char *address, bool expected)
{
    if (vb_mail_address_valid(vb_view_of(address)) != expected)
        fail_msg("'%s' should be %s", address, expected ? "valid" : "refused");
}

static void ordinary_addresses_pass(void **state)
{
    (void)state;
    static const char *const good[] = {
        "agent@example.com",
        "a@b.co",
        "first.last+tag@sub.example.org",
        "o'brien@example.ie",
        "x_y-z@xn--bcher-kva.example",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "1234@4you.example",
        "A@EXAMPLE.COM",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_valid(good[i], true);
}

static void hostile_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "@",
        "agent",
        "agent@",
        "@example.com",
        "agent@localhost",
        "a@b@example.com",
        "agent@example.com\r\nRCPT TO:<evil@example.com>",
        "agent@example.com\n",
        "agent\r@example.com",
        " agent@example.com",
        "agent@example.com ",
        "ag ent@example.com",
        "agent\t@example.com",
        "<agent@example.com>",
        "Agent <agent@example.com>",
        "agent@example.com>",
        "agent@example.com, other@example.com",
        "agent@example.com;other@example.com",
        "\"agent\"@example.com",
        "\"a b\"@example.com",
        "agent(comment)@example.com",
        "agent@[127.0.0.1]",
        "agent@127.0.0.1",
        ".agent@example.com",
        "agent.@example.com",
        "ag..ent@example.com",
        "agent@.example.com",
        "agent@example..com",
        "agent@example.com.",
        "agent@-example.com",
        "agent@example-.com",
        "agent@exa_mple.com",
        "agent@example.123",
        "agent\x7F@example.com",
        "\xC3\xA4gent@example.com",
        ("agent@b\xC3\xBC"
         "cher.example"),
        "agent@example.com\xE2\x80\xAE",
        "a\\b@example.com",
        "a:b@example.com",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_valid(bad[i], false);
    assert_false(vb_mail_address_valid((struct vb_view){"agent\0@example.com", 18}));
    assert_false(vb_mail_address_valid((struct vb_view){"agent@example.com\0", 18}));
    assert_false(vb_mail_address_valid((struct vb_view){NULL, 0}));
}

static void lengths_are_exact(void **state)
{
    (void)state;
    char address[400];
    memset(address, 'a', sizeof address);
    memcpy(address + 64, "@b.example", sizeof "@b.example");
    assert_valid(address, true);
    memset(address, 'a', 65);
    memcpy(address + 65, "@b.example", sizeof "@b.example");
    assert_valid(address, false);

    /* 64 + @ + three labels of 62 with their dots = 254 */
    memset(address, 'a', sizeof address);
    address[64] = '@';
    address[127] = address[190] = '.';
    address[254] = '\0';
    assert_int_equal(strlen(address), 254);
    assert_valid(address, true);
    address[254] = 'a'; /* 255 */
    address[255] = '\0';
    assert_valid(address, false);

    memset(address, 'b', sizeof address);
    memcpy(address, "x@", 2);
    memcpy(address + 2 + 64, ".com", sizeof ".com"); /* a label of 64 */
    assert_valid(address, false);
    memcpy(address + 2 + 63, ".com", sizeof ".com");
    assert_valid(address, true);
}

static void a_sender_may_have_a_name(void **state)
{
    (void)state;
    struct vb_mail_sender sender;
    assert_int_equal(vb_mail_sender_parse("verbatim@localhost", &sender, NULL), VB_OK);
    assert_string_equal(sender.address, "verbatim@localhost");
    assert_string_equal(sender.name, "");
    assert_int_equal(vb_mail_sender_parse("\"Export, Inc.\" <e@example.com>", &sender, NULL),
                     VB_OK);
    assert_string_equal(sender.address, "e@example.com");
    assert_string_equal(sender.name, "Export, Inc.");

    static const char *const bad[] = {
        "",
        "Export",
        "e@example.com>",
        "x\r\nBcc: a@example.com <e@example.com>",
        "\xFF <e@example.com>",
        "Export <e@example.com",
        "Export <>",
    };
    struct vb_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vb_mail_sender_parse(bad[i], &sender, &err) != VB_INVALID)
            fail_msg("'%s' should be refused", bad[i]);
}

/* A slip such as ann@gmail goes nowhere that anybody would hear of. */
static void a_domain_of_one_label_is_good_beside_such_a_sender(void **state)
{
    (void)state;
    static const struct {
        const char *recipient, *sender;
        bool good;
    } cases[] = {
        {"ann@example.com", "verbatim@example.com", true},
        {"ann@example.com", "verbatim@vm", true},
        {"root@localhost", "verbatim@localhost", true},
        {"root@LocalHost", "verbatim@vm", true},
        {"ann@VM", "verbatim@vm", true},
        {"ann@vm", "verbatim@localhost", false},
        {"ann@gmail", "verbatim@vm", false},
        {"root@localhost", "verbatim@example.com", false},
        {"ann@example", "verbatim@example.com", false},
        {"ann@vm\r\nRCPT TO:<x@y.z>", "verbatim@vm", false},
        {"ann@1", "verbatim@1", false},
        {"ann", "verbatim@vm", false},
        {"ann@", "verbatim@vm", false},
        {"root@localhost", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vb_view recipient = vb_view_of(cases[i].recipient);
        if (vb_mail_recipient_valid(recipient, cases[i].sender) != cases[i].good)
            fail_msg("%s from %s", cases[i].recipient, cases[i].sender);
        assert_true(!cases[i].good || vb_mail_address_plausible(recipient));
    }
}

static void where_a_mail_may_go_hangs_on_the_option(void **state)
{
    (void)state;
    assert_true(vb_mail_may_go_to(VB_VIEW("root@localhost"), "Exports <verbatim@vm>"));
    assert_false(vb_mail_may_go_to(VB_VIEW("root@localhost"), "Exports <verbatim@example.com>"));
    assert_false(vb_mail_may_go_to(VB_VIEW("root@localhost"), "verbatim"));
    assert_false(vb_mail_may_go_to(VB_VIEW("root@localhost"), NULL));
    assert_true(vb_mail_may_go_to(VB_VIEW("ann@example.com"), "verbatim"));
    assert_true(vb_mail_may_go_to(VB_VIEW("ann@example.com"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_addresses_pass),
        cmocka_unit_test(hostile_addresses_are_refused),
        cmocka_unit_test(lengths_are_exact),
        cmocka_unit_test(a_sender_may_have_a_name),
        cmocka_unit_test(a_domain_of_one_label_is_good_beside_such_a_sender),
        cmocka_unit_test(where_a_mail_may_go_hangs_on_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
