/* What the S3 client computes without a network: addresses, links, file names, answers,
 * classes of failure, and credentials asked for by many threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../s3/endpoint.h"
#include "../../../s3/failure.h"
#include "../../../s3/xml.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_address(struct vb_s3_place place, const char *origin, const char *host,
                           const char *base)
{
    struct vb_s3_address address = {0};
    assert_int_equal(vb_s3_address_of(&place, &address, NULL), VB_OK);
    assert_string_equal(address.origin, origin);
    assert_string_equal(address.host, host);
    assert_string_equal(address.base, base);
    vb_s3_address_done(&address);
}

static void addresses_follow_the_endpoint(void **state)
{
    (void)state;
    assert_address((struct vb_s3_place){NULL, "eu-west-3", "bucket", VB_S3_AUTO},
                   "https://bucket.s3.eu-west-3.amazonaws.com", "bucket.s3.eu-west-3.amazonaws.com",
                   "");
    assert_address((struct vb_s3_place){NULL, "cn-north-1", "bucket", VB_S3_AUTO},
                   "https://bucket.s3.cn-north-1.amazonaws.com.cn",
                   "bucket.s3.cn-north-1.amazonaws.com.cn", "");
    assert_address((struct vb_s3_place){NULL, "eu-west-3", "my.bucket", VB_S3_AUTO},
                   "https://s3.eu-west-3.amazonaws.com", "s3.eu-west-3.amazonaws.com",
                   "/my.bucket");
    assert_address((struct vb_s3_place){"http://10.0.0.1:9000/", "r", "bucket", VB_S3_AUTO},
                   "http://10.0.0.1:9000", "10.0.0.1:9000", "/bucket");
    assert_address((struct vb_s3_place){"https://s3.test:443/a%20b/", "r", "bucket", VB_S3_PATH},
                   "https://s3.test", "s3.test", "/a b/bucket");
    assert_address((struct vb_s3_place){"http://[::1]:8080", "r", "bucket", VB_S3_AUTO},
                   "http://[::1]:8080", "[::1]:8080", "/bucket");
    assert_address((struct vb_s3_place){"https://s3.test:8443", "r", "bucket", VB_S3_VIRTUAL},
                   "https://bucket.s3.test:8443", "bucket.s3.test:8443", "");
    assert_address(
        (struct vb_s3_place){"https://x.amazonaws.com.evil.test", "r", "bucket", VB_S3_AUTO},
        "https://x.amazonaws.com.evil.test", "x.amazonaws.com.evil.test", "/bucket");
}

static void places_that_cannot_be_are_refused(void **state)
{
    static const struct vb_s3_place bad[] = {
        {"ftp://host", "r", "bucket", VB_S3_AUTO},
        {"host:9000", "r", "bucket", VB_S3_AUTO},
        {"http://user:secret@host", "r", "bucket", VB_S3_AUTO},
        {"http://host/?x=1", "r", "bucket", VB_S3_AUTO},
        {"http://host/#x", "r", "bucket", VB_S3_AUTO},
        {"http://host", "", "bucket", VB_S3_AUTO},
        {"http://host", "r/../x", "bucket", VB_S3_AUTO},
        {"http://host", "r", "", VB_S3_AUTO},
        {"http://host", "r", "a/b", VB_S3_AUTO},
        {"http://host", "r", "..", VB_S3_AUTO},
        {"http://host", "r", "under_score", VB_S3_VIRTUAL},
        {"http://host", "r", NULL, VB_S3_AUTO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct vb_s3_address address = {0};
        assert_int_equal(vb_s3_address_of(&bad[i], &address, NULL), VB_INVALID);
        assert_null(address.origin);
    }
}

static struct vb_s3_keys example_keys(void)
{
    struct vb_s3_keys keys = {0};
    snprintf(keys.access_key_id, sizeof keys.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    snprintf(keys.secret_access_key, sizeof keys.secret_access_key,
             "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    return keys;
}

/* The documentation's example, made by the function that makes our links. */
static void a_link_is_the_documented_one(void **state)
{
    (void)state;
    const struct vb_s3_keys keys = example_keys();
    const struct vb_s3_place place = {"https://s3.amazonaws.com", "us-east-1", "examplebucket",
                                      VB_S3_AUTO};
    struct vb_s3_link link = {
        .place = &place,
        .keys = &keys,
        .key = "test.txt",
        .at = INT64_C(1369353600) * VB_SECOND + 999999,
        .lifetime = 86400,
    };
    struct vb_buffer url;
    vb_buffer_init(&url, 4096);
    assert_int_equal(vb_s3_presign_get(&link, &url, NULL), VB_OK);
    assert_string_equal(
        url.data,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    link.lifetime = 604801;
    assert_int_equal(vb_s3_presign_get(&link, &url, NULL), VB_INVALID);
    vb_buffer_done(&url);
}

static void assert_disposition(const char *name, const char *expected)
{
    struct vb_buffer out;
    vb_buffer_init(&out, 16384);
    assert_int_equal(vb_content_disposition(&out, name), VB_OK);
    assert_string_equal(out.data, expected);
    vb_buffer_done(&out);
}

static void file_names_of_any_language(void **state)
{
    (void)state;
    assert_disposition("a b.zip", "attachment; filename=\"a b.zip\"; filename*=UTF-8''a%20b.zip");
    assert_disposition("\xe4\xbc\x9a\xc3\xa9.zip",
                       "attachment; filename=\"__.zip\"; filename*=UTF-8''%E4%BC%9A%C3%A9.zip");
    assert_disposition("x\"\\%\r\n/'*;", "attachment; filename=\"x______'*;\"; "
                                         "filename*=UTF-8''x%22%5C%25%0D%0A%2F%27%2A%3B");
    struct vb_buffer out;
    vb_buffer_init(&out, 16384);
    assert_int_equal(vb_content_disposition(&out, ""), VB_INVALID);
    vb_buffer_done(&out);
}

static void on_element(void *context, const char *path, const char *text)
{
    struct vb_buffer *seen = context;
    assert_int_equal(vb_buffer_printf(seen, "%s=%s;", path, text), VB_OK);
}

static void assert_elements(const char *document, enum vb_status status, const char *elements)
{
    struct vb_buffer seen;
    vb_buffer_init(&seen, 65536);
    const struct vb_xml_reader reader = {on_element, &seen};
    assert_int_equal(vb_xml_read(vb_view_of(document), &reader, NULL), status);
    assert_string_equal(seen.data ? seen.data : "", elements);
    vb_buffer_done(&seen);
}

static void answers_are_read_by_path(void **state)
{
    (void)state;
    assert_elements(" \n<?xml version=\"1.0\"?><a xmlns=\"u\"><b>x &amp; &#x4f1a;</b><c/></a>",
                    VB_OK, "a/b=x & \xe4\xbc\x9a;a/c=;a=;");
    assert_elements("<s:a xmlns:s=\"u\"><s:b>1</s:b></s:a>", VB_OK, "a/b=1;a=;");
    assert_elements("<a><b>1</b>", VB_INVALID, "a/b=1;");
    assert_elements("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", VB_INVALID, "");
    assert_elements("", VB_INVALID, "");
}

static void failures_have_remedies(void **state)
{
    static const struct {
        struct vb_s3_failure failure;
        enum vb_s3_remedy remedy;
        enum vb_s3_outcome outcome;
    } cases[] = {
        {{.status = 503, .code = "SlowDown"}, VB_S3_TRY_LATER, VB_S3_THROTTLED},
        {{.status = 400, .code = "RequestTimeout"}, VB_S3_TRY_AGAIN, VB_S3_REFUSED},
        {{.status = 500}, VB_S3_TRY_AGAIN, VB_S3_SERVER_FAILED},
        {{.status = 501}, VB_S3_GIVE_UP, VB_S3_SERVER_FAILED},
        {{.status = 200, .code = "InternalError"}, VB_S3_TRY_AGAIN, VB_S3_SERVER_FAILED},
        {{.status = 200, .code = "InvalidPart"}, VB_S3_GIVE_UP, VB_S3_SERVER_FAILED},
        {{.status = 403, .code = "RequestTimeTooSkewed"}, VB_S3_CORRECT_CLOCK, VB_S3_REFUSED},
        {{.status = 400, .code = "ExpiredToken"}, VB_S3_RENEW_KEYS, VB_S3_REFUSED},
        {{.status = 403, .code = "AccessDenied"}, VB_S3_GIVE_UP, VB_S3_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(vb_s3_failure_remedy(&cases[i].failure), cases[i].remedy);
        assert_int_equal(vb_s3_failure_outcome(&cases[i].failure), cases[i].outcome);
    }
}

static void *ask_often(void *context)
{
    struct vb_s3_keys keys;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(vb_s3_credentials_get(context, &keys, NULL), VB_OK);
        assert_string_equal(keys.access_key_id, "ENVIRONMENT");
        vb_s3_credentials_expired(context, &keys); /* so that fetches meet each other */
    }
    return NULL;
}

static void threads_share_credentials(void **state)
{
    struct vb_s3_credentials *credentials;
    pthread_t threads[4];
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    assert_int_equal(vb_s3_credentials_new("us-east-1", &credentials, NULL), VB_OK);
    assert_string_equal(vb_s3_credentials_source(credentials), "");
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, credentials), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_string_equal(vb_s3_credentials_source(credentials), "environment");
    vb_s3_credentials_free(credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_follow_the_endpoint),
        cmocka_unit_test(places_that_cannot_be_are_refused),
        cmocka_unit_test(a_link_is_the_documented_one),
        cmocka_unit_test(file_names_of_any_language),
        cmocka_unit_test(answers_are_read_by_path),
        cmocka_unit_test(failures_have_remedies),
        cmocka_unit_test(threads_share_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
