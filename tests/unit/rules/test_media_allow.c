/* media_allow: which hosts, addresses and objects, and that no notation leads around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "rules/media_allow.h"

static struct vb_media_allow *list_of(const char *text)
{
    struct vb_media_allow *allow = NULL;
    struct vb_error err = {0};
    if (vb_media_allow_new(text, &allow, &err) != VB_OK)
        fail_msg("%s", err.text);
    return allow;
}

static void expect_host(const char *list, const char *host, unsigned port, bool expected)
{
    struct vb_media_allow *allow = list_of(list);
    if (vb_media_allow_host(allow, host, port) != expected)
        fail_msg("%s of %s, port %u", host, list, port);
    vb_media_allow_free(allow);
}

static void expect_address(const char *list, const char *address, bool expected)
{
    struct sockaddr_in six_four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    const void *given = &six;
    if (inet_pton(AF_INET, address, &six_four.sin_addr) == 1)
        given = &six_four;
    else
        assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    struct vb_media_allow *allow = list_of(list);
    if (vb_media_allow_address(allow, given) != expected)
        fail_msg("%s of %s", address, list);
    vb_media_allow_free(allow);
}

static void nothing_is_allowed_by_an_empty_list(void **state)
{
    (void)state;
    struct vb_media_allow *allow = list_of(NULL);
    assert_true(vb_media_allow_is_empty(allow));
    assert_false(vb_media_allow_host(allow, "example.com", 443));
    assert_false(vb_media_allow_object(allow, VB_VIEW("b"), VB_VIEW("k")));
    vb_media_allow_free(allow);
    expect_host("", "example.com", 80, false);
}

static void hosts_by_name(void **state)
{
    (void)state;
    static const char list[] = "Media.Example.com, *.cdn.example.net ,files.local:9000";
    expect_host(list, "media.example.com", 443, true);
    expect_host(list, "MEDIA.example.COM.", 80, true);
    expect_host(list, "media.example.com", 8080, false);
    expect_host(list, "xmedia.example.com", 443, false);
    expect_host(list, "a.media.example.com", 443, false);
    expect_host(list, "media.example.com.evil.test", 443, false);
    expect_host(list, "a.cdn.example.net", 443, true);
    expect_host(list, "a.b.cdn.example.net", 443, true);
    expect_host(list, "cdn.example.net", 443, false);
    expect_host(list, "evilcdn.example.net", 443, false);
    expect_host(list, ".cdn.example.net", 443, false);
    expect_host(list, "files.local", 9000, true);
    expect_host(list, "files.local", 443, false);
    expect_host(list, "", 443, false);
    expect_host("*", "anything.test", 443, true);
    expect_host("*", "anything.test", 22, false);
}

static void hosts_by_address(void **state)
{
    (void)state;
    expect_host("10.1.0.0/16", "10.1.2.3", 80, true);
    expect_host("10.1.0.0/16", "10.2.2.3", 80, false);
    expect_host("10.1.0.0/16", "host.test", 80, false);
    expect_host("10.1.2.3:9000", "10.1.2.3", 9000, true);
    expect_host("10.1.2.3:9000", "10.1.2.3", 80, false);
    expect_host("10.1.2.3:9000", "10.1.2.4", 9000, false);
    expect_host("[fd00::]/8", "[fd12::1]", 443, true);
    expect_host("[fd00::1]:8443", "[fd00::1]", 8443, true);
    expect_host("[fd00::1]", "[fd00::2]", 443, false);
    expect_host("10.0.0.0/8", "[::ffff:10.1.1.1]", 443, true);
    /* `*` is for what is public. */
    expect_host("*", "93.184.215.14", 80, true);
    expect_host("*", "10.0.0.1", 80, false);
    expect_host("*", "[::1]", 80, false);
    expect_host("media.example.com", "93.184.215.14", 80, false);
}

