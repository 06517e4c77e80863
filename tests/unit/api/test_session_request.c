/* What a request says about a session before anybody is asked: its cookie, whether it comes from a
 * page of ours, and how often somebody may try. */
#include "api/cookie.h"
#include "api/own_page.h"
#include "api/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static char bytes[VB_HTTP_HEAD];

/* `lines` are header lines, each with its CR LF. */
static struct vb_http_head head_of(const char *method, const char *lines)
{
    struct vb_http_head head;
    struct vb_http_refusal refusal = {0};
    (void)snprintf(bytes, sizeof(bytes), "%s / HTTP/1.1\r\nHost: here.example:8080\r\n%s\r\n",
                   method, lines);
    assert_int_equal(vb_http_head_parse(vb_view_of(bytes), &head, &refusal), VB_OK);
    return head;
}

static void a_cookie_is_found_among_others(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *value; /* NULL: none */
    } cases[] = {
        {"", NULL},
        {"Cookie: s=1\r\n", "1"},
        {"Cookie: a=b; s=1; c=d\r\n", "1"},
        {"cookie: a=b;s=1;c=d\r\n", "1"},
        {"Cookie: a=b\r\nCookie: s=1\r\n", "1"},
        {"Cookie: s=\r\n", ""},
        {"Cookie: s=a=b\r\n", "a=b"},
        {"Cookie: s=\"1\"\r\n", "\"1\""},
        {"Cookie: xs=1\r\n", NULL},
        {"Cookie: S=1\r\n", NULL},
        {"Cookie: s\r\n", NULL},
        {"Cookie: s =1\r\n", NULL},
        {"Cookie: =1; s=2\r\n", "2"},
        {"Cookie: ;;; s=2;;\r\n", "2"},
        {"Cookie: a=\"; s=1\r\n", "1"},
        {"Cookie: s=1; s=1\r\n", "1"},
        {"Cookie: s=1; s=2\r\n", NULL},
        {"Cookie: s=1\r\nCookie: s=2\r\n", NULL},
        {"Cookie: s=1; s=\r\n", NULL},
        {"X-Cookie: s=1\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct vb_http_head head = head_of("GET", cases[i].lines);
        struct vb_view value = vb_api_cookie(&head, "s");
        if (cases[i].value)
            assert_true(value.data && vb_view_equals(value, vb_view_of(cases[i].value)));
        else
            assert_null(value.data);
    }
}

static void a_cookie_is_for_what_people_reach(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http://here.example:8080", "/api/"},     {"https://here.example", "/api/"},
        {"https://here.example/a/b", "/a/b/api/"}, {"https://here.example/a%20b", "/a%20b/api/"},
        {"https://here.example/a;b", "/"},         {"https://here.example/a,b", "/"},
        {"https://here.example/a b", "/"},         {"https://here.example/\xc3\xa4", "/"},
    };
    struct vb_buffer out;
    vb_buffer_init(&out, 1024);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vb_buffer_reset(&out);
        assert_int_equal(vb_api_cookie_path(cases[i][0], "/api/", &out), VB_OK);
        assert_string_equal(out.data, cases[i][1]);
    }
    vb_buffer_done(&out);
    assert_true(vb_api_cookie_is_secure("https://here.example"));
    assert_true(vb_api_cookie_is_secure("HTTPS://here.example"));
    assert_false(vb_api_cookie_is_secure("http://here.example/https://"));
}

#define MARK "X-Verbatim-Console: 1\r\n"
#define BASE "https://public.example"

