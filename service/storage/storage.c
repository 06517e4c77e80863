/* The door to the storage drivers: chooses one by the option, composes keys, passes calls on.
 *
 * Keeps no state of its own beside what the driver's struct begins with. Any thread, but for
 * sessions, which belong to one. Knows neither directories nor S3.
 */
#include "driver.h"

#include "verbatim/hash.h"
#include "verbatim/text.h"
#include "verbatim/uuid.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

/* A workspace id is any text: as a folder's name it is percent-encoded, and hashed where that is
 * too long. */
#define FOLDER_MOST 200
#define KEY_MOST 1024 /* of S3 */

/* What the option may begin with, and the driver behind it. */
static const struct {
    const char *scheme;
    enum vb_status (*make)(const struct vb_options *options, const char *location,
                           struct vb_storage **ret_storage, struct vb_error *err);
} drivers[] = {
    {"file://", vb_storage_file_new},
    {"s3://", vb_storage_s3_new},
};

/* The first row whose scheme fits. The base URL is filled in here, since links of both drivers may
 * need it. */
enum vb_status vb_storage_new(const struct vb_options *options, struct vb_storage **ret_storage,
                              struct vb_error *err)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        size_t length = strlen(drivers[i].scheme);
        if (strncmp(options->storage, drivers[i].scheme, length) != 0)
            continue;
        enum vb_status status =
            drivers[i].make(options, options->storage + length, ret_storage, err);
        if (status == VB_OK) {
            (*ret_storage)->options = options;
            (*ret_storage)->base_url = options->base_url;
        }
        return status;
    }
    return vb_fail(err, VB_INVALID, "storage '%s' is neither file:///DIR nor s3://BUCKET",
                   options->storage);
}

enum vb_status vb_storage_check_folder(const struct vb_options *options, struct vb_error *err)
{
    size_t length = strlen(drivers[0].scheme);
    if (strncmp(options->storage, drivers[0].scheme, length) != 0)
        return VB_OK;
    return vb_storage_file_check(options->storage + length, err);
}

void vb_storage_request_stop(struct vb_storage *storage)
{
    if (storage && storage->driver->ask)
        storage->driver->ask(storage);
}

void vb_storage_free(struct vb_storage *storage)
{
    if (storage)
        storage->driver->free(storage);
}

const char *vb_storage_identity(const struct vb_storage *storage)
{
    return storage->identity;
}

/* By the status: what the store said stands in the text already. */
const char *vb_storage_remedy(const struct vb_options *options, const struct vb_error *err)
{
    bool is_tls = strncmp(options->s3_endpoint, "https:", 6) == 0;
    if (strncmp(options->storage, "file:", 5) == 0)
        return "the directory of the option storage has to be there and to be writable for this "
               "user";
    if (strstr(err->text, "region"))
        return "set s3_region to the store's region";
    if (err->status == VB_DENIED || err->status == VB_EXPIRED)
        return "check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), s3_region, and "
               "what the bucket's policy allows them";
    if (err->status == VB_NOT_FOUND)
        return "create the bucket, or correct the options storage and s3_endpoint";
    if (err->status == VB_NETWORK && err->system_code == CURLE_SSL_CONNECT_ERROR && is_tls)
        return "check s3_endpoint: a store that does not speak TLS wants http://";
    if (err->status == VB_NETWORK || err->status == VB_UNTRUSTED || err->status == VB_STOPPED)
        return "check s3_endpoint, and that it can be reached from here";
    return is_tls ? "check the options storage, s3_endpoint, s3_region and the credentials"
                  : "check the options storage, s3_endpoint (perhaps the store wants https://), "
                    "s3_region and the credentials";
}

bool vb_storage_small_parts(const struct vb_storage *storage)
{
    return storage->small_parts;
}

bool vb_storage_wants_equal_parts(const struct vb_storage *storage)
{
    return storage->equal_parts;
}

uint32_t vb_storage_part_most(const struct vb_storage *storage)
{
    uint32_t set = (uint32_t)storage->options->s3_max_part_number, learned = storage->part_most;
    if (storage->small_parts)
        return VB_PARTS_MOST;
    return learned > 0 && learned < set ? learned : set;
}

