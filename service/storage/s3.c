/* The S3 driver: objects and multipart uploads of one bucket, over the client in s3/.
 *
 * A session owns one client, and so one connection. The storage keeps the credentials, and, where
 * those are temporary, a thread that renews them ahead of time. Links are signed with the keys at
 * hand, so that the HTTP loops never wait for a metadata service. Lists no bucket, only the
 * unfinished uploads of one key.
 *
 * What statuses of the client mean for an upload is judged here and in s3_close.c alone: callers
 * see one meaning of a gone upload, whatever the store says.
 */
#include "driver.h"
#include "s3_clean.h"
#include "s3_close.h"
#include "s3_ready.h"

#include "settings/place.h"
#include "verbatim/log.h"
#include "verbatim/pulse.h"
#include "verbatim/render.h"
#include "verbatim/s3_client.h"
#include "verbatim/s3_signer.h"
#include "verbatim/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s3_storage {
    struct vb_storage storage;
    struct vb_s3_place place;  /* strings owned here */
    struct vb_s3_place public; /* the same with the endpoint that people reach */
    struct vb_s3_credentials *credentials;
    struct vb_s3_counters counters;
    bool temporary; /* as found at the start: links are our own */
    atomic_bool told_unlisted;
    atomic_bool wants_md5;
    atomic_int question; /* of vb_s3_ready */
    struct vb_pulse pulse;
    struct vb_thread renewer;
};

/* The client asks the session's stop, so neither may go without the other. */
struct s3_session {
    struct vb_storage_session session;
    struct vb_s3_client *client;
};

/* The storage is the first member, so the cast holds. */
static struct s3_storage *s3_of(struct vb_storage *storage)
{
    return (struct s3_storage *)storage;
}

static struct vb_s3_client *client_of(struct vb_storage_session *session)
{
    return ((struct s3_session *)session)->client;
}

/* The type by the name's extension, and the name under which a browser saves it. */
static struct vb_s3_kind kind_of(const char *file_name)
{
    return (struct vb_s3_kind){vb_content_type_of(file_name), file_name};
}

/* Both sleepers: the thread between two renewals, and a renewal that waits for the network. */
static void s3_ask(struct vb_storage *storage)
{
    struct s3_storage *s3 = s3_of(storage);
    vb_pulse_request_stop(&s3->pulse);
    vb_s3_credentials_stop(s3->credentials);
}

/* Also of one that was only half made: strings are NULL then, and no thread runs. */
static void s3_free(struct vb_storage *storage)
{
    struct s3_storage *s3 = s3_of(storage);
    if (s3->renewer.runs)
        s3_ask(storage);
    vb_thread_join(&s3->renewer);
    vb_pulse_done(&s3->pulse);
    vb_s3_credentials_free(s3->credentials);
    free((char *)(uintptr_t)s3->place.bucket);
    free((char *)(uintptr_t)s3->place.region);
    free((char *)(uintptr_t)s3->place.endpoint);
    free((char *)(uintptr_t)s3->public.endpoint);
    free(s3);
}

/* The session's own question, asked by the client in every wait. */
static bool session_stopped(void *context)
{
    return vb_storage_stopped(context);
}

/* No request is made: the first one connects. */
static enum vb_status s3_session_new(struct vb_storage *storage,
                                     struct vb_storage_session **ret_session, struct vb_error *err)
{
    struct s3_storage *s3 = s3_of(storage);
    struct s3_session *session = calloc(1, sizeof *session);
    if (!session)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a storage session");
    struct vb_s3_options options = {
        .place = s3->place,
        .credentials = s3->credentials,
        .counters = &s3->counters,
        .sse = (enum vb_s3_sse)storage->options->s3_sse,
        .sse_key = storage->options->s3_sse_key,
        .wants_md5 = &s3->wants_md5,
        .stop = session_stopped,
        .stop_context = &session->session,
    };
    enum vb_status status = vb_s3_client_new(&options, &session->client, err);
    if (status != VB_OK) {
        free(session);
        return status;
    }
    *ret_session = &session->session;
    return VB_OK;
}

static void s3_session_free(struct vb_storage_session *session)
{
    vb_s3_client_free(client_of(session));
    free(session);
}

/* Of the object that the last call has stored or looked at. */
static void note_version(struct vb_storage_session *session)
{
    snprintf(session->version, sizeof session->version, "%s",
             vb_s3_client_version(client_of(session)));
}

