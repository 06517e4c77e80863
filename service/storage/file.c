/* The directory driver: an object is a file at its key; a part is a file of its own until the
 * close.
 *
 * Everything is written under a temporary name, synced and renamed, so a name is either whole or
 * not there, also after a power cut. Several machines may share the directory: nothing relies on
 * locks, only on rename. The storage is read-only after its making; any thread. Joining is in
 * storage/join.c, cleaning in storage/sweep.c.
 */
#include "file.h"
#include "store_id.h"

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void vb_parts_name(const char *object_name, char name[VB_PARTS_TEXT])
{
    char hex[VB_SHA256_HEX];
    vb_sha256_hex(object_name, strlen(object_name), hex);
    /* Hashed, since the object's name may already have the longest length. */
    snprintf(name, VB_PARTS_TEXT, VB_PARTS "%.16s", hex);
}

void vb_part_name(uint32_t number, const char *epoch, char name[VB_PART_TEXT])
{
    snprintf(name, VB_PART_TEXT, "%" PRIu32 "-%.20s", number, epoch);
}

/* A directory that only looks writable (read-only mount, quota) fails here and not in the first
 * export. */
static enum vb_status try_writing(int root, struct vb_error *err)
{
    char temporary[VB_TEMPORARY_TEXT];
    int fd;
    enum vb_status status = vb_temporary_open(root, temporary, &fd, err);
    if (status == VB_OK)
        vb_temporary_drop(root, temporary, fd);
    return status;
}

/* Not made here: where a volume is not mounted, archives would land beside it. */
enum vb_status vb_storage_file_check(const char *path, struct vb_error *err)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return vb_fail_system(
            err, VB_IO, errno,
            "the directory %s of the option storage is not there: make it for the "
            "user that verbatim runs as (install -d -m 0750 -o USER %s), or set "
            "storage",
            path, path);
    if (!S_ISDIR(found.st_mode))
        return vb_fail(err, VB_IO, "%s of the option storage is no directory", path);
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return vb_fail_system(err, VB_IO, errno,
                              "the directory %s of the option storage must be readable and "
                              "writable for the user that verbatim runs as (chown USER %s)",
                              path, path);
    return VB_OK;
}

/* The store's identity is in the directory, not in its path: mounts differ between machines. */
static enum vb_status adopt(struct vb_file_storage *file, const char *path, struct vb_error *err)
{
    char id[VB_UUID_TEXT];
    enum vb_status status = vb_storage_file_check(path, err);
    if (status != VB_OK)
        return status;
    file->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->root < 0)
        return vb_fail_system(err, VB_IO, errno, "the storage directory '%s' cannot be opened",
                              path);
    status = try_writing(file->root, err);
    if (status == VB_OK)
        status = vb_store_id(file->root, id, err);
    if (status != VB_OK) {
        vb_fail_within(err, status, "the storage directory '%s'", path);
        return status;
    }
    snprintf(file->storage.identity, sizeof file->storage.identity, "file:%s", id);
    return VB_OK;
}

/* Also of one that was only half made. */
static void file_free(struct vb_storage *storage)
{
    struct vb_file_storage *file = (struct vb_file_storage *)storage;
    if (file->root >= 0)
        close(file->root);
    free(file->path);
    free(file);
}

/* Holds nothing but the stop question. */
static enum vb_status file_session_new(struct vb_storage *storage,
                                       struct vb_storage_session **ret_session,
                                       struct vb_error *err)
{
    (void)storage;
    struct vb_storage_session *session = calloc(1, sizeof *session);
    if (!session)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a storage session");
    *ret_session = session;
    return VB_OK;
}

static void file_session_free(struct vb_storage_session *session)
{
    free(session);
}

/* A whole file under `name` in an open folder; the folder is not synced yet. */
static enum vb_status write_file(int folder, const char *name, const struct iovec *body,
                                 size_t count, uint64_t size, struct vb_error *err)
{
    char temporary[VB_TEMPORARY_TEXT];
    int fd;
    enum vb_status status = vb_temporary_open(folder, temporary, &fd, err);
    if (status != VB_OK)
        return status;
    status = vb_path_write(fd, body, count, size, err);
    if (status != VB_OK) {
        vb_temporary_drop(folder, temporary, fd);
        return status;
    }
    return vb_temporary_finish(folder, temporary, fd, name, err);
}

/* A folder may vanish under a writer that was cleaned up after: for the caller that is a failure to
 * try again. */
static enum vb_status as_failure(enum vb_status status, struct vb_error *err)
{
    if (status == VB_NOT_FOUND && err)
        err->status = VB_IO;
    return status == VB_NOT_FOUND ? VB_IO : status;
}

/* A stop is heard before and not in the middle: the body lies in memory and is written in one
 * go. */
