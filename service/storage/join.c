/* The close of a directory's archive: recorded parts, in order, become the object.
 *
 * Repeatable at any point: until the rename the parts are whole, after it the object is. Two
 * workers may close at once: each joins into a temporary file of its own, and the one that finds
 * the parts gone finds the object.
 *
 * Uploads have no other state than the folder and its files, so the records of the caller decide
 * what belongs to the archive: parts of an owner that lost its claim lie beside them, and go with
 * the folder.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRETCH (64u << 20)     /* bytes between two looks at the stop question */
#define COPY_BLOCK (256u << 10) /* of the plain copy, where the kernel cannot do it by itself */

/* `plain` is learned once a join: file systems do not change meanwhile. */
struct join {
    struct vb_storage_session *session;
    int from, to; /* the part being copied, the archive being written */
    bool plain;   /* copy_file_range does not work here */
};

/* -1 with errno, or the bytes copied: 0 at the end of the part. The block is allocated each time:
 * this is the way of old kernels and odd file systems. */
static ssize_t copy_plain(struct join *join, size_t most)
{
    char *block = malloc(COPY_BLOCK);
    if (!block)
        return -1;
    ssize_t got = read(join->from, block, most < COPY_BLOCK ? most : COPY_BLOCK);
    for (ssize_t done = 0; done < got;) {
        ssize_t wrote = write(join->to, block + done, (size_t)(got - done));
        if (wrote < 0 && errno != EINTR) {
            got = -1;
            break;
        }
        done += wrote < 0 ? 0 : wrote;
    }
    free(block);
    return got;
}

/* By the kernel where it can, which on some file systems shares the blocks and copies nothing. */
static ssize_t copy_some(struct join *join, size_t most)
{
    if (!join->plain) {
        ssize_t copied = copy_file_range(join->from, NULL, join->to, NULL, most, 0);
        /* 0 before the end is what some kernels answer on file systems that cannot: the plain copy
         * decides. */
        if (copied > 0 || (copied < 0 && (errno == EINTR || errno == ENOSPC || errno == EDQUOT)))
            return copied;
        join->plain = true;
    }
    return copy_plain(join, most);
}