/* The ETag is of no use: the object is found by its key and told by its size. */
static enum vb_status s3_put(struct vb_storage_session *session, const char *key,
                             const char *file_name, const struct iovec *body, size_t count,
                             uint64_t size, struct vb_error *err)
{
    char etag[VB_S3_ETAG];
    const struct vb_s3_body whole = {body, count, size};
    enum vb_status status =
        vb_s3_put(client_of(session), key, &whole, kind_of(file_name), etag, err);
    note_version(session);
    return status;
}

/* An id that cannot be kept leaves an upload behind, which a clean-up finds by its key. */
static enum vb_status s3_begin(struct vb_storage_session *session, const char *key,
                               const char *file_name, struct vb_buffer *out_upload_id,
                               struct vb_error *err)
{
    char upload_id[VB_S3_UPLOAD_ID];
    enum vb_status status =
        vb_s3_create_upload(client_of(session), key, kind_of(file_name), upload_id, err);
    if (status != VB_OK)
        return status;
    status = vb_buffer_append_text(out_upload_id, upload_id);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the store's upload id is not kept");
}

/* Of several threads that learn it at once the last one's word stands: it is the same one. */
static enum vb_status judge_part(struct vb_storage_session *session, enum vb_status status,
                                 uint32_t number, struct vb_error *err)
{
    uint32_t most = 0;
    char words[sizeof err->text];
    if (!err || !vb_s3_refuses_number(err, number, &most))
        return vb_s3_of_upload(client_of(session), status, err);
    session->storage->part_most = most;
    memcpy(words, err->text, sizeof words);
    return vb_fail(err, VB_CONFLICT,
                   "the store takes part numbers up to %u (s3_max_part_number = %u): %s", most,
                   most, words);
}

static enum vb_status s3_part(struct vb_storage_session *session, const char *key,
                              const char *upload_id, uint32_t number, int64_t epoch,
                              const struct iovec *body, size_t count, uint64_t size,
                              struct vb_stored_part *ret_part, struct vb_error *err)
{
    (void)epoch; /* the same number sent by two claims: the ETag tells which one the store kept */
    char etag[VB_S3_ETAG];
    const struct vb_s3_body whole = {body, count, size};
    enum vb_status status =
        vb_s3_upload_part(client_of(session), key, upload_id, number, &whole, etag, err);
    if (status != VB_OK)
        return judge_part(session, status, number, err);
    *ret_part = (struct vb_stored_part){.number = number, .size = size};
    snprintf(ret_part->etag, sizeof ret_part->etag, "%s", etag);
    return VB_OK;
}

/* What was refused for its form is remembered: the next archives begin as the store wants them. */
static enum vb_status s3_close(struct vb_storage_session *session, const char *key,
                               const char *upload_id, const struct vb_stored_part *parts,
                               size_t count, uint64_t size, enum vb_close_result *ret_result,
                               bool *bad, struct vb_error *err)
{
    const struct vb_s3_record record = {key, upload_id, parts, count, size};
    bool equal = false;
    enum vb_status status = vb_s3_close(client_of(session), &record, ret_result, bad, &equal, err);
    note_version(session);
    if (equal)
        session->storage->equal_parts = true;
    return status;
}

static enum vb_status s3_more(struct vb_storage_session *session, const char *key,
                              const char *upload_id, const struct vb_stored_part *parts,
                              size_t count, bool *ret_more, struct vb_error *err)
{
    const struct vb_s3_record record = {key, upload_id, parts, count, 0};
    return vb_s3_look_for_more(client_of(session), &record, ret_more, err);
}

/* A HEAD: no byte of the object is read. */
static enum vb_status s3_size(struct vb_storage_session *session, const char *key,
                              uint64_t *ret_size, struct vb_error *err)
{
    struct vb_s3_object object;
    enum vb_status status = vb_s3_head(client_of(session), key, &object, err);
    if (status == VB_OK)
        *ret_size = object.size;
    return status;
}

/* For small objects: the buffer's ceiling bounds it. */
static enum vb_status s3_read(struct vb_storage_session *session, const char *key,
                              struct vb_buffer *out, struct vb_error *err)
{
    return vb_s3_get(client_of(session), key, out, err);
}

static enum vb_status s3_piece(struct vb_storage_session *session, const char *key, uint64_t offset,
                               size_t length, struct vb_buffer *out, struct vb_error *err)
{
    return vb_s3_get_range(client_of(session), key, "", offset, length, out, err);
}