static void private_addresses_are_refused_unless_listed(void **state)
{
    (void)state;
    static const char *const not_public[] = {"0.0.0.0",
                                             "10.255.1.1",
                                             "100.64.0.1",
                                             "100.127.255.255",
                                             "127.0.0.1",
                                             "127.255.255.255",
                                             "169.254.169.254",
                                             "172.16.0.1",
                                             "172.31.255.255",
                                             "192.0.0.8",
                                             "192.0.2.1",
                                             "192.88.99.1",
                                             "192.168.0.1",
                                             "198.18.0.1",
                                             "198.19.255.255",
                                             "198.51.100.7",
                                             "203.0.113.9",
                                             "224.0.0.1",
                                             "240.0.0.1",
                                             "255.255.255.255",
                                             "::",
                                             "::1",
                                             "::ffff:127.0.0.1",
                                             "::ffff:10.0.0.1",
                                             "::127.0.0.1",
                                             "64:ff9b::a00:1",
                                             "64:ff9b:1::1",
                                             "fc00::1",
                                             "fd00:ec2::254",
                                             "fe80::1",
                                             "fec0::1",
                                             "ff02::1",
                                             "2001::1",
                                             "2001:db8::1",
                                             "2002:7f00:1::1",
                                             "3fff::1",
                                             "100::1",
                                             "4000::1"};
    static const char *const fine[] = {
        "1.1.1.1",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",      "128.0.0.1",       "169.253.255.255", "169.255.0.0",
        "172.15.255.255",   "172.32.0.0",      "192.167.255.255", "192.169.0.0",
        "198.17.255.255",   "198.20.0.0",      "223.255.255.255", "::ffff:1.1.1.1",
        "64:ff9b::101:101", "2606:4700::1111", "2001:4860::8888", "2a00:1450::1"};
    for (size_t i = 0; i < sizeof not_public / sizeof *not_public; i++)
        expect_address("*,media.example.com", not_public[i], false);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        expect_address("media.example.com", fine[i], true);
    expect_address("127.0.0.0/8", "127.0.0.1", true);
    expect_address("127.0.0.0/8", "::ffff:127.0.0.1", true);
    expect_address("127.0.0.0/8", "128.0.0.1", true);
    expect_address("127.0.0.1", "127.0.0.2", false);
    expect_address("127.0.0.1:9000", "127.0.0.1", true);
    expect_address("10.0.0.0/9", "10.127.0.1", true);
    expect_address("10.0.0.0/9", "10.128.0.1", false);
    expect_address("[::1]", "::1", true);
    expect_address("[fd00::]/8", "fdff::1", true);
    expect_address("[fd00::]/8", "fc00::1", false);
    expect_address("0.0.0.0/0", "10.0.0.1", true);
    expect_address("0.0.0.0/0", "fe80::1", false);
}

static void other_families_are_refused(void **state)
{
    (void)state;
    const struct sockaddr local = {.sa_family = AF_UNIX};
    struct vb_media_allow *allow = list_of("*");
    assert_false(vb_media_allow_address(allow, &local));
    vb_media_allow_free(allow);
}

static void expect_object(const char *list, const char *bucket, const char *key, bool expected)
{
    struct vb_media_allow *allow = list_of(list);
    if (vb_media_allow_object(allow, vb_view_of(bucket), vb_view_of(key)) != expected)
        fail_msg("s3://%s/%s of %s", bucket, key, list);
    vb_media_allow_free(allow);
}

static void objects_by_bucket_and_folder(void **state)
{
    (void)state;
    expect_object("s3://calls", "calls", "a/b.wav", true);
    expect_object("s3://calls/", "calls", "a/b.wav", true);
    expect_object("s3://calls", "calls2", "a", false);
    expect_object("s3://calls", "call", "a", false);
    expect_object("s3://calls/a/2026", "calls", "a/2026/x.wav", true);
    expect_object("s3://calls/a/2026/", "calls", "a/2026/x.wav", true);
    expect_object("s3://calls/a/2026", "calls", "a/2026", false);
    expect_object("s3://calls/a/2026", "calls", "a/2026/", false);
    expect_object("s3://calls/a/2026", "calls", "a/2026-secret/x.wav", false);
    expect_object("s3://calls/a", "calls", "b/x.wav", false);
    expect_object("*,calls", "calls", "x", false);
    expect_host("s3://calls", "calls", 443, false);
}

static void what_is_no_entry_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",",          "a,,b",         "a b",        "http://a.test",    "a.test/x",
        "a.test:0",   "a.test:65536", "a.test:x",   "a.test:",          "*.",
        "*a.test",    "*.*.test",     "a..test",    ".a.test",          "10.0.0.0/33",
        "10.0.0.0/x", "fd00::1",      "[10.0.0.1]", "[fd00::]/129",     "[fd00::",
        "[fd00::]x",  "s3://",        "s3:///x",    "s3://B\xC3\xA4/x", "m\xC3\xBCnchen.test",
        "*:80",       "a@b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vb_media_allow *allow = NULL;
        struct vb_error err = {0};
        if (vb_media_allow_new(bad[i], &allow, &err) != VB_INVALID)
            fail_msg("%s is taken", bad[i]);
        assert_non_null(strstr(err.text, "is no entry of media_allow"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_allowed_by_an_empty_list),
        cmocka_unit_test(hosts_by_name),
        cmocka_unit_test(hosts_by_address),
        cmocka_unit_test(private_addresses_are_refused_unless_listed),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(objects_by_bucket_and_folder),
        cmocka_unit_test(what_is_no_entry_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
