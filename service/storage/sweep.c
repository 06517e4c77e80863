/* What a directory keeps that nobody needs: parts and temporary files of ended jobs, and where they
 * lie.
 *
 * `clean` empties one job's folder at once; `leftovers` and `sweep` look at ages, for what no
 * clean-up row tells of. They never touch an archive, and go two folders deep below
 * conversation_exports, no further.
 *
 * A leftover is told by its name alone: VB_TEMPORARY or VB_PARTS in front, which no archive's name
 * may begin with (storage.c refuses a dot). Time is the file system's against ours: a clock that is
 * wrong makes leftovers younger or older.
 */
#include "file.h"

#include "verbatim/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORTS "conversation_exports"

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The folder as a stream of names; the descriptor stays the caller's. NULL with errno. */
static DIR *list(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory && fd >= 0)
        close(fd);
    return directory;
}

/* Negative where the file system's clock is ahead. */
static int64_t age_of(const struct stat *info)
{
    return vb_clock_now() -
           ((int64_t)info->st_mtim.tv_sec * VB_SECOND + info->st_mtim.tv_nsec / 1000);
}

/* *ret_age: -1 for what is no leftover, or is gone. A folder of parts is as young as the last part
 * put into it: that changes its own time. */
static enum vb_status look_at(int folder, const char *name, int64_t *ret_age, struct vb_error *err)
{
    struct stat info;
    *ret_age = -1;
    if (!begins(name, VB_TEMPORARY) && !begins(name, VB_PARTS))
        return VB_OK;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? VB_OK : vb_path_fail(err, "a temporary file of the store");
    int64_t age = age_of(&info);
    *ret_age = age < 0 ? 0 : age;
    return VB_OK;
}

/* Gone already is as good. */
static enum vb_status remove_one(int folder, const char *name, struct vb_error *err)
{
    if (begins(name, VB_PARTS))
        return vb_path_remove_folder(folder, name, err);
    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        return vb_path_fail(err, "a temporary file cannot be removed");
    return VB_OK;
}

/* Of one folder. */
struct swept {
    uint64_t removed, left; /* left: the younger ones */
};

/* Something that is no leftover counts neither as removed nor as left. */
static enum vb_status sweep_one(int folder, const char *name, int64_t least_age,
                                struct swept *swept, struct vb_error *err)
{
    int64_t age;
    enum vb_status status = look_at(folder, name, &age, err);
    if (status != VB_OK || age < 0)
        return status;
    if (age < least_age) {
        swept->left++;
        return VB_OK;
    }
    status = remove_one(folder, name, err);
    swept->removed += status == VB_OK;
    return status;
}

/* Removes leftovers of at least that age. */
static enum vb_status sweep_folder(int folder, int64_t least_age, struct swept *swept,
                                   struct vb_error *err)
{
    const char *name;
    enum vb_status status;
    DIR *directory = list(folder);
    *swept = (struct swept){0};
    if (!directory)
        return vb_path_fail(err, "a folder of the store cannot be read");
    while ((status = vb_path_next(directory, &name, err)) == VB_OK) {
        status = sweep_one(folder, name, least_age, swept, err);
        if (status != VB_OK)
            break;
    }
    closedir(directory);
    return status == VB_END ? VB_OK : status;
}

/* The job's folder itself goes when it is empty; the workspace's stays. */
static void drop_folder(int root, const char *folder)
{
    struct vb_place place;
    if (vb_place_open(root, folder, false, &place, NULL) != VB_OK)
        return;
    unlinkat(place.folder, place.name, AT_REMOVEDIR); /* refused while anything is in it */
    vb_place_done(&place);
}