static enum vb_status s3_clean(struct vb_storage_session *session, const char *key,
                               const char *upload_id, bool keep_object, char *version,
                               bool *ret_clean, struct vb_error *err)
{
    struct vb_s3_remains remains = {
        .key = key,
        .upload_id = upload_id,
        .keep_object = keep_object,
        .told_unlisted = &s3_of(session->storage)->told_unlisted,
    };
    remains.version = version;
    return vb_s3_clean(client_of(session), &remains, ret_clean, err);
}

static enum vb_status s3_ready(struct vb_storage_session *session, struct vb_error *err)
{
    return vb_s3_ready(client_of(session), session->storage->prefix,
                       &s3_of(session->storage)->question, err);
}

/* The public endpoint is in the signature: a link for the inner one is refused by the store. */
static enum vb_status presign(struct s3_storage *s3, struct vb_s3_link link, int64_t seconds,
                              struct vb_buffer *out, struct vb_error *err)
{
    struct vb_s3_keys keys;
    enum vb_status status = vb_s3_credentials_peek(s3->credentials, &keys, err);
    if (status != VB_OK)
        return status;
    link.place = &s3->public;
    link.keys = &keys;
    int64_t left = keys.expires ? (keys.expires - link.at) / VB_SECOND : VB_S3_LIFETIME_MOST;
    if (seconds > left && keys.temporary)
        seconds = left > 1 ? left : 1; /* a link that is shown longer than it works would mislead */
    link.lifetime = (unsigned)(seconds < VB_S3_LIFETIME_MOST ? seconds : VB_S3_LIFETIME_MOST);
    status = vb_s3_presign_get(&link, out, err);
    vb_s3_keys_wipe(&keys);
    return status;
}

/* A link signed with temporary keys dies with them, so then it is ours and leads to a fresh one. */
static enum vb_status s3_link(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                              const char *key, const char *file_name, vb_instant finished_at,
                              vb_instant expires_at, struct vb_buffer *out, struct vb_error *err)
{
    struct s3_storage *s3 = s3_of(storage);
    int64_t seconds = (expires_at - finished_at) / VB_SECOND;
    if (seconds < 1)
        return vb_fail(err, VB_INVALID, "a link that expires before it begins");
    if (s3->temporary)
        return vb_link_write(storage->base_url, secrets, key, expires_at, out, err);
    const struct vb_s3_link link = {.key = key, .at = finished_at, .file_name = file_name};
    return presign(s3, link, seconds, out, err);
}

static const char *name_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

/* The store's own, however its keys are: nobody keeps it. Those that are temporary may end it
 * early. */
static enum vb_status s3_view(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                              const char *key, vb_instant now, int64_t seconds, bool is_head,
                              struct vb_buffer *out, struct vb_error *err)
{
    (void)secrets;
    const struct vb_s3_link link = {
        .key = key, .at = now, .file_name = name_of(key), .is_shown = true, .is_head = is_head};
    return presign(s3_of(storage), link, seconds, out, err);
}

/* A link is made without looking: whether the object is there is told by the store. */
static enum vb_status s3_open(struct vb_storage *storage, const char *key, int64_t seconds,
                              bool is_head, int *ret_fd, uint64_t *ret_size,
                              struct vb_buffer *redirect, struct vb_error *err)
{
    const struct vb_s3_link link = {
        .key = key, .at = vb_clock_now(), .file_name = name_of(key), .is_head = is_head};
    enum vb_status status = presign(s3_of(storage), link, seconds, redirect, err);
    if (status == VB_OK) {
        *ret_fd = -1;
        *ret_size = 0; /* the store tells it with the object */
    }
    return status;
}

static const struct vb_storage_driver s3_driver = {
    .ask = s3_ask,
    .free = s3_free,
    .session_new = s3_session_new,
    .session_free = s3_session_free,
    .put = s3_put,
    .begin = s3_begin,
    .part = s3_part,
    .close = s3_close,
    .more = s3_more,
    .clean = s3_clean,
    .size = s3_size,
    .read = s3_read,
    .piece = s3_piece,
    .ready = s3_ready,
    .link = s3_link,
    .view = s3_view,
    .open = s3_open,
};

/* Every process has it, also one without workers: nobody else may renew the keys that links are
 * signed with. */
