/* The file of logins for media: what it says, what it refuses and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/media_credentials.h"

static struct vb_media_credentials *file_of(const char *text)
{
    struct vb_media_credentials *credentials = NULL;
    struct vb_error err = {0};
    if (vb_media_credentials_new(vb_view_of(text), "logins", &credentials, &err) != VB_OK)
        fail_msg("%s", err.text);
    return credentials;
}

static const struct {
    const char *scheme, *host;
    unsigned port;
    const char *user, *password, *token;
} places[] = {
    {"https", "api.twilio.com", 443, "AC1", "to:ken", NULL},
    {"https", "API.Twilio.com.", 443, "AC1", "to:ken", NULL},
    {"https", "graph.example.com", 443, NULL, NULL, "EAA|x-._~+/="},
    {"https", "media.local", 8443, "u", "two  words ", NULL},
    {"https", "[2001:db8::1]", 443, NULL, NULL, "six"},
    {"https", "[2001:db8::1]", 444, "u", "", NULL},
    {"http", "plain.local", 80, "p", "q", NULL},
    {"http", "plain.local", 9000, NULL, NULL, "t"},
};
static const char whole[] = "\xEF\xBB\xBF# logins\r\n"
                            "api.Twilio.com basic AC1:to:ken\r\n"
                            "\n"
                            "  graph.example.com.\t Bearer   EAA|x-._~+/=\n"
                            "https://media.local:8443 BASIC u:two  words \n"
                            "[2001:db8::1] bearer six\n"
                            "[2001:db8::1]:444 basic u:\n"
                            "http://plain.local basic p:q\n"
                            "http://plain.local:9000 bearer t";

static void expect_text(const char *given, const char *expected)
{
    if (expected)
        assert_string_equal(given, expected);
    else
        assert_null(given);
}

static void a_login_is_for_one_scheme_host_and_port(void **unused)
{
    (void)unused;
    struct vb_media_credentials *credentials = file_of(whole);
    struct vb_media_login login;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *other = strcmp(places[i].scheme, "http") == 0 ? "https" : "http";
        assert_true(vb_media_credentials_find(credentials, places[i].scheme, places[i].host,
                                              places[i].port, &login));
        expect_text(login.user, places[i].user);
        expect_text(login.password, places[i].password);
        expect_text(login.token, places[i].token);
        assert_false(
            vb_media_credentials_find(credentials, other, places[i].host, places[i].port, &login));
        assert_false(
            vb_media_credentials_find(credentials, places[i].scheme, places[i].host, 1, &login));
    }
    assert_false(vb_media_credentials_find(credentials, "https", "twilio.com", 443, &login));
    assert_false(vb_media_credentials_find(credentials, "https", "xapi.twilio.com", 443, &login));
    assert_false(vb_media_credentials_find(credentials, "https", "", 443, &login));
    vb_media_credentials_free(credentials);
    credentials = file_of("");
    assert_false(vb_media_credentials_find(credentials, "https", "a", 443, &login));
    vb_media_credentials_free(credentials);
}

static void mistakes_are_told_by_line_and_never_quoted(void **unused)
{
    (void)unused;
    static const struct {
        const char *line, *rule;
    } cases[] = {
        {"s3cret", "must be HOST[:PORT] basic USER:PASSWORD, or HOST[:PORT] bearer TOKEN"},
        {"host basic", "must be HOST[:PORT] basic"},
        {"host  bearer ", "must be HOST[:PORT] basic"},
        {"host s3cret:s3cret", "must be HOST[:PORT] basic"},
        {"host digest s3cret:s3cret", "behind the host must stand basic or bearer"},
        {"host basic s3cret", "behind basic must stand USER:PASSWORD"},
        {"host basic :s3cret", "behind basic must stand USER:PASSWORD"},
        {"host basic u:s3cret\tx\x01", "behind basic must stand USER:PASSWORD"},
        {"host bearer s3cret X-Header:", "a token has letters"},
        {"host bearer s3cret\x7F", "a token has letters"},
        {"ftp://host basic s3cret:x", "must begin with HOST"},
        {"https://host/path basic s3cret:x", "must begin with HOST"},
        {"s3cret:x@host basic a:b", "must begin with HOST"},
        {"*.host basic s3cret:x", "must begin with HOST"},
        {"host:0 basic s3cret:x", "must begin with HOST"},
        {"host:65536 basic s3cret:x", "must begin with HOST"},
        {"host: basic s3cret:x", "must begin with HOST"},
        {"[::1 basic s3cret:x", "must begin with HOST"},
        {"[] basic s3cret:x", "must begin with HOST"},
        {"FIRST.example:443 bearer s3cret", "the host has a login already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        struct vb_media_credentials *credentials = NULL;
        struct vb_error err = {0};
        snprintf(text, sizeof text, "first.example basic a:b\n# c\n%s\n", cases[i].line);
        assert_int_equal(
            vb_media_credentials_new(vb_view_of(text), "/etc/logins", &credentials, &err),
            VB_INVALID);
        assert_null(credentials);
        if (!strstr(err.text, "/etc/logins, line 3: ") || !strstr(err.text, cases[i].rule) ||
            strstr(err.text, "s3cret"))
            fail_msg("%s: %s", cases[i].line, err.text);
    }
    struct vb_media_credentials *credentials = NULL;
    assert_int_equal(
        vb_media_credentials_new((struct vb_view){"a basic b:\0c", 12}, "f", &credentials, NULL),
        VB_INVALID);
}

static void a_file_that_others_read_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        mode_t mode;
        enum vb_status status;
    } cases[] = {{0600, VB_OK},     {0400, VB_OK},     {0640, VB_OK},     {0440, VB_OK},
                 {0644, VB_DENIED}, {0660, VB_DENIED}, {0602, VB_DENIED}, {0604, VB_DENIED}};
    char path[] = "/tmp/verbatim-logins-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a basic b:c\n", 12), 12);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vb_media_credentials *credentials = NULL;
        struct vb_media_login login;
        struct vb_error err = {0};
        assert_int_equal(fchmod(fd, cases[i].mode), 0);
        assert_int_equal(vb_media_credentials_load(path, &credentials, &err), cases[i].status);
        if (cases[i].status == VB_OK)
            assert_true(vb_media_credentials_find(credentials, "https", "a", 443, &login));
        else
            assert_non_null(strstr(err.text, "must be 0640 or less"));
        vb_media_credentials_free(credentials);
    }
    close(fd);
    unlink(path);
    struct vb_media_credentials *credentials = NULL;
    assert_int_equal(vb_media_credentials_load(path, &credentials, NULL), VB_NOT_FOUND);
    assert_int_equal(vb_media_credentials_load(NULL, &credentials, NULL), VB_OK);
    vb_media_credentials_free(credentials);
    vb_media_credentials_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_for_one_scheme_host_and_port),
        cmocka_unit_test(mistakes_are_told_by_line_and_never_quoted),
        cmocka_unit_test(a_file_that_others_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