static enum vb_status file_put(struct vb_storage_session *session, const char *key,
                               const char *file_name, const struct iovec *body, size_t count,
                               uint64_t size, struct vb_error *err)
{
    (void)file_name; /* stands in the key; told to the browser by the HTTP front end */
    struct vb_place place;
    if (vb_storage_stopped(session))
        return vb_fail(err, VB_STOPPED, "stopped");
    enum vb_status status = vb_place_open(vb_file_root(session->storage), key, true, &place, err);
    if (status != VB_OK)
        return as_failure(status, err);
    status = write_file(place.folder, place.name, body, count, size, err);
    if (status == VB_OK)
        status = vb_place_sync(&place, err);
    vb_place_done(&place);
    return as_failure(status, err);
}

/* Opens the folder of a key's parts as a place; its `name` is without meaning. The folder is the
 * upload: it is made where one begins, and nowhere else, so that a part of an upload that is gone
 * finds that out. */
static enum vb_status open_parts(struct vb_storage_session *session, const char *key, bool create,
                                 struct vb_place *ret_place, struct vb_error *err)
{
    const char *slash = strrchr(key, '/');
    char parts[VB_PARTS_TEXT];
    struct vb_buffer path;
    enum vb_status status = vb_key_check(key, err);
    if (status != VB_OK)
        return status;
    vb_buffer_init(&path, 4096);
    vb_parts_name(slash ? slash + 1 : key, parts);
    status = vb_buffer_append(&path, key, slash ? (size_t)(slash - key) + 1 : 0);
    if (status == VB_OK)
        status = vb_buffer_printf(&path, "%s/part", parts);
    if (status == VB_OK)
        status = vb_place_open(vb_file_root(session->storage), path.data, create, ret_place, err);
    else
        vb_fail(err, status, "the key is too long");
    vb_buffer_done(&path);
    return status;
}

/* An upload has no id of its own: one object has one, the folder of its parts. */
static enum vb_status file_begin(struct vb_storage_session *session, const char *key,
                                 const char *file_name, struct vb_buffer *out_upload_id,
                                 struct vb_error *err)
{
    (void)file_name;
    struct vb_place place;
    enum vb_status status = open_parts(session, key, true, &place, err);
    if (status != VB_OK)
        return as_failure(status, err);
    status = vb_place_sync(&place, err);
    vb_place_done(&place);
    if (status == VB_OK && vb_buffer_append_text(out_upload_id, "") != VB_OK)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for an upload id");
    return as_failure(status, err);
}

static enum vb_status file_part(struct vb_storage_session *session, const char *key,
                                const char *upload_id, uint32_t number, int64_t epoch,
                                const struct iovec *body, size_t count, uint64_t size,
                                struct vb_stored_part *ret_part, struct vb_error *err)
{
    (void)upload_id;
    struct vb_place place;
    char name[VB_PART_TEXT];
    struct vb_stored_part part = {.number = number, .size = size};
    if (vb_storage_stopped(session))
        return vb_fail(err, VB_STOPPED, "stopped");
    enum vb_status status = open_parts(session, key, false, &place, err);
    if (status == VB_NOT_FOUND)
        return vb_fail(err, VB_NOT_FOUND, "the upload is gone: there is no folder of its parts");
    if (status != VB_OK)
        return status;
    /* The epoch stands for the ETag: two owners of one part number write two files. */
    snprintf(part.etag, sizeof part.etag, "%" PRId64, epoch);
    vb_part_name(number, part.etag, name);
    status = write_file(place.folder, name, body, count, size, err);
    if (status == VB_OK)
        status = vb_place_sync(&place, err);
    vb_place_done(&place);
    if (status == VB_OK)
        *ret_part = part;
    return status; /* a folder that goes under the writer is an upload that is gone */
}

