/* Where archives go: one interface, two drivers (S3 and a directory), chosen by the option
 * `storage`. The driver never leaves its bucket or directory. Keys are
 * `[PREFIX/]conversation_exports/...`. Every call may be repeated: that is what makes recovery
 * simple.
 *
 * vb_storage is made once, shared by all threads, and freed by whoever made it, after its sessions;
 * the options outlive it. vb_storage_session belongs to one thread (an S3 session keeps its
 * connection).
 *
 * Errors, the same of both drivers: VB_NOT_FOUND for an upload or object that is not there,
 * VB_DENIED and VB_EXPIRED for rights and credentials, VB_STORAGE for a bucket that is gone or a
 * store that refuses, VB_IO for a file system, VB_STORAGE_AWAY and VB_NETWORK for what passes,
 * VB_CORRUPT for records that contradict each other, VB_INVALID for keys that could leave the
 * store, VB_STOPPED, VB_NO_MEMORY. Waits are bounded by the client in s3/; those of a file system
 * are not.
 */
#ifndef VERBATIM_STORAGE_STORAGE_H
#define VERBATIM_STORAGE_STORAGE_H

#include "settings/options.h"
#include "verbatim/clock.h"

#include <sys/uio.h>

struct vb_storage;
struct vb_storage_session;

/* One stored part, as recorded in segment.parts. */
#define VB_ETAG 160
#define VB_PARTS_MOST 10000u /* the highest number of a part in any store */
#define VB_VERSION 256       /* room of a version id, with its NUL */
struct vb_stored_part {
    uint64_t size;
    uint32_t number;
    uint32_t crc;       /* CRC-32 of its bytes; the caller's to fill, no store looks at it */
    char etag[VB_ETAG]; /* S3: as answered, with quotes; file: the epoch in decimal */
};

enum vb_status vb_storage_new(const struct vb_options *options, struct vb_storage **ret_storage,
                              struct vb_error *err) vb_must_check;
/* Whether the directory of the options is there and may be written to by this user; nothing is left
 * in it. VB_OK for object stores. VB_IO says which command makes it. */
enum vb_status vb_storage_check_folder(const struct vb_options *options,
                                       struct vb_error *err) vb_must_check;
/* The process ends: nothing fetches credentials from here on. Before the threads that use it are
 * waited for. */
void vb_storage_request_stop(struct vb_storage *storage);
/* NULL is a no-op. All sessions must be gone. */
void vb_storage_free(struct vb_storage *storage);

/* Noted on each job and compared before anything is done with its archive: bucket, region and
 * endpoint, or the directory's store id. Lives as long as the storage. */
const char *vb_storage_identity(const struct vb_storage *storage);
/* What to do about an error of the store, in words that name the options; static. */
const char *vb_storage_remedy(const struct vb_options *options, const struct vb_error *err);
/* Parts smaller than 5 MiB are legal (directory); S3: false. */
bool vb_storage_small_parts(const struct vb_storage *storage);
/* The store has refused an archive for the lengths or the numbers of its parts: the next ones have
 * to be of one length, and numbered 1, 2, 3. Rises once in the life of a process. */
bool vb_storage_wants_equal_parts(const struct vb_storage *storage);
/* The highest number that a part may have: the option's, or less where the store has refused one.
 * Falls in the life of a process, and never rises. */
uint32_t vb_storage_part_most(const struct vb_storage *storage);
/* "[PREFIX/]conversation_exports/WORKSPACE/JOB-EPOCH/NAME" into `out`. VB_INVALID: an empty
 * workspace, a job that is no UUID, a name with a slash, a control byte or a dot in front.
 * VB_LIMIT: longer than S3 allows. */
enum vb_status vb_storage_key(const struct vb_storage *storage, const char *workspace_id,
                              const char *job_id, int64_t epoch, const char *name,
                              struct vb_buffer *out, struct vb_error *err) vb_must_check;

/* `stop` (may be NULL) is asked while waiting and between attempts; true ends a call with
 * VB_STOPPED. */
enum vb_status vb_storage_session_new(struct vb_storage *storage, bool (*stop)(void *),
                                      void *stop_context, struct vb_storage_session **ret_session,
                                      struct vb_error *err) vb_must_check;
/* NULL is a no-op. */
void vb_storage_session_free(struct vb_storage_session *session);

