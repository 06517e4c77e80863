/* The client's life, and the operations on whole objects. See s3_client.h. Retries are call.c's.
 *
 * Calls on objects have their answers in small buffers of their own, so a store that sends more
 * than 64 KiB where a few hundred bytes are due ends the call with VB_LIMIT. Only vb_s3_get and
 * vb_s3_get_range read into the caller's, whose ceiling then is the limit. A client connects at its
 * first call and holds the keys of its last attempt until it is freed, where they are wiped.
 */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MOST 65536u     /* errors and short answers */
#define DISPOSITION_MOST 8192u /* a name of 1024 bytes, escaped */

/* Zero means the default, so that callers name only what they care about: 5 attempts, 5 s to
 * connect, 30 s of silence. */
static void copy_options(struct vb_s3_client *client, const struct vb_s3_options *options)
{
    client->credentials = options->credentials;
    client->counters = options->counters;
    client->sse = options->sse;
    client->sse_key = options->sse_key;
    client->wants_md5 = options->wants_md5 ? options->wants_md5 : &client->own_wish;
    client->stop = options->stop;
    client->stop_context = options->stop_context;
    client->attempts = options->attempts ? options->attempts : 5;
    client->connect_seconds = options->connect_seconds ? options->connect_seconds : 5;
    client->stall_seconds = options->stall_seconds ? options->stall_seconds : 30;
}

/* The endpoint is judged here and not at the first call, so that a wrong one ends the start. */
enum vb_status vb_s3_client_new(const struct vb_s3_options *options,
                                struct vb_s3_client **ret_client, struct vb_error *err)
{
    struct vb_s3_client *client = calloc(1, sizeof *client);
    if (!client)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an S3 client");
    copy_options(client, options);
    enum vb_status status = vb_s3_wire_new(&client->http, err);
    if (status == VB_OK)
        status = vb_s3_address_of(&options->place, &client->address, err);
    if (status == VB_OK && !(client->region = strdup(options->place.region)))
        status = vb_fail(err, VB_NO_MEMORY, "no memory for an S3 client");
    if (status != VB_OK) {
        vb_s3_client_free(client);
        return status;
    }
    *ret_client = client;
    return VB_OK;
}

void vb_s3_client_free(struct vb_s3_client *client)
{
    if (!client)
        return;
    vb_s3_wire_free(client->http);
    vb_s3_address_done(&client->address);
    vb_s3_keys_wipe(&client->keys);
    free(client->region);
    free(client);
}

/* Points into the client; the next call writes over it. */
const char *vb_s3_client_code(const struct vb_s3_client *client)
{
    return client->code;
}

const char *vb_s3_client_version(const struct vb_s3_client *client)
{
    return client->is_marker ? "" : client->version;
}

const char *vb_s3_client_marker(const struct vb_s3_client *client)
{
    return client->is_marker ? client->version : "";
}

/* The ETag is kept as it came, quotes included: it goes back to the store in that form. */
enum vb_status vb_s3_call_for_etag(struct vb_s3_client *client, const struct vb_s3_call *call,
                                   char ret_etag[VB_S3_ETAG], struct vb_error *err)
{
    struct vb_buffer body;
    struct vb_s3_wire_answer answer = {.body = &body};
    vb_buffer_init(&body, ANSWER_MOST);
    enum vb_status status = vb_s3_call(client, call, &answer, err);
    vb_buffer_done(&body);
    if (status != VB_OK)
        return status;
    /* Without it the part cannot be completed; another attempt may get past a broken proxy. */
    if (!*answer.etag || strlen(answer.etag) >= VB_S3_ETAG)
        return vb_fail(err, VB_STORAGE_AWAY, "%s %s: the answer has no usable ETag", call->verb,
                       call->key);
    memcpy(ret_etag, answer.etag, strlen(answer.etag) + 1);
    return VB_OK;
}