/* Exactly the recorded size: a file that is longer would be caught by check_parts. */
static enum vb_status append_part(struct join *join, int parts, const struct vb_stored_part *part,
                                  struct vb_error *err)
{
    char name[VB_PART_TEXT];
    uint64_t left = part->size;
    vb_part_name(part->number, part->etag, name);
    join->from = openat(parts, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (join->from < 0)
        return vb_path_fail(err, "a part cannot be opened");
    enum vb_status status = VB_OK;
    while (left > 0 && status == VB_OK) {
        if (vb_storage_stopped(join->session)) {
            status = vb_fail(err, VB_STOPPED, "stopped");
            break;
        }
        ssize_t copied = copy_some(join, left < STRETCH ? (size_t)left : STRETCH);
        if (copied < 0 && errno != EINTR)
            status = vb_path_fail(err, "the archive cannot be joined");
        else if (copied == 0)
            status = vb_fail(err, VB_CORRUPT, "part %s is shorter than recorded", name);
        else if (copied > 0)
            left -= (uint64_t)copied;
    }
    close(join->from);
    return status;
}

/* A temporary file of its own in the object's folder, since a rename works within one file
 * system. */
static enum vb_status join_all(struct vb_storage_session *session, const struct vb_place *place,
                               int parts_folder, const struct vb_stored_part *parts, size_t count,
                               struct vb_error *err)
{
    char temporary[VB_TEMPORARY_TEXT];
    struct join join = {.session = session};
    enum vb_status status = vb_temporary_open(place->folder, temporary, &join.to, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = append_part(&join, parts_folder, &parts[i], err);
    if (status != VB_OK) {
        vb_temporary_drop(place->folder, temporary, join.to);
        return status;
    }
    return vb_temporary_finish(place->folder, temporary, join.to, place->name, err);
}

/* A part alone needs no copy: it is synced already and takes the object's name. */
static enum vb_status promote(const struct vb_place *place, int parts_folder,
                              const struct vb_stored_part *part, struct vb_error *err)
{
    char name[VB_PART_TEXT];
    vb_part_name(part->number, part->etag, name);
    if (renameat(parts_folder, name, place->folder, place->name) != 0)
        return vb_path_fail(err, "the archive cannot be renamed");
    return VB_OK;
}

/* Flags the parts that are not there as recorded; *ret_wrong: how many. */
static enum vb_status check_parts(int parts_folder, const struct vb_stored_part *parts,
                                  size_t count, bool *bad, size_t *ret_wrong, struct vb_error *err)
{
    *ret_wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        char name[VB_PART_TEXT];
        vb_part_name(parts[i].number, parts[i].etag, name);
        bool found = fstatat(parts_folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (!found && errno != ENOENT)
            return vb_path_fail(err, "a part cannot be looked at");
        bad[i] = !found || !S_ISREG(info.st_mode) || (uint64_t)info.st_size != parts[i].size;
        *ret_wrong += bad[i];
    }
    return VB_OK;
}

/* VB_NOT_FOUND: no object of that size. By size alone: a name that stands was written whole. */
static enum vb_status look_for_object(const struct vb_place *place, uint64_t size,
                                      struct vb_error *err)
{
    struct stat info;
    if (fstatat(place->folder, place->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return vb_path_fail(err, "the archive cannot be looked at");
    return S_ISREG(info.st_mode) && (uint64_t)info.st_size == size
               ? VB_OK
               : vb_fail(err, VB_NOT_FOUND, "the archive has another size");
}

/* Makes the object of its parts. VB_NOT_FOUND: the folder of parts is gone, and so the upload. */
static enum vb_status make_object(struct vb_storage_session *session, const struct vb_place *place,
                                  const struct vb_stored_part *parts, size_t count, bool *bad,
                                  size_t *ret_wrong, struct vb_error *err)
{
    char parts_name[VB_PARTS_TEXT];
    vb_parts_name(place->name, parts_name);
    int folder = openat(place->folder, parts_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return vb_path_fail(err, "the upload is gone: the folder of its parts");
    enum vb_status status = check_parts(folder, parts, count, bad, ret_wrong, err);
    if (status == VB_OK && *ret_wrong == 0)
        status = count == 1 ? promote(place, folder, &parts[0], err)
                            : join_all(session, place, folder, parts, count, err);
    /* Parts that go while they are joined: the next try finds out whether all of it has gone. */
    if (status == VB_NOT_FOUND)
        status = vb_fail(err, VB_IO, "parts vanished while the archive was joined");
    close(folder);
    return status;
}

/* The object is looked for first: of a close that is repeated nothing else is left. */
static enum vb_status close_place(struct vb_storage_session *session, const struct vb_place *place,
                                  const struct vb_stored_part *parts, size_t count, uint64_t size,
                                  enum vb_close_result *ret_result, bool *bad, struct vb_error *err)
{
    char parts_name[VB_PARTS_TEXT];
    size_t wrong = 0;
    enum vb_status status = look_for_object(place, size, err);
    vb_parts_name(place->name, parts_name);
    if (status == VB_NOT_FOUND) {
        struct vb_error own = {0};
        status = make_object(session, place, parts, count, bad, &wrong, err);
        /* Whatever went wrong: if the object stands by now, another worker closed it and took the
         * parts away. */
        if ((wrong > 0 || status != VB_OK) && look_for_object(place, size, &own) != VB_OK) {
            if (status == VB_OK)
                *ret_result = VB_CLOSE_PARTS_DIFFER;
            return status;
        }
    } else if (status != VB_OK) {
        return status;
    }
    /* The object is synced before its parts go. It may also be one whose closer died before its
     * sync. */
    status = vb_place_sync(place, err);
    if (status == VB_OK)
        status = vb_path_remove_folder(place->folder, parts_name, err);
    for (size_t i = 0; i < count; i++)
        bad[i] = false;
    if (status == VB_OK)
        *ret_result = VB_CLOSE_DONE;
    return status;
}

/* A folder that is missing is VB_NOT_FOUND like an upload that is gone: neither can be closed. */
enum vb_status vb_file_close(struct vb_storage_session *session, const char *key,
                             const char *upload_id, const struct vb_stored_part *parts,
                             size_t count, uint64_t size, enum vb_close_result *ret_result,
                             bool *bad, struct vb_error *err)
{
    (void)upload_id;
    struct vb_place place;
    enum vb_status status = vb_place_open(vb_file_root(session->storage), key, false, &place, err);
    if (status != VB_OK)
        return status;
    status = close_place(session, &place, parts, count, size, ret_result, bad, err);
    vb_place_done(&place);
    return status;
}