static void a_change_comes_from_a_page_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool is_ours;
    } cases[] = {
        {MARK, true},
        {"", false},
        {"X-Verbatim-Console: 0\r\n", false},
        {"X-Verbatim-Console: true\r\n", false},
        {"X-Verbatim-Console:\r\n", false},
        {MARK MARK, false},
        {"Sec-Fetch-Site: same-origin\r\n", false},
        {MARK "Sec-Fetch-Site: same-origin\r\n", true},
        {MARK "Sec-Fetch-Site: same-site\r\n", false},
        {MARK "Sec-Fetch-Site: cross-site\r\n", false},
        {MARK "Sec-Fetch-Site: none\r\n", false},
        {MARK "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", false},
        {MARK "Origin: https://public.example\r\n", true},
        {MARK "Origin: HTTPS://Public.Example\r\n", true},
        {MARK "Origin: https://public.example:443\r\n", true},
        {MARK "Origin: http://public.example\r\n", false},
        {MARK "Origin: https://public.example:444\r\n", false},
        {MARK "Origin: https://public.example.evil.example\r\n", false},
        {MARK "Origin: https://public.exampl\r\n", false},
        {MARK "Origin: http://here.example:8080\r\n", true},
        {MARK "Origin: https://here.example:8080\r\n", true},
        {MARK "Origin: http://here.example:8081\r\n", false},
        {MARK "Origin: http://here.example\r\n", false},
        {MARK "Origin: ftp://here.example:8080\r\n", false},
        {MARK "Origin: here.example:8080\r\n", false},
        {MARK "Origin: null\r\n", false},
        {MARK "Origin:\r\n", false},
        {MARK "Origin: http://\r\n", false},
        {MARK "Origin: https://public.example\r\nOrigin: https://public.example\r\n", false},
    };
    static const char *const changing[] = {"POST", "DELETE", "PATCH", "PUT", "get"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t k = 0; k < sizeof(changing) / sizeof(changing[0]); k++) {
            const struct vb_http_head head = head_of(changing[k], cases[i].lines);
            assert_int_equal(vb_api_own_page_refusal(&head, BASE) == NULL, cases[i].is_ours);
        }
        const struct vb_http_head head = head_of("GET", cases[i].lines);
        assert_null(vb_api_own_page_refusal(&head, BASE));
    }
}

static void mistakes_are_counted_for_each_and_for_all(void **state)
{
    (void)state;
    static struct vb_api_throttle throttle;
    const int64_t now = 1000 * VB_SECOND;
    memset(&throttle, 0, sizeof(throttle));
    for (int i = 0; i < VB_API_THROTTLE_EACH; i++)
        assert_int_equal(vb_api_throttle_take(&throttle, 7, now), 0);
    assert_int_equal(vb_api_throttle_take(&throttle, 7, now), VB_API_THROTTLE_EACH_TIME);
    assert_int_equal(vb_api_throttle_take(&throttle, 7, now + 1), VB_API_THROTTLE_EACH_TIME - 1);
    assert_int_equal(vb_api_throttle_take(&throttle, 7, now + VB_API_THROTTLE_EACH_TIME), 0);
    assert_true(vb_api_throttle_take(&throttle, 7, now + VB_API_THROTTLE_EACH_TIME) > 0);
    assert_int_equal(vb_api_throttle_take(&throttle, 8, now), 0);
    /* Others are not touched by it, until there were too many of them together. */
    memset(&throttle, 0, sizeof(throttle));
    unsigned slot = 8, taken = 0;
    while (vb_api_throttle_take(&throttle, slot++, now) == 0)
        taken++;
    assert_int_equal(taken, VB_API_THROTTLE_ALL);
    assert_int_equal(vb_api_throttle_take(&throttle, slot, now), VB_API_THROTTLE_ALL_TIME);
    /* Who was refused for all has lost nothing of his own. */
    assert_int_equal(atomic_load(&throttle.each[slot]), now);
}

static void who_is_right_pays_nothing(void **state)
{
    (void)state;
    static struct vb_api_throttle throttle;
    const int64_t now = 1000 * VB_SECOND;
    memset(&throttle, 0, sizeof(throttle));
    for (int i = 0; i < 10 * VB_API_THROTTLE_ALL; i++) {
        assert_int_equal(vb_api_throttle_take(&throttle, 7, now), 0);
        vb_api_throttle_give(&throttle, 7);
    }
    /* A bucket is never more than full. */
    for (int i = 0; i < VB_API_THROTTLE_EACH; i++)
        assert_int_equal(vb_api_throttle_take(&throttle, 7, now + 1), 0);
    assert_true(vb_api_throttle_take(&throttle, 7, now + 1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_found_among_others),
        cmocka_unit_test(a_cookie_is_for_what_people_reach),
        cmocka_unit_test(a_change_comes_from_a_page_of_ours),
        cmocka_unit_test(mistakes_are_counted_for_each_and_for_all),
        cmocka_unit_test(who_is_right_pays_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
