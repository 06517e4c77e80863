/* A program that does what it is told with one S3 client, for the tests in
 * tests/end_to_end/test_s3_*.py.
 *
 * Reads commands from standard input, one a line, words separated by tabs; answers each with one
 * line of JSON. The place comes from S3_ENDPOINT, S3_REGION, S3_BUCKET, S3_ADDRESSING; the keys
 * from the chain. Bodies are made here: byte i of a body is (7 * i + seed) mod 256, in pieces of
 * odd sizes.
 */
#include "verbatim/json.h"
#include "verbatim/s3_client.h"
#include "verbatim/s3_signer.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MOST 64u
#define PIECE 100003u /* odd on purpose: pieces meet no block's border */

struct probe {
    struct vb_s3_client *client;
    struct vb_s3_credentials *credentials;
    struct vb_s3_counters counters;
    struct vb_s3_place place;
    int64_t stop_at; /* monotonic; 0: never */
    struct vb_json json;
    struct vb_error error;
};

typedef enum vb_status command(struct probe *probe, char **words, size_t count);

static bool stop(void *context)
{
    const struct probe *probe = context;
    return probe->stop_at && vb_clock_monotonic() >= probe->stop_at;
}

static const char *word(char **words, size_t count, size_t index)
{
    return index < count && *words[index] ? words[index] : NULL;
}

static uint64_t number(char **words, size_t count, size_t index)
{
    const char *text = word(words, count, index);
    return text ? strtoull(text, NULL, 10) : 0;
}

struct made_body {
    struct vb_s3_body body;
    struct iovec *pieces;
    char *data;
};

static struct made_body make_body(uint64_t size, uint64_t seed)
{
    struct made_body made = {0};
    size_t count = (size_t)(size / PIECE + 1);
    made.data = malloc((size_t)size + 1);
    made.pieces = calloc(count, sizeof *made.pieces);
    if (!made.data || !made.pieces)
        abort();
    for (size_t i = 0; i < size; i++)
        made.data[i] = (char)(unsigned char)(7 * i + seed);
    for (size_t i = 0; i < count; i++) {
        size_t start = i * PIECE, left = (size_t)size - start;
        made.pieces[i] = (struct iovec){made.data + start, left < PIECE ? left : PIECE};
    }
    made.body = (struct vb_s3_body){made.pieces, count, size};
    return made;
}

static void free_body(struct made_body *made)
{
    free(made->data);
    free(made->pieces);
}

/* put KEY SIZE SEED [CONTENT-TYPE] [FILE-NAME] */
static enum vb_status do_put(struct probe *probe, char **words, size_t count)
{
    char etag[VB_S3_ETAG] = "";
    struct made_body made = make_body(number(words, count, 2), number(words, count, 3));
    const struct vb_s3_kind kind = {word(words, count, 4), word(words, count, 5)};
    enum vb_status status =
        vb_s3_put(probe->client, words[1], &made.body, kind, etag, &probe->error);
    free_body(&made);
    vb_json_member_text(&probe->json, "etag", etag);
    return status;
}

/* create KEY [CONTENT-TYPE] [FILE-NAME] */
static enum vb_status do_create(struct probe *probe, char **words, size_t count)
{
    char upload_id[VB_S3_UPLOAD_ID] = "";
    const struct vb_s3_kind kind = {word(words, count, 2), word(words, count, 3)};
    enum vb_status status =
        vb_s3_create_upload(probe->client, words[1], kind, upload_id, &probe->error);
    vb_json_member_text(&probe->json, "upload_id", upload_id);
    return status;
}

/* part KEY UPLOAD NUMBER SIZE SEED */
static enum vb_status do_part(struct probe *probe, char **words, size_t count)
{
    char etag[VB_S3_ETAG] = "";
    struct made_body made = make_body(number(words, count, 4), number(words, count, 5));
    enum vb_status status =
        vb_s3_upload_part(probe->client, words[1], words[2], (uint32_t)number(words, count, 3),
                          &made.body, etag, &probe->error);
    free_body(&made);
    vb_json_member_text(&probe->json, "etag", etag);
    return status;
}

/* complete KEY UPLOAD (NUMBER SIZE ETAG)... */
static enum vb_status do_complete(struct probe *probe, char **words, size_t count)
{
    struct vb_s3_part parts[WORDS_MOST / 3] = {0};
    char etag[VB_S3_ETAG] = "";
    size_t used = 0;
    for (size_t i = 3; i + 2 < count; i += 3, used++) {
        parts[used].number = (uint32_t)number(words, count, i);
        parts[used].size = number(words, count, i + 1);
        snprintf(parts[used].etag, sizeof parts[used].etag, "%s", words[i + 2]);
    }
    enum vb_status status =
        vb_s3_complete_upload(probe->client, words[1], words[2], parts, used, etag, &probe->error);
    vb_json_member_text(&probe->json, "etag", etag);
    return status;
}

static enum vb_status do_abort(struct probe *probe, char **words, size_t count)
{
    (void)count;
    return vb_s3_abort_upload(probe->client, words[1], words[2], &probe->error);
}

