/* Addresses as proxies write them, and lists of networks. */
#include "rules/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void addresses_are_read_and_shown(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: none */
    } cases[] = {
        {"203.0.113.7", "203.0.113.7"},
        {"203.0.113.7:4711", "203.0.113.7"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:4711", "2001:db8::1"},
        {"::ffff:203.0.113.7", "203.0.113.7"},
        {"", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"203.0.113", NULL},
        {"203.0.113.07", NULL},
        {"203.0.113.7:", NULL},
        {"203.0.113.7:x", NULL},
        {"203.0.113.7:65536", NULL},
        {"[203.0.113.7]", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]x", NULL},
        {"fe80::1%eth0", NULL},
        {" 203.0.113.7", NULL},
        {"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char address[VB_ADDRESS];
        char shown[VB_ADDRESS_TEXT];
        bool is_one = vb_address_parse(vb_view_of(cases[i].text), address);
        if (is_one != (cases[i].shown != NULL))
            fail_msg("%s", cases[i].text);
        if (!is_one)
            continue;
        vb_address_format(address, shown);
        assert_string_equal(shown, cases[i].shown);
    }
}

static bool has(const char *list, const char *text)
{
    struct vb_networks *networks = NULL;
    unsigned char address[VB_ADDRESS];
    assert_int_equal(vb_networks_new(list, &networks, NULL), VB_OK);
    assert_true(vb_address_parse(vb_view_of(text), address));
    bool found = vb_networks_have(networks, address);
    vb_networks_free(networks);
    return found;
}

static void networks_have_their_addresses_alone(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.1.2"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_true(has("192.168.4.0/22", "192.168.7.255"));
    assert_false(has("192.168.4.0/22", "192.168.8.0"));
    assert_true(has("127.0.0.1", "127.0.0.1"));
    assert_false(has("127.0.0.1", "127.0.0.2"));
    assert_true(has(" 1.1.1.1 , fd00::/8", "fd12::3"));
    assert_false(has("1.1.1.1,fd00::/8", "fe12::3"));
    assert_true(has("::1", "::1"));
    assert_true(has("0.0.0.0/0", "9.9.9.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("::/0", "9.9.9.9"));
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_false(has(NULL, "10.1.2.3"));
    assert_false(has("", "10.1.2.3"));
}

static void what_is_no_network_is_named(void **state)
{
    (void)state;
    static const char *const lists[] = {"10.0.0.0/33", "10.0.0.0/",   "::1/129",
                                        "localhost",   "*",           "10.0.0.0/8,",
                                        ",",           "10.0.0.1:80", "1.1.1.1 2.2.2.2"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct vb_networks *networks = NULL;
        struct vb_error err;
        assert_int_equal(vb_networks_new(lists[i], &networks, &err), VB_INVALID);
        assert_non_null(strstr(err.text, "is no address or network"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_shown),
        cmocka_unit_test(networks_have_their_addresses_alone),
        cmocka_unit_test(what_is_no_network_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
