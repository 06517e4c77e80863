/* What a storage driver fills in; private to the storage files of this folder.
 *
 * A driver's storage and session begin with the structs below; its constructor fills `driver`,
 * `identity`, and `small_parts` and `prefix` where they are not false and empty. A driver frees
 * what it made by its own two functions. Threads, errors and lifetimes of each entry are those of
 * the function of the same name in storage.h; those that may be NULL say so.
 */
#ifndef VERBATIM_STORAGE_DRIVER_H
#define VERBATIM_STORAGE_DRIVER_H

#include "storage.h"

struct vb_storage_driver {
    /* vb_storage_request_stop; NULL where nothing goes on by itself. */
    void (*ask)(struct vb_storage *storage); /* may be NULL */
    /* Called with no session left, and by a constructor that failed half-way. */
    void (*free)(struct vb_storage *storage);
    /* storage.c fills in the members of struct vb_storage_session behind it. */
    enum vb_status (*session_new)(struct vb_storage *storage,
                                  struct vb_storage_session **ret_session, struct vb_error *err);
    void (*session_free)(struct vb_storage_session *session);
    /* Replaces what is at the key, at once and whole: nobody may read half of it. */
    enum vb_status (*put)(struct vb_storage_session *session, const char *key,
                          const char *file_name, const struct iovec *body, size_t count,
                          uint64_t size, struct vb_error *err);
    enum vb_status (*begin)(struct vb_storage_session *session, const char *key,
                            const char *file_name, struct vb_buffer *out_upload_id,
                            struct vb_error *err);
    /* The same number again replaces or stands beside the first; the recorded etag tells them
     * apart. */
    enum vb_status (*part)(struct vb_storage_session *session, const char *key,
                           const char *upload_id, uint32_t number, int64_t epoch,
                           const struct iovec *body, size_t count, uint64_t size,
                           struct vb_stored_part *ret_part, struct vb_error *err);
    /* There are parts, their sizes add up to `size`, and `bad` is all false: storage.c has
     * looked. */
    enum vb_status (*close)(struct vb_storage_session *session, const char *key,
                            const char *upload_id, const struct vb_stored_part *parts, size_t count,
                            uint64_t size, enum vb_close_result *ret_result, bool *bad,
                            struct vb_error *err);
    /* vb_storage_look_for_more; NULL where such parts do no harm. */
    enum vb_status (*more)(struct vb_storage_session *session, const char *key,
                           const char *upload_id, const struct vb_stored_part *parts, size_t count,
                           bool *ret_more, struct vb_error *err);
    enum vb_status (*clean)(struct vb_storage_session *session, const char *key,
                            const char *upload_id, bool keep_object,
                            char *version, /* of vb_storage_remove; NULL of vb_storage_clean */
                            bool *ret_clean, struct vb_error *err);
    /* VB_NOT_FOUND also for something at the key that is no object. */
    enum vb_status (*size)(struct vb_storage_session *session, const char *key, uint64_t *ret_size,
                           struct vb_error *err);
    enum vb_status (*read)(struct vb_storage_session *session, const char *key,
                           struct vb_buffer *out, struct vb_error *err);
    /* Appends `length` bytes from `offset` on, which lie within the object. */
    enum vb_status (*piece)(struct vb_storage_session *session, const char *key, uint64_t offset,
                            size_t length, struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*ready)(struct vb_storage_session *session, struct vb_error *err);
    /* Any thread. Neither this nor `open` may wait for the network: HTTP loops call them. */
    enum vb_status (*link)(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                           const char *key, const char *file_name, vb_instant finished_at,
                           vb_instant expires_at, struct vb_buffer *out, struct vb_error *err);
    /* vb_storage_view_link, with the same restraint. */
    enum vb_status (*view)(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                           const char *key, vb_instant now, int64_t seconds, bool is_head,
                           struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*open)(struct vb_storage *storage, const char *key, int64_t seconds,
                           bool is_head, int *ret_fd, uint64_t *ret_size,
                           struct vb_buffer *redirect, struct vb_error *err);
    /* Both NULL where the store keeps no files of its own beside the objects. */
    enum vb_status (*leftovers)(struct vb_storage_session *session, int64_t least_age,
                                vb_leftover_visit *visit, void *context, struct vb_error *err);
    enum vb_status (*sweep)(struct vb_storage_session *session, const char *folder,
                            int64_t least_age, uint64_t *ret_removed, struct vb_error *err);
};

/* First in a driver's own storage. Read-only once storage.c has made it, but for what the store
 * teaches later: atomic. */
struct vb_storage {
    const struct vb_storage_driver *driver;
    const struct vb_options *options; /* which outlive the storage; storage.c fills in both */
    const char *base_url;
    bool small_parts;
    _Atomic bool equal_parts;   /* what was cut otherwise was refused */
    _Atomic uint32_t part_most; /* a number above it was refused; 0: none was */
    char prefix[512];           /* "" or ends in a slash */
    char identity[1024];
};

/* First in a driver's own session; storage.c fills it in behind session_new. */
struct vb_storage_session {
    struct vb_storage *storage;
    bool (*stop)(void *context);
    void *stop_context;
    char version[VB_VERSION]; /* vb_storage_version; a driver's put and close fill it */
};

/* One for each row of the drivers in storage.c; `location` is what follows the row's scheme. The
 * caller fills base_url afterwards. */
enum vb_status vb_storage_file_new(const struct vb_options *options, const char *location,
                                   struct vb_storage **ret_storage,
                                   struct vb_error *err) vb_must_check;
/* As vb_storage_check_folder; `path` is the directory. */
enum vb_status vb_storage_file_check(const char *path, struct vb_error *err) vb_must_check;
enum vb_status vb_storage_s3_new(const struct vb_options *options, const char *location,
                                 struct vb_storage **ret_storage,
                                 struct vb_error *err) vb_must_check;

/* Asked in every wait and between pieces of work; a driver then ends its call with VB_STOPPED. */
bool vb_storage_stopped(const struct vb_storage_session *session);

/* {base_url}/files/KEY?expires=...&signature=..., appended. VB_DATABASE: there is no secret yet. */
enum vb_status vb_link_write(const char *base_url, const struct vb_link_secrets *secrets,
                             const char *key, vb_instant expires_at, struct vb_buffer *out,
                             struct vb_error *err) vb_must_check;
/* The same to look at: with &disposition=inline, and a signature for that alone. */
enum vb_status vb_link_write_view(const char *base_url, const struct vb_link_secrets *secrets,
                                  const char *key, vb_instant expires_at, struct vb_buffer *out,
                                  struct vb_error *err) vb_must_check;

#endif