static enum vb_status write_part(void *context, const struct vb_s3_part *part)
{
    struct vb_json *json = context;
    vb_json_begin_object(json);
    vb_json_member_integer(json, "number", part->number);
    vb_json_member_integer(json, "size", (int64_t)part->size);
    vb_json_member_text(json, "etag", part->etag);
    vb_json_end_object(json);
    return vb_json_status(json);
}

/* list KEY UPLOAD */
static enum vb_status do_list(struct probe *probe, char **words, size_t count)
{
    (void)count;
    vb_json_name(&probe->json, "parts");
    vb_json_begin_array(&probe->json);
    enum vb_status status = vb_s3_list_parts(probe->client, words[1], words[2], write_part,
                                             &probe->json, &probe->error);
    vb_json_end_array(&probe->json);
    return status;
}

static enum vb_status write_upload(void *context, const char *upload_id, struct vb_error *err)
{
    (void)err;
    vb_json_text(context, upload_id);
    return vb_json_status(context);
}

/* uploads KEY */
static enum vb_status do_uploads(struct probe *probe, char **words, size_t count)
{
    (void)count;
    vb_json_name(&probe->json, "uploads");
    vb_json_begin_array(&probe->json);
    enum vb_status status =
        vb_s3_list_uploads(probe->client, words[1], write_upload, &probe->json, &probe->error);
    vb_json_end_array(&probe->json);
    return status;
}

static enum vb_status do_head(struct probe *probe, char **words, size_t count)
{
    struct vb_s3_object object = {0};
    (void)count;
    enum vb_status status = vb_s3_head(probe->client, words[1], &object, &probe->error);
    vb_json_member_integer(&probe->json, "size", (int64_t)object.size);
    vb_json_member_text(&probe->json, "etag", object.etag);
    vb_json_member_integer(&probe->json, "last_modified", object.last_modified);
    return status;
}

/* get KEY CEILING */
static enum vb_status do_get(struct probe *probe, char **words, size_t count)
{
    char digest[VB_SHA256_HEX];
    struct vb_buffer body;
    vb_buffer_init(&body, (size_t)number(words, count, 2));
    enum vb_status status = vb_s3_get(probe->client, words[1], &body, &probe->error);
    vb_sha256_hex(body.data, body.length, digest);
    vb_json_member_integer(&probe->json, "size", (int64_t)body.length);
    vb_json_member_text(&probe->json, "sha256", digest);
    vb_buffer_done(&body);
    return status;
}

static enum vb_status do_delete(struct probe *probe, char **words, size_t count)
{
    (void)count;
    return vb_s3_delete(probe->client, words[1], &probe->error);
}

static enum vb_status do_bucket(struct probe *probe, char **words, size_t count)
{
    (void)words, (void)count;
    return vb_s3_check_bucket(probe->client, &probe->error);
}

/* presign KEY UNIX-SECONDS LIFETIME [FILE-NAME] [ENDPOINT] */
static enum vb_status do_presign(struct probe *probe, char **words, size_t count)
{
    struct vb_s3_keys keys;
    struct vb_s3_place place = probe->place;
    struct vb_buffer link;
    enum vb_status status = vb_s3_credentials_get(probe->credentials, &keys, &probe->error);
    if (status != VB_OK)
        return status;
    if (word(words, count, 5))
        place.endpoint = words[5];
    const struct vb_s3_link request = {
        .place = &place,
        .keys = &keys,
        .key = words[1],
        .at = (vb_instant)number(words, count, 2) * VB_SECOND,
        .lifetime = (unsigned)number(words, count, 3),
        .file_name = word(words, count, 4),
    };
    vb_buffer_init(&link, 65536);
    status = vb_s3_presign_get(&request, &link, &probe->error);
    vb_json_member_text(&probe->json, "url", link.data ? link.data : "");
    vb_buffer_done(&link);
    return status;
}

static enum vb_status do_keys(struct probe *probe, char **words, size_t count)
{
    struct vb_s3_keys keys = {0};
    (void)words, (void)count;
    enum vb_status status = vb_s3_credentials_get(probe->credentials, &keys, &probe->error);
    vb_json_member_text(&probe->json, "access_key_id", keys.access_key_id);
    vb_json_member_text(&probe->json, "secret_access_key", keys.secret_access_key);
    vb_json_member_text(&probe->json, "session_token", keys.session_token);
    vb_json_member_integer(&probe->json, "expires", keys.expires);
    vb_json_member_boolean(&probe->json, "temporary", keys.temporary);
    vb_json_member_text(&probe->json, "source", vb_s3_credentials_source(probe->credentials));
    return status;
}

/* stop MILLISECONDS: the calls from then on are asked to stop */
static enum vb_status do_stop(struct probe *probe, char **words, size_t count)
{
    probe->stop_at = vb_clock_monotonic() + (int64_t)number(words, count, 1) * 1000;
    return VB_OK;
}