/* Something else than a file at the key is nothing that was stored here. */
static enum vb_status file_size(struct vb_storage_session *session, const char *key,
                                uint64_t *ret_size, struct vb_error *err)
{
    struct vb_place place;
    struct stat info;
    enum vb_status status = vb_place_open(vb_file_root(session->storage), key, false, &place, err);
    if (status != VB_OK)
        return status;
    if (fstatat(place.folder, place.name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        status = vb_path_fail(err, "the archive");
    else if (!S_ISREG(info.st_mode))
        status = vb_fail(err, VB_NOT_FOUND, "the key is no file");
    else
        *ret_size = (uint64_t)info.st_size;
    vb_place_done(&place);
    return status;
}

/* The path is opened anew: an unmounted share would leave an empty directory with another id, or
 * none. */
static enum vb_status file_ready(struct vb_storage_session *session, struct vb_error *err)
{
    const struct vb_file_storage *file = (const struct vb_file_storage *)session->storage;
    char id[VB_UUID_TEXT];
    int fd = open(file->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return vb_path_fail(err, "the storage directory");
    enum vb_status status = vb_store_id_read(fd, id, err);
    if (status == VB_OK && strcmp(id, file->storage.identity + strlen("file:")) != 0)
        status = vb_fail(err, VB_STORAGE, "the storage directory is another one than at the start");
    if (status == VB_OK && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        status = vb_path_fail(err, "the storage directory");
    close(fd);
    return status;
}

/* Served by our own front end, from the same key. */
static enum vb_status file_link(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                                const char *key, const char *file_name, vb_instant finished_at,
                                vb_instant expires_at, struct vb_buffer *out, struct vb_error *err)
{
    (void)file_name;
    (void)finished_at;
    return vb_link_write(storage->base_url, secrets, key, expires_at, out, err);
}

static enum vb_status file_view(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                                const char *key, vb_instant now, int64_t seconds, bool is_head,
                                struct vb_buffer *out, struct vb_error *err)
{
    (void)is_head; /* one link for both */
    return vb_link_write_view(storage->base_url, secrets, key, now + seconds * VB_SECOND, out, err);
}

/* A moment on a local disk. On a share that hangs it would hold up the loop that asks. */
static enum vb_status file_open(struct vb_storage *storage, const char *key, int64_t seconds,
                                bool is_head, int *ret_fd, uint64_t *ret_size,
                                struct vb_buffer *redirect, struct vb_error *err)
{
    (void)is_head;
    (void)seconds;
    (void)redirect;
    struct vb_place place;
    struct stat info;
    enum vb_status status = vb_place_open(vb_file_root(storage), key, false, &place, err);
    if (status != VB_OK)
        return status;
    /* Neither a link out of the store nor a FIFO that would block the loop. */
    int fd = openat(place.folder, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    vb_place_done(&place);
    if (fd < 0)
        return vb_path_fail(err, "the archive");
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return vb_fail(err, VB_NOT_FOUND, "the key is no file");
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)info.st_size;
    return VB_OK;
}

/* Of the size that it has while it is read; objects are replaced by rename, never written into. */
static enum vb_status file_read(struct vb_storage_session *session, const char *key,
                                struct vb_buffer *out, struct vb_error *err)
{
    int fd = -1;
    uint64_t size = 0;
    ssize_t got = 1;
    enum vb_status status = file_open(session->storage, key, 0, false, &fd, &size, NULL, err);
    if (status != VB_OK)
        return status;
    while (status == VB_OK && got > 0) {
        char piece[4096];
        got = read(fd, piece, sizeof piece);
        if (got > 0)
            status = vb_buffer_append(out, piece, (size_t)got);
        if (status != VB_OK)
            vb_fail(err, status, "the object is larger than was asked for, or than memory is left");
        else if (got < 0)
            status = vb_path_fail(err, "the archive");
    }
    close(fd);
    return status;
}

/* Opened for each piece: they are few. */
static enum vb_status file_piece(struct vb_storage_session *session, const char *key,
                                 uint64_t offset, size_t length, struct vb_buffer *out,
                                 struct vb_error *err)
{
    int fd = -1;
    uint64_t size = 0;
    ssize_t got = 1;
    enum vb_status status = file_open(session->storage, key, 0, false, &fd, &size, NULL, err);
    if (status != VB_OK)
        return status;
    if ((status = vb_buffer_reserve(out, length)) != VB_OK)
        vb_fail(err, status, "no memory for a piece of the archive");
    for (size_t done = 0; status == VB_OK && done < length && got > 0; done += (size_t)got) {
        got = pread(fd, out->data + out->length, length - done, (off_t)(offset + done));
        if (got < 0)
            status = vb_path_fail(err, "the archive");
        else
            vb_buffer_grown(out, (size_t)got);
    }
    close(fd);
    return status;
}

/* Without `ask`: nothing here goes on by itself. The base URL of links is filled in by
 * storage.c. */
static const struct vb_storage_driver file_driver = {
    .free = file_free,
    .session_new = file_session_new,
    .session_free = file_session_free,
    .put = file_put,
    .begin = file_begin,
    .part = file_part,
    .close = vb_file_close,
    .clean = vb_file_clean,
    .size = file_size,
    .read = file_read,
    .piece = file_piece,
    .ready = file_ready,
    .link = file_link,
    .view = file_view,
    .open = file_open,
    .leftovers = vb_file_leftovers,
    .sweep = vb_file_sweep,
};

/* The directory has to be there: making it would hide a share that is not mounted. */
enum vb_status vb_storage_file_new(const struct vb_options *options, const char *location,
                                   struct vb_storage **ret_storage, struct vb_error *err)
{
    (void)options; /* a directory has no settings beside its path */
    if (location[0] != '/')
        return vb_fail(err, VB_INVALID, "storage 'file://%s' needs an absolute path", location);
    struct vb_file_storage *file = calloc(1, sizeof *file);
    if (!file)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the storage");
    file->storage = (struct vb_storage){.driver = &file_driver, .small_parts = true};
    file->root = -1;
    file->path = strdup(location);
    enum vb_status status = file->path ? adopt(file, location, err)
                                       : vb_fail(err, VB_NO_MEMORY, "no memory for the storage");
    if (status != VB_OK) {
        file_free(&file->storage);
        return status;
    }
    *ret_storage = &file->storage;
    return VB_OK;
}