/* On failure `out` is freed already. */
enum vb_status vb_s3_disposition_of(struct vb_s3_kind kind, struct vb_buffer *out,
                                    struct vb_error *err)
{
    vb_buffer_init(out, DISPOSITION_MOST);
    if (!kind.file_name)
        return VB_OK;
    enum vb_status status = vb_content_disposition(out, kind.file_name);
    if (status == VB_OK)
        return VB_OK;
    vb_buffer_done(out);
    return vb_fail(err, status, "the file name cannot be shown");
}

enum vb_status vb_s3_put(struct vb_s3_client *client, const char *key,
                         const struct vb_s3_body *body, struct vb_s3_kind kind,
                         char ret_etag[VB_S3_ETAG], struct vb_error *err)
{
    struct vb_buffer disposition;
    enum vb_status status = vb_s3_disposition_of(kind, &disposition, err);
    if (status != VB_OK)
        return status;
    const struct vb_s3_call call = {
        .verb = "put",
        .method = "PUT",
        .key = key,
        .content_type = kind.content_type,
        .content_disposition = disposition.data,
        .body = body,
        .stores = true,
    };
    status = vb_s3_call_for_etag(client, &call, ret_etag, err);
    vb_buffer_done(&disposition);
    return status;
}

/* A call whose answer's body does not matter. The body's buffer ends here, so `answer` is left
 * without one. */
enum vb_status vb_s3_call_plain(struct vb_s3_client *client, const struct vb_s3_call *call,
                                struct vb_s3_wire_answer *answer, struct vb_error *err)
{
    struct vb_buffer body;
    vb_buffer_init(&body, ANSWER_MOST);
    *answer = (struct vb_s3_wire_answer){.body = &body};
    enum vb_status status = vb_s3_call(client, call, answer, err);
    vb_buffer_done(&body);
    answer->body = NULL;
    return status;
}

/* Values that are longer than their field are left out and not cut: half an ETag compares wrong. */
enum vb_status vb_s3_head(struct vb_s3_client *client, const char *key,
                          struct vb_s3_object *ret_object, struct vb_error *err)
{
    const struct vb_s3_call call = {.verb = "look at", .method = "HEAD", .key = key};
    struct vb_s3_wire_answer answer;
    enum vb_status status = vb_s3_call_plain(client, &call, &answer, err);
    if (status != VB_OK)
        return status;
    if (answer.content_length < 0)
        return vb_fail(err, VB_STORAGE, "look at %s: the answer tells no size", key);
    struct vb_s3_object object = {
        .size = (uint64_t)answer.content_length,
        .last_modified = answer.last_modified,
    };
    if (strlen(answer.etag) < VB_S3_ETAG)
        memcpy(object.etag, answer.etag, strlen(answer.etag) + 1);
    if (strlen(answer.content_type) < VB_S3_TYPE)
        memcpy(object.content_type, answer.content_type, strlen(answer.content_type) + 1);
    *ret_object = object;
    return VB_OK;
}

/* Half an object is none: the buffer is as it was before. */
static void take_back(struct vb_buffer *out, size_t start)
{
    if (out->length > start) {
        out->length = start;
        out->data[start] = '\0';
    }
}

/* A retry begins again behind what the buffer held before: call.c takes the half of an attempt
 * off. */
enum vb_status vb_s3_get(struct vb_s3_client *client, const char *key, struct vb_buffer *out,
                         struct vb_error *err)
{
    const struct vb_s3_call call = {.verb = "get", .method = "GET", .key = key};
    struct vb_s3_wire_answer answer = {.body = out};
    size_t start = out->length;
    enum vb_status status = vb_s3_call(client, &call, &answer, err);
    if (status != VB_OK)
        take_back(out, start);
    return status;
}

/* `length` is at least 1: the header's range includes its last byte and cannot be empty. If-Match
 * makes the pieces of a large object come from one version, or fail with 412. */