/* Appends; on a limit what was appended is taken back for the hash. */
static enum vb_status append_folder(struct vb_buffer *out, const char *workspace_id)
{
    size_t start = out->length;
    enum vb_status status = VB_OK;
    /* "." and ".." would leave the folder, and other names with a dot in front would hide in it. */
    if (workspace_id[0] == '.') {
        status = vb_buffer_append_text(out, "%2E");
        workspace_id++;
    }
    if (status == VB_OK)
        status = vb_percent_encode(out, vb_view_of(workspace_id), false);
    if (status != VB_LIMIT && (status != VB_OK || out->length - start <= FOLDER_MOST))
        return status;
    char hex[VB_SHA256_HEX];
    vb_sha256_hex(workspace_id, strlen(workspace_id), hex);
    out->length = start;
    return vb_buffer_printf(out, "~%s", hex);
}

/* Job ids are ours and file names made by us: anything else is a mistake, and never becomes a
 * path. */
static bool job_and_name_valid(const char *job_id, const char *name)
{
    struct vb_uuid uuid;
    if (vb_uuid_parse(vb_view_of(job_id), &uuid) != VB_OK)
        return false;
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > 255)
        return false;
    for (const char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    return true;
}

enum vb_status vb_storage_key(const struct vb_storage *storage, const char *workspace_id,
                              const char *job_id, int64_t epoch, const char *name,
                              struct vb_buffer *out, struct vb_error *err)
{
    size_t start = out->length;
    if (workspace_id[0] == '\0' || epoch < 0 || !job_and_name_valid(job_id, name))
        return vb_fail(err, VB_INVALID, "no object key can be made of '%s' and '%s'", job_id, name);
    enum vb_status status = vb_buffer_printf(out, "%sconversation_exports/", storage->prefix);
    if (status == VB_OK)
        status = append_folder(out, workspace_id);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "/%s-%" PRId64 "/%s", job_id, epoch, name);
    if (status == VB_OK && out->length - start > KEY_MOST)
        status = VB_LIMIT;
    if (status != VB_OK)
        return vb_fail(err, status, "the object key is too long");
    return VB_OK;
}

/* Filled in here, so that no driver can forget its stop question. */
enum vb_status vb_storage_session_new(struct vb_storage *storage, bool (*stop)(void *),
                                      void *stop_context, struct vb_storage_session **ret_session,
                                      struct vb_error *err)
{
    struct vb_storage_session *session = NULL;
    enum vb_status status = storage->driver->session_new(storage, &session, err);
    if (status != VB_OK)
        return status;
    session->storage = storage;
    session->stop = stop;
    session->stop_context = stop_context;
    *ret_session = session;
    return VB_OK;
}

void vb_storage_session_free(struct vb_storage_session *session)
{
    if (session)
        session->storage->driver->session_free(session);
}

bool vb_storage_stopped(const struct vb_storage_session *session)
{
    return session->stop && session->stop(session->stop_context);
}

enum vb_status vb_storage_put(struct vb_storage_session *session, const char *key,
                              const char *file_name, const struct iovec *body, size_t count,
                              uint64_t size, struct vb_error *err)
{
    return session->storage->driver->put(session, key, file_name, body, count, size, err);
}

enum vb_status vb_storage_begin(struct vb_storage_session *session, const char *key,
                                const char *file_name, struct vb_buffer *out_upload_id,
                                struct vb_error *err)
{
    return session->storage->driver->begin(session, key, file_name, out_upload_id, err);
}

enum vb_status vb_storage_part(struct vb_storage_session *session, const char *key,
                               const char *upload_id, uint32_t number, int64_t epoch,
                               const struct iovec *body, size_t count, uint64_t size,
                               struct vb_stored_part *ret_part, struct vb_error *err)
{
    return session->storage->driver->part(session, key, upload_id, number, epoch, body, count, size,
                                          ret_part, err);
}

/* `bad` is cleared for the driver, which sets what it finds. */
enum vb_status vb_storage_close(struct vb_storage_session *session, const char *key,
                                const char *upload_id, const struct vb_stored_part *parts,
                                size_t count, uint64_t size, enum vb_close_result *ret_result,
                                bool *bad, struct vb_error *err)
{
    /* Records that contradict each other would make a broken archive: refused before the store is
     * asked. */
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += parts[i].size;
        bad[i] = false;
    }
    if (count == 0 || sum != size)
        return vb_fail(err, VB_CORRUPT,
                       "the %zu recorded parts hold %" PRIu64 " bytes, not the archive's %" PRIu64,
                       count, sum, size);
    return session->storage->driver->close(session, key, upload_id, parts, count, size, ret_result,
                                           bad, err);
}