/* Also of a link or a folder at the key: it is not clean then. */
static enum vb_status is_there(const struct vb_place *place, bool *ret_there, struct vb_error *err)
{
    struct stat info;
    *ret_there = fstatat(place->folder, place->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    return *ret_there || errno == ENOENT ? VB_OK : vb_path_fail(err, "the archive");
}

static enum vb_status clean_place(const struct vb_place *place, bool keep_object, bool *ret_clean,
                                  struct vb_error *err)
{
    struct swept swept = {0};
    if (!keep_object && unlinkat(place->folder, place->name, 0) != 0 && errno != ENOENT)
        return vb_path_fail(err, "the archive cannot be removed");
    enum vb_status status = sweep_folder(place->folder, INT64_MIN, &swept, err);
    if (status == VB_OK)
        status = vb_place_sync(place, err);
    /* The look after it: a writer that woke up late may have put something there meanwhile. */
    if (status == VB_OK)
        status = sweep_folder(place->folder, INT64_MAX, &swept, err);
    bool stands = false;
    if (status == VB_OK && !keep_object)
        status = is_there(place, &stands, err);
    if (status == VB_OK)
        *ret_clean = swept.left == 0 && !stands;
    return status;
}

/* A folder that is not there is clean. */
enum vb_status vb_file_clean(struct vb_storage_session *session, const char *key,
                             const char *upload_id, bool keep_object, char *version,
                             bool *ret_clean, struct vb_error *err)
{
    (void)upload_id;
    if (version)
        *version = '\0'; /* a directory keeps none */
    int root = vb_file_root(session->storage);
    struct vb_place place;
    char folder[2048];
    const char *slash = strrchr(key, '/');
    enum vb_status status = vb_place_open(root, key, false, &place, err);
    if (status == VB_NOT_FOUND) {
        *ret_clean = true;
        return VB_OK;
    }
    if (status != VB_OK)
        return status;
    status = clean_place(&place, keep_object, ret_clean, err);
    vb_place_done(&place);
    if (status == VB_OK && slash && (size_t)(slash - key) < sizeof folder) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - key), key);
        drop_folder(root, folder);
    }
    return status;
}

/* One walk over all workspaces; `err` is the caller's, and may be NULL. */
struct search {
    struct vb_storage_session *session;
    int64_t least_age;
    vb_leftover_visit *visit;
    void *context;
    struct vb_error *err;
    enum vb_status missed; /* of the first folder that could not be read; `err` tells of it */
};

/* One folder that cannot be read keeps nobody from the others; that it was missed is the answer. */
static void miss(struct search *search, enum vb_status status, const struct vb_error *own)
{
    if (search->missed == VB_OK && search->err)
        *search->err = *own;
    if (search->missed == VB_OK)
        search->missed = status;
}

/* A folder below another. -1: it is gone, none of ours, or was missed. */
static int enter(struct search *search, int folder, const char *name)
{
    struct vb_error own;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        miss(search, vb_path_fail(&own, "a folder of the store cannot be opened"), &own);
    return fd;
}

/* "JOB-EPOCH": a UUID, a hyphen, digits. */
static bool job_of(const char *name, char job_id[VB_UUID_TEXT])
{
    struct vb_uuid uuid;
    size_t length = VB_UUID_TEXT - 1;
    if (strlen(name) < length + 2 || name[length] != '-' ||
        strspn(name + length + 1, "0123456789") != strlen(name + length + 1))
        return false;
    memcpy(job_id, name, length);
    job_id[length] = '\0';
    return vb_uuid_parse((struct vb_view){name, length}, &uuid) == VB_OK;
}

/* Age of the youngest leftover in a job's folder, or of the folder where it is empty; -1: none. */
static enum vb_status youngest(int folder, int64_t *ret_age, struct vb_error *err)
{
    struct stat info;
    int64_t age, least = -1;
    const char *name;
    bool empty = true;
    enum vb_status status;
    DIR *directory = list(folder);
    if (!directory)
        return vb_path_fail(err, "a folder of the store cannot be read");
    while ((status = vb_path_next(directory, &name, err)) == VB_OK) {
        empty = false;
        status = look_at(folder, name, &age, err);
        if (status != VB_OK)
            break;
        if (age >= 0 && (least < 0 || age < least))
            least = age;
    }
    closedir(directory);
    if (status != VB_END)
        return status;
    if (empty && fstat(folder, &info) == 0)
        least = age_of(&info);
    *ret_age = least;
    return VB_OK;
}