/* The whole object in one piece: one PUT, or a temporary name, fsync and rename. `size` is the sum
 * of the pieces. Replaces what is at the key. */
enum vb_status vb_storage_put(struct vb_storage_session *session, const char *key,
                              const char *file_name, const struct iovec *body, size_t count,
                              uint64_t size, struct vb_error *err) vb_must_check;

/* Begins a multipart upload and appends its id, NUL-terminated, to `out_upload_id` ('' for a
 * directory). One whose answer is lost is found again by vb_storage_clean alone. */
enum vb_status vb_storage_begin(struct vb_storage_session *session, const char *key,
                                const char *file_name, struct vb_buffer *out_upload_id,
                                struct vb_error *err) vb_must_check;
/* An upload is gone when the store knows it no more: it was closed, cleaned up, or taken away by
 * somebody else, such as a lifecycle rule of the bucket or a hand in the directory. A part, the
 * list of parts and a close tell that alike, by VB_NOT_FOUND. A bucket or directory that is gone
 * itself is VB_STORAGE or VB_IO. */

/* Stores one part durably. `epoch` is that of the segment's claim. VB_NOT_FOUND: the upload is
 * gone. VB_CONFLICT: the store takes no number as high as that (vb_storage_part_most says which,
 * from then on). In both cases nothing was stored, and the archive has to begin anew. */
enum vb_status vb_storage_part(struct vb_storage_session *session, const char *key,
                               const char *upload_id, uint32_t number, int64_t epoch,
                               const struct iovec *body, size_t count, uint64_t size,
                               struct vb_stored_part *ret_part, struct vb_error *err) vb_must_check;

enum vb_close_result {
    VB_CLOSE_DONE,        /* the object stands, of the size demanded */
    VB_CLOSE_PARTS_DIFFER /* some recorded parts are not what the store holds: `bad` is filled */
};
/* Whether the upload holds parts whose numbers are not among these. A store that joins the others
 * may keep such a part for ever, out of reach (Swift); one that is aborted gives it back. A
 * directory has none. VB_NOT_FOUND: the upload is gone. */
enum vb_status vb_storage_look_for_more(struct vb_storage_session *session, const char *key,
                                        const char *upload_id, const struct vb_stored_part *parts,
                                        size_t count, bool *ret_more,
                                        struct vb_error *err) vb_must_check;
/* Joins the recorded parts (in order) into the object. A retryable step from records alone: an
 * upload that is gone with an object of `size` at the key is VB_CLOSE_DONE. `bad` holds as many
 * flags as parts. VB_NOT_FOUND: the upload is gone and no such object stands. VB_CONFLICT: the
 * store has the parts as recorded and refuses them, for others beside them or for the way they are
 * cut (vb_storage_wants_equal_parts says so from then on). In both cases the archive has to begin
 * anew. */
enum vb_status vb_storage_close(struct vb_storage_session *session, const char *key,
                                const char *upload_id, const struct vb_stored_part *parts,
                                size_t count, uint64_t size, enum vb_close_result *ret_result,
                                bool *bad, struct vb_error *err) vb_must_check;
/* Ends an upload and its parts, and any other upload of this key, such as one whose id was never
 * learned, so nobody may be writing there; VB_OK also when there is none. `keep_object` false also
 * deletes the object. *ret_clean: a look after it found nothing left. */
enum vb_status vb_storage_clean(struct vb_storage_session *session, const char *key,
                                const char *upload_id, bool keep_object, bool *ret_clean,
                                struct vb_error *err) vb_must_check;
/* The same with `keep_object` false, for an object whose version is known: `version` holds its id,
 * "" where it is not known. A bucket that keeps versions deletes only what is named, so every
 * version of the key is looked for and deleted, and the deletion markers with them. VB_DENIED with
 * an id in `version`: the store refuses to delete that one (rights, or a lock); the object is
 * hidden and stays readable as a version. `version` is "" after everything else. */
enum vb_status vb_storage_remove(struct vb_storage_session *session, const char *key,
                                 const char *upload_id, char version[VB_VERSION], bool *ret_clean,
                                 struct vb_error *err) vb_must_check;
/* The version id of the object that the session's last put or close has stored; "" where the store
 * keeps no versions. Lives until the next call. */
const char *vb_storage_version(const struct vb_storage_session *session);
/* VB_NOT_FOUND when there is none. */
enum vb_status vb_storage_size(struct vb_storage_session *session, const char *key,
                               uint64_t *ret_size, struct vb_error *err) vb_must_check;