enum vb_status vb_storage_look_for_more(struct vb_storage_session *session, const char *key,
                                        const char *upload_id, const struct vb_stored_part *parts,
                                        size_t count, bool *ret_more, struct vb_error *err)
{
    const struct vb_storage_driver *driver = session->storage->driver;
    *ret_more = false;
    return driver->more ? driver->more(session, key, upload_id, parts, count, ret_more, err)
                        : VB_OK;
}

enum vb_status vb_storage_clean(struct vb_storage_session *session, const char *key,
                                const char *upload_id, bool keep_object, bool *ret_clean,
                                struct vb_error *err)
{
    return session->storage->driver->clean(session, key, upload_id, keep_object, NULL, ret_clean,
                                           err);
}

enum vb_status vb_storage_remove(struct vb_storage_session *session, const char *key,
                                 const char *upload_id, char version[VB_VERSION], bool *ret_clean,
                                 struct vb_error *err)
{
    return session->storage->driver->clean(session, key, upload_id, false, version, ret_clean, err);
}

const char *vb_storage_version(const struct vb_storage_session *session)
{
    return session->version;
}

enum vb_status vb_storage_size(struct vb_storage_session *session, const char *key,
                               uint64_t *ret_size, struct vb_error *err)
{
    return session->storage->driver->size(session, key, ret_size, err);
}

enum vb_status vb_storage_read(struct vb_storage_session *session, const char *key,
                               struct vb_buffer *out, struct vb_error *err)
{
    return session->storage->driver->read(session, key, out, err);
}

#define PIECE (UINT64_C(4) << 20)

enum vb_status vb_storage_fetch(struct vb_storage_session *session, const char *key, uint64_t size,
                                vb_storage_taker *take, void *context, struct vb_error *err)
{
    struct vb_buffer piece;
    enum vb_status status = VB_OK;
    vb_buffer_init(&piece, 2 * PIECE);
    for (uint64_t at = 0; at < size && status == VB_OK; at += piece.length) {
        size_t wanted = (size_t)(size - at < PIECE ? size - at : PIECE);
        vb_buffer_reset(&piece);
        if (vb_storage_stopped(session))
            status = vb_fail(err, VB_STOPPED, "stopped");
        else
            status = session->storage->driver->piece(session, key, at, wanted, &piece, err);
        if (status == VB_OK && piece.length != wanted)
            status =
                vb_fail(err, VB_CORRUPT, "the object ends after %" PRIu64 " of %" PRIu64 " bytes",
                        at + piece.length, size);
        if (status == VB_OK)
            status = take(context, (struct vb_view){piece.data, piece.length}, err);
    }
    vb_buffer_done(&piece);
    return status;
}

enum vb_status vb_storage_ready(struct vb_storage_session *session, struct vb_error *err)
{
    return session->storage->driver->ready(session, err);
}

enum vb_status vb_storage_link(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                               const char *key, const char *file_name, vb_instant finished_at,
                               vb_instant expires_at, struct vb_buffer *out, struct vb_error *err)
{
    return storage->driver->link(storage, secrets, key, file_name, finished_at, expires_at, out,
                                 err);
}

enum vb_status vb_storage_view_link(struct vb_storage *storage,
                                    const struct vb_link_secrets *secrets, const char *key,
                                    vb_instant now, int64_t seconds, bool is_head,
                                    struct vb_buffer *out, struct vb_error *err)
{
    return storage->driver->view(storage, secrets, key, now, seconds, is_head, out, err);
}

enum vb_status vb_storage_open(struct vb_storage *storage, const char *key, int64_t seconds,
                               bool is_head, int *ret_fd, uint64_t *ret_size,
                               struct vb_buffer *redirect, struct vb_error *err)
{
    return storage->driver->open(storage, key, seconds, is_head, ret_fd, ret_size, redirect, err);
}

enum vb_status vb_storage_leftovers(struct vb_storage_session *session, int64_t least_age,
                                    vb_leftover_visit *visit, void *context, struct vb_error *err)
{
    const struct vb_storage_driver *driver = session->storage->driver;
    return driver->leftovers ? driver->leftovers(session, least_age, visit, context, err) : VB_OK;
}

enum vb_status vb_storage_sweep(struct vb_storage_session *session, const char *folder,
                                int64_t least_age, uint64_t *ret_removed, struct vb_error *err)
{
    const struct vb_storage_driver *driver = session->storage->driver;
    if (driver->sweep)
        return driver->sweep(session, folder, least_age, ret_removed, err);
    *ret_removed = 0;
    return VB_OK;
}
