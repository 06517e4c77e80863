/* Every allocation of the S3 client fails once, ours and those of libcurl, expat and jansson: none
 * is told as something that lasts. The store is a thread behind a real socket. */
#include "memory.h"

#include "../../../s3/call.h"
#include "../../../s3/credentials.h"
#include "../../../s3/xml.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char url[64];
static int listener;
static const char *_Atomic body; /* of each answer */

static void *serve(void *context)
{
    char head[8192], text[4096];
    for (int peer; (peer = accept(listener, NULL, NULL)) >= 0; close(peer)) {
        const char *content = body;
        int size = snprintf(text, sizeof text,
                            "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n%s",
                            strlen(content), content);
        if (recv(peer, head, sizeof head, 0) > 0)
            (void)!send(peer, text, (size_t)size, MSG_NOSIGNAL);
    }
    return context;
}

static int start(void **state)
{
    static const char *const libraries[] = {"libcurl", "libexpat", "libjansson", NULL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    (void)state;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0)
        return -1;
    pthread_detach(thread);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    failing_allocations_steer(&memory, libraries);
    return 0;
}

static char *file_of(const char *text)
{
    static char path[32];
    snprintf(path, sizeof path, "/tmp/verbatim-memory-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static enum vb_status shared_file(void *context)
{
    struct vb_s3_keys keys;
    (void)context;
    return vb_s3_fetch_shared_file(&(struct vb_s3_lookup){0}, &keys, NULL);
}

static void test_the_credentials_file(void **state)
{
    char *path = file_of("[default]\naws_access_key_id = A\naws_secret_access_key = B\n");
    (void)state;
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    each_allocation_fails("credentials file", shared_file, NULL, 1);
    unlink(path);
}

static const char *heap_begin(void)
{
    char line[512];
    uintptr_t first = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "[heap]"))
            first = (uintptr_t)strtoull(line, NULL, 16);
    (void)fclose(maps);
    assert_true(first);
    return (const char *)first;
}

/* Whether the heap still holds the bytes, in use or freed. Takes no memory, which could be where
 * they were. */
static bool heap_holds(const char *first, const char *needle, size_t length)
{
    return memmem(first, (size_t)((char *)sbrk(0) - first), needle, length) != NULL;
}

static void test_no_copy_of_a_key_stays(void **state)
{
    char text[] = "[default]\naws_access_key_id = A\naws_secret_access_key = 0123456789012345\n";
    char *secret = strstr(text, "0123456789012345");
    (void)state;
    for (size_t i = 0; i < 16; i++) /* so that no literal holds it */
        secret[i] = (char)('a' + (7 * i + 3) % 26);
    char *path = file_of(text);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    const char *first = heap_begin();
    char *held = strdup(secret);
    assert_true(heap_holds(first, secret, 16));
    explicit_bzero(held, 16);
    free(held);
    assert_int_equal(shared_file(NULL), VB_OK);
    assert_false(heap_holds(first, secret, 16));
    unlink(path);
}

static enum vb_status container(void *context)
{
    struct vb_s3_keys keys = {0};
    (void)context;
    enum vb_status status = vb_s3_fetch_container(&(struct vb_s3_lookup){0}, &keys, NULL);
    if (status == VB_OK) { /* nothing was dropped on the way */
        assert_string_equal(keys.access_key_id, "AKIDEXAMPLEAKIDEXAMPLEAKIDEXAMPLEAKIDEXAMPLE");
        assert_string_equal(keys.session_token, "t");
    }
    return status;
}

static void test_the_container(void **state)
{
    char *path = file_of("token\n");
    (void)state;
    body = "{\"AccessKeyId\": \"AKIDEXAMPLEAKIDEXAMPLEAKIDEXAMPLEAKIDEXAMPLE\","
           " \"SecretAccessKey\": \"s\", \"Token\": \"t\"}";
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    each_allocation_fails("container", container, NULL, 10);
    unlink(path);
}

static enum vb_status web_identity(void *context)
{
    struct vb_s3_keys keys;
    (void)context;
    return vb_s3_fetch_web_identity(&(struct vb_s3_lookup){0}, &keys, NULL);
}