/* Appends the whole object; VB_LIMIT when it exceeds the buffer's ceiling. For small objects. */
enum vb_status vb_storage_read(struct vb_storage_session *session, const char *key,
                               struct vb_buffer *out, struct vb_error *err) vb_must_check;
/* Hands out the first `size` bytes of an object in order, in pieces of some MiB, which live for the
 * call; anything but VB_OK from `take` ends it and is returned. VB_CORRUPT: it is shorter. */
typedef enum vb_status vb_storage_taker(void *context, struct vb_view bytes, struct vb_error *err);
enum vb_status vb_storage_fetch(struct vb_storage_session *session, const char *key, uint64_t size,
                                vb_storage_taker *take, void *context,
                                struct vb_error *err) vb_must_check;
/* The store answers and the bucket or directory is there: for /readyz. VB_STORAGE: it is another
 * directory than at the start. */
enum vb_status vb_storage_ready(struct vb_storage_session *session,
                                struct vb_error *err) vb_must_check;

/* For the janitor: folders of jobs that hold temporary or part files untouched for `least_age`. The
 * folder, the job's id and the age of its youngest such file. A store without files of its own
 * visits none. */
typedef enum vb_status vb_leftover_visit(void *context, const char *folder, const char *job_id,
                                         int64_t age);
enum vb_status vb_storage_leftovers(struct vb_storage_session *session, int64_t least_age,
                                    vb_leftover_visit *visit, void *context,
                                    struct vb_error *err) vb_must_check;
/* Removes those files of one folder, never an archive; *ret_removed counts them. */
enum vb_status vb_storage_sweep(struct vb_storage_session *session, const char *folder,
                                int64_t least_age, uint64_t *ret_removed,
                                struct vb_error *err) vb_must_check;

/* Links. Pure but for credentials; any thread. */
struct vb_link_secrets {
    int generations[2];
    unsigned char secrets[2][32]; /* the newest first */
    size_t count;
};
/* The newest two generations, newest first. VB_DATABASE when there are none: `migrate` makes
 * them. */
struct vb_pg;
enum vb_status vb_link_secrets_load(struct vb_pg *pg, struct vb_link_secrets *ret_secrets,
                                    struct vb_error *err) vb_must_check;
/* The same link for the same arguments: dated `finished_at`, dead at `expires_at`. Own links
 * (directory, and S3 with temporary credentials) are
 * {base_url}/files/KEY?expires=...&signature=... */
enum vb_status vb_storage_link(struct vb_storage *storage, const struct vb_link_secrets *secrets,
                               const char *key, const char *file_name, vb_instant finished_at,
                               vb_instant expires_at, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;
/* A link by which a browser shows the object instead of saving it, for so many seconds: the object
 * store's, or {base_url}/files/KEY?expires=...&disposition=inline&signature=... An
 * object store's is good for GET, or for HEAD with `is_head`. */
enum vb_status vb_storage_view_link(struct vb_storage *storage,
                                    const struct vb_link_secrets *secrets, const char *key,
                                    vb_instant now, int64_t seconds, bool is_head,
                                    struct vb_buffer *out, struct vb_error *err) vb_must_check;
/* Checks an own link: VB_DENIED when tampered with or expired. `key` is decoded. */
enum vb_status vb_storage_check_link(const struct vb_link_secrets *secrets, const char *key,
                                     struct vb_view expires, struct vb_view signature,
                                     vb_instant now, struct vb_error *err) vb_must_check;
/* The same of an own link to look at. Neither is good as one of the other kind. */
enum vb_status vb_storage_check_view(const struct vb_link_secrets *secrets, const char *key,
                                     struct vb_view expires, struct vb_view signature,
                                     vb_instant now, struct vb_error *err) vb_must_check;
/* What a link leads to once it holds: an open file (the caller closes), or an S3 link of `seconds`,
 * or less where its keys end sooner, into `redirect`: for GET, or with `is_head` for HEAD. Neither
 * this nor a link waits for the network: without good keys at hand it is VB_EXPIRED. */
enum vb_status vb_storage_open(struct vb_storage *storage, const char *key, int64_t seconds,
                               bool is_head, int *ret_fd, uint64_t *ret_size,
                               struct vb_buffer *redirect, struct vb_error *err) vb_must_check;

#endif