static const struct {
    const char *name;
    command *run;
    size_t words;
} commands[] = {
    {"abort", do_abort, 3},   {"bucket", do_bucket, 1},   {"complete", do_complete, 3},
    {"create", do_create, 2}, {"delete", do_delete, 2},   {"get", do_get, 3},
    {"head", do_head, 2},     {"keys", do_keys, 1},       {"list", do_list, 3},
    {"part", do_part, 6},     {"presign", do_presign, 4}, {"put", do_put, 4},
    {"stop", do_stop, 2},     {"uploads", do_uploads, 2},
};

static void write_counters(struct probe *probe)
{
    static const char *const names[VB_S3_OUTCOMES] = {
        [VB_S3_SUCCEEDED] = "ok",
        [VB_S3_THROTTLED] = "throttled",
        [VB_S3_SERVER_FAILED] = "server_error",
        [VB_S3_REFUSED] = "refused",
        [VB_S3_UNREACHABLE] = "unreachable",
        [VB_S3_CUT_SHORT] = "stopped",
    };
    vb_json_name(&probe->json, "counters");
    vb_json_begin_object(&probe->json);
    for (int i = 0; i < VB_S3_OUTCOMES; i++)
        vb_json_member_integer(&probe->json, names[i],
                               (int64_t)atomic_load(&probe->counters.requests[i]));
    vb_json_member_integer(&probe->json, "retries", (int64_t)atomic_load(&probe->counters.retries));
    vb_json_member_integer(&probe->json, "bytes_sent",
                           (int64_t)atomic_load(&probe->counters.bytes_sent));
    vb_json_end_object(&probe->json);
}

static enum vb_status run(struct probe *probe, char **words, size_t count)
{
    vb_error_clear(&probe->error);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (count >= commands[i].words && strcmp(words[0], commands[i].name) == 0)
            return commands[i].run(probe, words, count);
    return vb_fail(&probe->error, VB_INVALID, "unknown command or too few words");
}

static void answer(struct probe *probe, char *line)
{
    char *words[WORDS_MOST];
    size_t count = 0;
    struct vb_buffer out;
    line[strcspn(line, "\n")] = '\0';
    for (char *next; count < WORDS_MOST && (next = strsep(&line, "\t"));)
        words[count++] = next;
    vb_buffer_init(&out, 1u << 20);
    vb_json_init(&probe->json, &out);
    vb_json_begin_object(&probe->json);
    enum vb_status status = run(probe, words, count);
    vb_json_member_text(&probe->json, "status", vb_status_name(status));
    vb_json_member_boolean(&probe->json, "retryable", vb_status_retryable(probe->error.status));
    vb_json_member_text(&probe->json, "text", probe->error.text);
    vb_json_member_text(&probe->json, "code",
                        probe->client ? vb_s3_client_code(probe->client) : "");
    write_counters(probe);
    vb_json_end_object(&probe->json);
    if (vb_json_status(&probe->json) != VB_OK)
        abort();
    puts(out.data);
    fflush(stdout);
    vb_buffer_done(&out);
}

static unsigned setting(const char *name)
{
    const char *value = getenv(name);
    return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

static bool read_addressing(const char *text, enum vb_s3_addressing *ret_addressing)
{
    static const char *const names[] = {
        [VB_S3_AUTO] = "auto", [VB_S3_PATH] = "path", [VB_S3_VIRTUAL] = "virtual"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_addressing = (enum vb_s3_addressing)i;
            return true;
        }
    return false;
}

static enum vb_status start(struct probe *probe)
{
    const char *addressing = getenv("S3_ADDRESSING"), *region = getenv("S3_REGION");
    probe->place.endpoint = getenv("S3_ENDPOINT");
    probe->place.region = region ? region : "us-east-1";
    probe->place.bucket = getenv("S3_BUCKET");
    if (addressing && !read_addressing(addressing, &probe->place.addressing))
        return vb_fail(&probe->error, VB_INVALID, "no such addressing");
    enum vb_status status =
        vb_s3_credentials_new(probe->place.region, &probe->credentials, &probe->error);
    if (status != VB_OK || !probe->place.bucket)
        return status; /* without a bucket: only the keys are asked for */
    const struct vb_s3_options options = {
        .place = probe->place,
        .credentials = probe->credentials,
        .counters = &probe->counters,
        .stop = stop,
        .stop_context = probe,
        .attempts = setting("S3_ATTEMPTS"),
        .connect_seconds = setting("S3_CONNECT_SECONDS"),
        .stall_seconds = setting("S3_STALL_SECONDS"),
    };
    return vb_s3_client_new(&options, &probe->client, &probe->error);
}

int main(int count, char **arguments)
{
    struct probe probe = {0};
    char *line = NULL;
    size_t room = 0;
    if (count > 1 && strcmp(arguments[1], "sign") == 0) {
        enum vb_status status = vb_s3_sign_command(stdin, stdout, &probe.error);
        if (status != VB_OK)
            fprintf(stderr, "%s\n", probe.error.text);
        return status == VB_OK ? 0 : 1;
    }
    if (start(&probe) != VB_OK) {
        fprintf(stderr, "%s\n", probe.error.text);
        return 2;
    }
    while (getline(&line, &room, stdin) > 0)
        answer(&probe, line);
    free(line);
    vb_s3_client_free(probe.client);
    vb_s3_credentials_free(probe.credentials);
    return 0;
}