static void test_the_web_identity(void **state)
{
    char *path = file_of("token\n");
    (void)state;
    body = "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey>"
           "<SessionToken>C</SessionToken></Credentials></R>";
    setenv("AWS_ENDPOINT_URL_STS", url, 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    setenv("AWS_ROLE_ARN", "arn", 1);
    each_allocation_fails("web identity", web_identity, NULL, 10);
    unlink(path);
}

static enum vb_status take_part(void *context, const struct vb_s3_part *part)
{
    (void)context, (void)part;
    return VB_OK;
}

static enum vb_status take_upload(void *context, const char *upload_id, struct vb_error *err)
{
    (void)context, (void)upload_id, (void)err;
    return VB_OK;
}

/* The client is made anew each time: its handle keeps what it has allocated once. */
static enum vb_status with_client(enum vb_status (*use)(struct vb_s3_client *client))
{
    struct vb_s3_credentials *credentials = NULL;
    struct vb_s3_client *client = NULL;
    enum vb_status status = vb_s3_credentials_new("r", &credentials, NULL);
    struct vb_s3_options options = {
        .place = {.endpoint = url, .region = "r", .bucket = "b", .addressing = VB_S3_PATH},
        .credentials = credentials,
        .attempts = 1,
    };
    if (status == VB_OK)
        status = vb_s3_client_new(&options, &client, NULL);
    if (status == VB_OK)
        status = use(client);
    vb_s3_client_free(client);
    vb_s3_credentials_free(credentials);
    return status;
}

static enum vb_status list_parts(struct vb_s3_client *client)
{
    return vb_s3_list_parts(client, "k", "u", take_part, NULL, NULL);
}

static enum vb_status list_uploads(struct vb_s3_client *client)
{
    return vb_s3_list_uploads(client, "k", take_upload, NULL, NULL);
}

static enum vb_status create_upload(struct vb_s3_client *client)
{
    char id[VB_S3_UPLOAD_ID];
    struct vb_s3_kind kind = {.content_type = "text/plain", .file_name = "ä.txt"};
    return vb_s3_create_upload(client, "k", kind, id, NULL);
}

static enum vb_status complete_upload(struct vb_s3_client *client)
{
    char etag[VB_S3_ETAG];
    const struct vb_s3_part part = {.number = 1, .size = 1, .etag = "\"e\""};
    return vb_s3_complete_upload(client, "k", "u", &part, 1, etag, NULL);
}

static enum vb_status put(struct vb_s3_client *client)
{
    char etag[VB_S3_ETAG];
    const struct vb_s3_body nothing = {0};
    struct vb_s3_kind kind = {.content_type = "text/plain", .file_name = "ä.txt"};
    return vb_s3_put(client, "k", &nothing, kind, etag, NULL);
}

static const struct {
    const char *name, *body;
    enum vb_status (*use)(struct vb_s3_client *client);
} calls[] = {
    {"list parts",
     "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></ListPartsResult>",
     list_parts},
    {"list uploads",
     "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload>"
     "</ListMultipartUploadsResult>",
     list_uploads},
    {"create upload",
     "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
     create_upload},
    {"complete upload",
     "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
     complete_upload},
    {"put", "", put},
};

static enum vb_status call_of(void *context)
{
    size_t index = *(size_t *)context;
    return with_client(calls[index].use);
}

static void test_the_calls(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "B", 1);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        body = calls[i].body;
        each_allocation_fails(calls[i].name, call_of, &i, 20);
    }
}

static enum vb_status presign(void *context)
{
    (void)context;
    struct vb_buffer out;
    const struct vb_s3_place place = {.endpoint = url, .region = "r", .bucket = "b"};
    const struct vb_s3_keys keys = {.access_key_id = "A", .secret_access_key = "B"};
    const struct vb_s3_link link = {.place = &place,
                                    .keys = &keys,
                                    .key = "k",
                                    .file_name = "ä.zip",
                                    .at = VB_SECOND,
                                    .lifetime = 60};
    vb_buffer_init(&out, 4096);
    enum vb_status status = vb_s3_presign_get(&link, &out, NULL);
    vb_buffer_done(&out);
    return status;
}

static void test_a_link(void **state)
{
    (void)state;
    each_allocation_fails("link", presign, NULL, 10);
}

static enum vb_status sign_command(void *context)
{
    FILE *in = fmemopen(context, strlen(context), "r"), *out = fopen("/dev/null", "w");
    assert_true(in && out);
    enum vb_status status = vb_s3_sign_command(in, out, NULL);
    (void)fclose(in);
    (void)fclose(out);
    return status;
}

static void test_the_signing_command(void **state)
{
    char text[] = "{\"method\": \"GET\", \"path\": \"/\", \"timestamp\": \"20150830T123600Z\","
                  " \"access_key_id\": \"A\", \"secret_access_key\": \"B\", \"region\": \"r\","
                  " \"service\": \"s3\", \"headers\": [[\"host\", \"example.org\"]]}";
    (void)state;
    each_allocation_fails("signing", sign_command, text, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_credentials_file),
        cmocka_unit_test(test_no_copy_of_a_key_stays),
        cmocka_unit_test(test_the_container),
        cmocka_unit_test(test_the_web_identity),
        cmocka_unit_test(test_the_calls),
        cmocka_unit_test(test_a_link),
        cmocka_unit_test(test_the_signing_command),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