enum vb_status vb_s3_get_range(struct vb_s3_client *client, const char *key, const char *etag,
                               uint64_t offset, size_t length, struct vb_buffer *out,
                               struct vb_error *err)
{
    char range[64];
    const struct vb_s3_call call = {
        .verb = "get", .method = "GET", .key = key, .range = range, .if_match = etag};
    struct vb_s3_wire_answer answer = {.body = out};
    size_t start = out->length;
    snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + length - 1);
    enum vb_status status = vb_s3_call(client, &call, &answer, err);
    if (status != VB_OK && answer.status == 412)
        status = vb_fail(err, VB_CONFLICT, "get %s: it has changed", key);
    /* A server that does not know ranges would send the whole. */
    if (status == VB_OK && out->length - start != length)
        status = vb_fail(err, VB_STORAGE, "get %s: %zu bytes were asked for and %zu came", key,
                         length, out->length - start);
    if (status != VB_OK)
        take_back(out, start);
    return status;
}

/* The code is looked at after the call, where vb_s3_call left that of the last attempt. */
static enum vb_status take_away(struct vb_s3_client *client, const struct vb_s3_call *call,
                                struct vb_error *err)
{
    struct vb_s3_wire_answer answer;
    struct vb_error own;
    struct vb_error *error = err ? err : &own;
    enum vb_status status = vb_s3_call_plain(client, call, &answer, error);
    /* What is not there is deleted; a bucket that is not there is a mistake in the
     * configuration. */
    bool gone = status == VB_NOT_FOUND && strcmp(client->code, "NoSuchBucket") != 0;
    if (gone)
        vb_error_clear(error);
    return gone ? VB_OK : status;
}

enum vb_status vb_s3_delete(struct vb_s3_client *client, const char *key, struct vb_error *err)
{
    const struct vb_s3_call call = {.verb = "delete", .method = "DELETE", .key = key};
    return take_away(client, &call, err);
}

enum vb_status vb_s3_delete_version(struct vb_s3_client *client, const char *key,
                                    const char *version, struct vb_error *err)
{
    const struct vb_s3_pair query[] = {{VB_VIEW("versionId"), vb_view_of(version)}};
    const struct vb_s3_call call = {.verb = "delete a version of",
                                    .method = "DELETE",
                                    .key = key,
                                    .query = query,
                                    .query_count = 1};
    return take_away(client, &call, err);
}

/* One attempt: the caller asks again by itself, and a readiness check must not take long. HEAD
 * tells no code, so a refusal is told by its status alone. */
enum vb_status vb_s3_check_bucket(struct vb_s3_client *client, struct vb_error *err)
{
    const struct vb_s3_call call = {.verb = "look at", .method = "HEAD", .attempts = 1};
    struct vb_s3_wire_answer answer;
    return vb_s3_call_plain(client, &call, &answer, err);
}

enum vb_status vb_s3_check_list(struct vb_s3_client *client, const char *prefix,
                                struct vb_error *err)
{
    const struct vb_s3_pair query[] = {
        {VB_VIEW("list-type"), VB_VIEW("2")},
        {VB_VIEW("max-keys"), VB_VIEW("1")},
        {VB_VIEW("prefix"), vb_view_of(prefix)},
    };
    const struct vb_s3_call call = {
        .verb = "look at",
        .method = "GET",
        .query = query,
        .query_count = *prefix ? 3 : 2,
        .attempts = 1,
    };
    struct vb_s3_wire_answer answer;
    return vb_s3_call_plain(client, &call, &answer, err);
}

/* The first byte is enough; 416 is an empty object. */
enum vb_status vb_s3_check_key(struct vb_s3_client *client, const char *key, struct vb_error *err)
{
    const struct vb_s3_call call = {
        .verb = "look at", .method = "GET", .key = key, .range = "bytes=0-0", .attempts = 1};
    struct vb_s3_wire_answer answer;
    struct vb_error own;
    struct vb_error *error = err ? err : &own;
    enum vb_status status = vb_s3_call_plain(client, &call, &answer, error);
    bool is_there = (status == VB_NOT_FOUND && strcmp(client->code, "NoSuchBucket") != 0) ||
                    answer.status == 416;
    if (is_there)
        vb_error_clear(error);
    return is_there ? VB_OK : status;
}