static void *renew(void *context)
{
    struct s3_storage *s3 = context;
    int64_t pause = vb_s3_credentials_keep(s3->credentials);
    while (!vb_pulse_wait(&s3->pulse, pause))
        pause = vb_s3_credentials_keep(s3->credentials);
    return NULL;
}

/* The first look for credentials: missing ones are a configuration error, told before any export
 * begins. */
static enum vb_status begin_credentials(struct s3_storage *s3, struct vb_error *err)
{
    struct vb_s3_keys keys;
    enum vb_status status = vb_s3_credentials_new(s3->place.region, &s3->credentials, err);
    if (status == VB_OK)
        status = vb_s3_credentials_get(s3->credentials, &keys, err);
    if (status != VB_OK)
        return status;
    s3->temporary = keys.temporary;
    vb_s3_keys_wipe(&keys);
    if (!s3->temporary)
        return VB_OK;
    return vb_thread_start(&s3->renewer, "vb-credentials", renew, s3, err);
}

/* "BUCKET[/PREFIX]": the prefix loses slashes at either end and gains one behind. */
static enum vb_status split_location(struct s3_storage *s3, const char *location,
                                     struct vb_error *err)
{
    size_t bucket = strcspn(location, "/");
    const char *prefix = location + bucket;
    prefix += strspn(prefix, "/");
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == '/')
        length--;
    if (bucket == 0 || length + 2 > sizeof s3->storage.prefix)
        return vb_fail(err, VB_INVALID, "storage 's3://%s' is not s3://BUCKET[/PREFIX]", location);
    snprintf(s3->storage.prefix, sizeof s3->storage.prefix, "%.*s%s", (int)length, prefix,
             length ? "/" : "");
    s3->place.bucket = strndup(location, bucket);
    return s3->place.bucket ? VB_OK : vb_fail(err, VB_NO_MEMORY, "no memory for the storage");
}

/* NULL stays NULL: an endpoint that is not set is Amazon's. */
static const char *copy_or_null(const char *text, bool *ret_failed)
{
    char *copy = text ? strdup(text) : NULL;
    *ret_failed |= text && !copy;
    return copy;
}

/* Both share bucket and region; s3_free frees each string once. */
static enum vb_status fill_places(struct s3_storage *s3, const struct vb_options *options,
                                  struct vb_error *err)
{
    const struct vb_s3_place given = vb_s3_place_of(options, s3->place.bucket);
    bool failed = false;
    const char *public =
        options->s3_public_endpoint ? options->s3_public_endpoint : options->s3_endpoint;
    s3->place.region = copy_or_null(given.region, &failed);
    s3->place.endpoint = copy_or_null(given.endpoint, &failed);
    s3->place.addressing = given.addressing;
    s3->public = s3->place;
    s3->public.endpoint = copy_or_null(public, &failed);
    if (failed)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the storage");
    snprintf(s3->storage.identity, sizeof s3->storage.identity, "s3:%s/%s/%s", s3->place.bucket,
             s3->place.region, s3->place.endpoint ? s3->place.endpoint : "amazonaws.com");
    return VB_OK;
}

/* A client that is made and thrown away: it refuses endpoints, regions and buckets that cannot
 * be. */
static enum vb_status try_place(struct s3_storage *s3, const struct vb_s3_place *place,
                                struct vb_error *err)
{
    struct vb_s3_client *client = NULL;
    const struct vb_s3_options options = {.place = *place, .credentials = s3->credentials};
    enum vb_status status = vb_s3_client_new(&options, &client, err);
    vb_s3_client_free(client);
    return status;
}

/* Asks for credentials, and nothing of the store: a store that is away must not keep a process from
 * starting. */
enum vb_status vb_storage_s3_new(const struct vb_options *options, const char *location,
                                 struct vb_storage **ret_storage, struct vb_error *err)
{
    struct s3_storage *s3 = calloc(1, sizeof *s3);
    if (!s3)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the storage");
    s3->storage.driver = &s3_driver;
    vb_pulse_init(&s3->pulse);
    enum vb_status status = split_location(s3, location, err);
    if (status == VB_OK)
        status = fill_places(s3, options, err);
    if (status == VB_OK)
        status = begin_credentials(s3, err);
    if (status == VB_OK)
        status = try_place(s3, &s3->place, err);
    if (status == VB_OK)
        status = try_place(s3, &s3->public, err);
    if (status != VB_OK) {
        s3_free(&s3->storage);
        return status;
    }
    *ret_storage = &s3->storage;
    return VB_OK;
}