/* A visitor's failure ends the search; a folder's does not. */
static enum vb_status search_job(struct search *search, int workspace, const char *workspace_name,
                                 const char *name)
{
    char job_id[VB_UUID_TEXT], folder[600];
    struct vb_error own;
    int64_t age = -1;
    int fd = job_of(name, job_id) ? enter(search, workspace, name) : -1;
    if (fd < 0)
        return VB_OK;
    enum vb_status status = youngest(fd, &age, &own);
    close(fd);
    if (status != VB_OK)
        miss(search, status, &own);
    if (age < 0 || age < search->least_age)
        return VB_OK;
    snprintf(folder, sizeof folder, EXPORTS "/%s/%s", workspace_name, name);
    return search->visit(search->context, folder, job_id, age);
}

/* The stop is asked at each job: a directory of years may hold very many. */
static enum vb_status search_jobs(struct search *search, int fd, DIR *directory,
                                  const char *workspace)
{
    struct vb_error own;
    const char *name;
    enum vb_status status;
    while ((status = vb_path_next(directory, &name, &own)) == VB_OK) {
        if (vb_storage_stopped(search->session))
            return vb_fail(search->err, VB_STOPPED, "stopped");
        status = search_job(search, fd, workspace, name);
        if (status != VB_OK)
            return status;
    }
    if (status != VB_END)
        miss(search, status, &own);
    return VB_OK;
}

/* A folder that cannot be listed is missed, and the walk goes on. */
static enum vb_status search_workspace(struct search *search, int exports, const char *name)
{
    struct vb_error own;
    enum vb_status status = VB_OK;
    int fd = enter(search, exports, name);
    if (fd < 0)
        return VB_OK;
    DIR *directory = list(fd);
    if (directory)
        status = search_jobs(search, fd, directory, name);
    else
        miss(search, vb_path_fail(&own, "a folder of the store cannot be read"), &own);
    if (directory)
        closedir(directory);
    close(fd);
    return status;
}

/* Folders with a dot in front are none of ours: storage.c encodes it. */
static enum vb_status search_all(struct search *search, int exports, struct vb_error *err)
{
    const char *name;
    enum vb_status status;
    DIR *directory = list(exports);
    if (!directory)
        return vb_path_fail(err, EXPORTS);
    while ((status = vb_path_next(directory, &name, err)) == VB_OK) {
        status = name[0] == '.' ? VB_OK : search_workspace(search, exports, name);
        if (status != VB_OK)
            break;
    }
    closedir(directory);
    return status == VB_END ? search->missed : status;
}

/* The directory's own temporary files first, then the walk. */
enum vb_status vb_file_leftovers(struct vb_storage_session *session, int64_t least_age,
                                 vb_leftover_visit *visit, void *context, struct vb_error *err)
{
    struct search search = {session, least_age, visit, context, err, VB_OK};
    int root = vb_file_root(session->storage);
    struct swept swept;
    /* Those of the directory itself are of a start that was killed: a day is ample. */
    enum vb_status status = sweep_folder(root, 86400 * VB_SECOND, &swept, err);
    if (status != VB_OK)
        return status;
    int exports = openat(root, EXPORTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (exports < 0)
        return errno == ENOENT ? VB_OK : vb_path_fail(err, EXPORTS);
    status = search_all(&search, exports, err);
    close(exports);
    return status;
}

/* A place is opened by a file's key, so a name that is never looked at stands behind the folder. */
enum vb_status vb_file_sweep(struct vb_storage_session *session, const char *folder,
                             int64_t least_age, uint64_t *ret_removed, struct vb_error *err)
{
    int root = vb_file_root(session->storage);
    struct vb_place place;
    char inside[640];
    struct swept swept = {0};
    snprintf(inside, sizeof inside, "%s/any", folder);
    enum vb_status status = vb_place_open(root, inside, false, &place, err);
    if (status == VB_OK) {
        status = sweep_folder(place.folder, least_age, &swept, err);
        vb_place_done(&place);
    }
    if (status == VB_NOT_FOUND)
        status = VB_OK;
    if (status == VB_OK && swept.left == 0)
        drop_folder(root, folder);
    if (status == VB_OK)
        *ret_removed = swept.removed;
    return status;
}
