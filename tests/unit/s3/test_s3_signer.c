/* Signature Version 4: the known answers of the S3 documentation, the presigned link, and the
 * rules of canonical form. Times and keys are fixed; nothing is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "verbatim/s3_signer.h"

#define DOCUMENT_TIME (INT64_C(1369353600) * VB_SECOND) /* 2013-05-24T00:00:00Z */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define PAIR(name, value)                                                                          \
    {                                                                                              \
        VB_VIEW(name), VB_VIEW(value)                                                              \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct vb_s3_signing document_request(const char *method, const char *path)
{
    return (struct vb_s3_signing){
        .method = method,
        .path = vb_view_of(path),
        .access_key_id = "AKIAIOSFODNN7EXAMPLE",
        .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        .at = DOCUMENT_TIME,
        .region = "us-east-1",
        .service = "s3",
    };
}

static void assert_signature(const struct vb_s3_signing *signing, const char *signature)
{
    struct vb_s3_signature result = {0};
    assert_int_equal(vb_s3_sign(signing, &result, NULL), VB_OK);
    assert_string_equal(result.signature, signature);
    vb_s3_signature_done(&result);
}

static void document_get_object(void **state)
{
    (void)state;
    const struct vb_s3_pair headers[] = {
        PAIR("Host", "examplebucket.s3.amazonaws.com"),
        PAIR("Range", "bytes=0-9"),
        PAIR("x-amz-content-sha256", EMPTY),
    };
    struct vb_s3_signing signing = document_request("GET", "/test.txt");
    struct vb_s3_signature result = {0};
    signing.headers = headers;
    signing.header_count = COUNT(headers);
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_string_equal(result.canonical_request.data,
                        "GET\n/test.txt\n\n"
                        "host:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
                        "x-amz-content-sha256:" EMPTY "\nx-amz-date:20130524T000000Z\n\n"
                        "host;range;x-amz-content-sha256;x-amz-date\n" EMPTY);
    assert_string_equal(result.string_to_sign.data,
                        "AWS4-HMAC-SHA256\n20130524T000000Z\n"
                        "20130524/us-east-1/s3/aws4_request\n"
                        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
    assert_string_equal(result.signature,
                        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    assert_string_equal(
        result.authorization.data,
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    vb_s3_signature_done(&result);
}

static void document_put_object(void **state)
{
    static const char digest[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    (void)state;
    const struct vb_s3_pair headers[] = {
        PAIR("Host", "examplebucket.s3.amazonaws.com"),
        PAIR("Date", "Fri, 24 May 2013 00:00:00 GMT"),
        PAIR("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        {VB_VIEW("x-amz-content-sha256"), VB_VIEW(digest)},
    };
    struct vb_s3_signing signing = document_request("PUT", "/test$file.text");
    signing.headers = headers;
    signing.header_count = COUNT(headers);
    signing.payload_sha256 = digest;
    assert_signature(&signing, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static const struct vb_s3_pair plain_headers[] = {
    PAIR("Host", "examplebucket.s3.amazonaws.com"),
    PAIR("x-amz-content-sha256", EMPTY),
};

static void document_get_lifecycle(void **state)
{
    (void)state;
    const struct vb_s3_pair query[] = {PAIR("lifecycle", "")};
    struct vb_s3_signing signing = document_request("GET", "/");
    signing.headers = plain_headers;
    signing.header_count = COUNT(plain_headers);
    signing.query = query;
    signing.query_count = 1;
    assert_signature(&signing, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void document_list_objects(void **state)
{
    (void)state;
    const struct vb_s3_pair query[] = {PAIR("prefix", "J"), PAIR("max-keys", "2")};
    struct vb_s3_signing signing = document_request("GET", "");
    signing.headers = plain_headers;
    signing.header_count = COUNT(plain_headers);
    signing.query = query;
    signing.query_count = 2;
    assert_signature(&signing, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static struct vb_s3_signing document_link(void)
{
    struct vb_s3_signing signing = document_request("GET", "/test.txt");
    signing.headers = plain_headers;
    signing.header_count = 1;
    signing.mode = VB_S3_SIGN_QUERY;
    signing.expires = 86400;
    return signing;
}

static void document_presigned_link(void **state)
{
    (void)state;
    struct vb_s3_signing signing = document_link();
    struct vb_s3_signature result = {0};
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_string_equal(
        result.target.data,
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
        "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    assert_int_equal(result.authorization.length, 0);
    vb_s3_signature_done(&result);
}

static void a_session_token_is_signed(void **state)
{
    (void)state;
    struct vb_s3_signature result = {0};
    struct vb_s3_signing signing = document_link();
    signing.session_token = "to/ken+=";
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_non_null(strstr(result.canonical_request.data,
                           "&X-Amz-Expires=86400&X-Amz-Security-Token=to%2Fken%2B%3D&"));
    assert_non_null(strstr(result.target.data, "X-Amz-Security-Token=to%2Fken%2B%3D"));
    signing.mode = VB_S3_SIGN_HEADER;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_non_null(strstr(result.canonical_request.data, "\nx-amz-security-token:to/ken+=\n"));
    assert_non_null(strstr(result.authorization.data, "host;x-amz-date;x-amz-security-token,"));
    vb_s3_signature_done(&result);
}

static void headers_are_folded_joined_and_filtered(void **state)
{
    (void)state;
    const struct vb_s3_pair headers[] = {
        PAIR("X-Two", "  b \t  c\r\n d  "),
        PAIR("x-two", "a"),
        PAIR("Host", "h:8080"),
        PAIR("User-Agent", "curl"),
        PAIR("Expect", "100-continue"),
        PAIR("Content-Type", "text/plain"),
    };
    struct vb_s3_signing signing = document_request("GET", "/");
    struct vb_s3_signature result = {0};
    signing.headers = headers;
    signing.header_count = COUNT(headers);
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_string_equal(
        result.canonical_request.data,
        "GET\n/\n\ncontent-type:text/plain\nhost:h:8080\nx-amz-date:20130524T000000Z\n"
        "x-two:b c d,a\n\ncontent-type;host;x-amz-date;x-two\n" EMPTY);
    vb_s3_signature_done(&result);
}

static void assert_path(const char *path, bool normalize, const char *canonical)
{
    struct vb_s3_signing signing = document_request("GET", path);
    struct vb_s3_signature result = {0};
    signing.headers = plain_headers;
    signing.header_count = 1;
    signing.normalize_path = normalize;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_string_equal(result.target.data, canonical);
    vb_s3_signature_done(&result);
}

static void paths_are_encoded_once_and_folded_only_on_demand(void **state)
{
    (void)state;
    assert_path("/a b+c%41/\xc3\xa9~'()*!", false, "/a%20b%2Bc%2541/%C3%A9~%27%28%29%2A%21");
    assert_path("//a/./b/../c//", false, "//a/./b/../c//");
    assert_path("//a/./b/../c//", true, "/a/c/");
    assert_path("/../../x", true, "/x");
    assert_path("/x/..", true, "/");
    assert_path("/./", true, "/");
    assert_path("/a/b/..", true, "/a");
}

static void queries_are_sorted_by_encoded_bytes(void **state)
{
    (void)state;
    const struct vb_s3_pair query[] = {
        PAIR("b", "x y+z/"), PAIR("a-", "1"),      PAIR("a", "2"),
        PAIR("a", "10"),     PAIR("\xc3\xa9", ""), PAIR("B", ""),
    };
    struct vb_s3_signing signing = document_request("GET", "/");
    struct vb_s3_signature result = {0};
    signing.headers = plain_headers;
    signing.header_count = 1;
    signing.query = query;
    signing.query_count = COUNT(query);
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    assert_string_equal(result.target.data, "/?%C3%A9=&B=&a=10&a=2&a-=1&b=x%20y%2Bz%2F");
    vb_s3_signature_done(&result);
}

static void what_cannot_be_signed_is_refused(void **state)
{
    (void)state;
    struct vb_s3_signature result = {0};
    struct vb_s3_signing signing = document_link();
    signing.expires = 0;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_INVALID);
    signing.expires = VB_S3_LIFETIME_MOST + 1;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_INVALID);
    signing.expires = VB_S3_LIFETIME_MOST;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_OK);
    signing.header_count = 0;
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_INVALID);
    signing = document_link();
    signing.access_key_id = "";
    assert_int_equal(vb_s3_sign(&signing, &result, NULL), VB_INVALID);
    vb_s3_signature_done(&result);
}

/* Runs the command on `input`; the answer is the caller's to free. */
static enum vb_status run_command(const char *input, char **ret_output, struct vb_error *err)
{
    size_t length = 0;
    char *copy = strdup(input);
    assert_non_null(copy);
    FILE *in = fmemopen(copy, strlen(copy), "r");
    FILE *out = open_memstream(ret_output, &length);
    assert_non_null(in);
    assert_non_null(out);
    enum vb_status status = vb_s3_sign_command(in, out, err);
    fclose(in);
    fclose(out);
    free(copy);
    return status;
}

static void the_command_shows_the_stages(void **state)
{
    (void)state;
    char *output = NULL;
    assert_int_equal(
        run_command("{\"method\": \"GET\", \"path\": \"/test.txt\", \"query\": [],"
                    "\"headers\": [[\"Host\", \"examplebucket.s3.amazonaws.com\"]],"
                    "\"access_key_id\": \"AKIAIOSFODNN7EXAMPLE\","
                    "\"secret_access_key\": \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\","
                    "\"session_token\": null, \"timestamp\": \"20130524T000000Z\","
                    "\"payload_sha256\": \"UNSIGNED-PAYLOAD\", \"region\": \"us-east-1\","
                    "\"service\": \"s3\", \"mode\": \"query\", \"expires\": 86400,"
                    "\"normalize_path\": false}",
                    &output, NULL),
        VB_OK);
    assert_non_null(strstr(output,
                           "\"signature\":\"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957"
                           "d157751f604d404\""));
    assert_non_null(strstr(output, "\"canonical_request\":\"GET\\n/test.txt\\nX-Amz-Algorithm="));
    assert_null(strstr(output, "wJalrXUtnFEMI"));
    free(output);
}

static void the_command_refuses_bad_input(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"path\": 1}",
        "{\"path\": \"/\", \"path\": \"/\"}",
        "{\"path\": \"/\", \"timestamp\": \"20130230T000000Z\"}",
        "{\"path\": \"/\", \"timestamp\": \"20130524T240000Z\"}",
        "{\"path\": \"/\", \"timestamp\": \"20130524T000000Z\", \"mode\": \"body\"}",
        "{\"path\": \"/\", \"timestamp\": \"20130524T000000Z\", \"query\": [[\"a\"]]}",
        "{\"path\": \"/\", \"timestamp\": \"20130524T000000Z\", \"expires\": -1}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct vb_error error;
        char *output = NULL;
        assert_int_equal(run_command(*bad[i] ? bad[i] : " ", &output, &error), VB_INVALID);
        assert_true(strlen(error.text) > 0);
        assert_string_equal(output, "");
        free(output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_get_object),
        cmocka_unit_test(document_put_object),
        cmocka_unit_test(document_get_lifecycle),
        cmocka_unit_test(document_list_objects),
        cmocka_unit_test(document_presigned_link),
        cmocka_unit_test(a_session_token_is_signed),
        cmocka_unit_test(headers_are_folded_joined_and_filtered),
        cmocka_unit_test(paths_are_encoded_once_and_folded_only_on_demand),
        cmocka_unit_test(queries_are_sorted_by_encoded_bytes),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
        cmocka_unit_test(the_command_shows_the_stages),
        cmocka_unit_test(the_command_refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
