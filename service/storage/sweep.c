/* What a directory keeps that nobody needs: parts and temporary files of ended jobs, and where they
 * lie.
 *
 * `clean` empties one job's folder at once; `leftovers` and `sweep` look at ages, for what no
 * clean-up row tells of. They never touch an archive, and go two folders deep below
 * conversation_exports, no further.
 */
#include "file.h"

#include "verbatim/uuid.h"

#include <dirent.h>
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

static int64_t age_of(const struct stat *info)
{
    return vb_clock_now() -
           ((int64_t)info->st_mtim.tv_sec * VB_SECOND + info->st_mtim.tv_nsec / 1000);
}

/* A folder of parts is as young as the last part put into it: that changes its own time. */
static bool leftover(int folder, const char *name, int64_t *ret_age)
{
    struct stat info;
    if (!begins(name, VB_TEMPORARY) && !begins(name, VB_PARTS))
        return false;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *ret_age = age_of(&info);
    return true;
}

static enum vb_status remove_one(int folder, const char *name, struct vb_error *err)
{
    if (begins(name, VB_PARTS))
        return vb_path_remove_folder(folder, name, err);
    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        return vb_path_fail(err, "a temporary file cannot be removed");
    return VB_OK;
}

/* Removes leftovers of at least that age; *ret_left counts the younger ones. */
static enum vb_status sweep_folder(int folder, int64_t least_age, uint64_t *ret_removed,
                                   uint64_t *ret_left, struct vb_error *err)
{
    DIR *directory = list(folder);
    if (!directory)
        return vb_path_fail(err, "a folder of the store cannot be read");
    enum vb_status status = VB_OK;
    *ret_removed = *ret_left = 0;
    for (struct dirent *entry; status == VB_OK && (entry = readdir(directory));) {
        int64_t age;
        if (!leftover(folder, entry->d_name, &age))
            continue;
        if (age < least_age) {
            (*ret_left)++;
            continue;
        }
        status = remove_one(folder, entry->d_name, err);
        *ret_removed += status == VB_OK;
    }
    closedir(directory);
    return status;
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

static enum vb_status clean_place(const struct vb_place *place, bool keep_object, bool *ret_clean,
                                  struct vb_error *err)
{
    uint64_t removed, left;
    if (!keep_object && unlinkat(place->folder, place->name, 0) != 0 && errno != ENOENT)
        return vb_path_fail(err, "the archive cannot be removed");
    enum vb_status status = sweep_folder(place->folder, INT64_MIN, &removed, &left, err);
    if (status == VB_OK)
        status = vb_place_sync(place, err);
    /* The look after it: a writer that woke up late may have put something there meanwhile. */
    if (status == VB_OK)
        status = sweep_folder(place->folder, INT64_MAX, &removed, &left, err);
    if (status == VB_OK)
        *ret_clean = left == 0 && (keep_object || faccessat(place->folder, place->name, F_OK,
                                                            AT_SYMLINK_NOFOLLOW) != 0);
    return status;
}

enum vb_status vb_file_clean(struct vb_storage_session *session, const char *key,
                             const char *upload_id, bool keep_object, bool *ret_clean,
                             struct vb_error *err)
{
    (void)upload_id;
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

struct search {
    struct vb_storage_session *session;
    int64_t least_age;
    vb_leftover_visit *visit;
    void *context;
    struct vb_error *err;
};

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
static int64_t youngest(int folder)
{
    struct stat info;
    int64_t age, least = -1;
    bool empty = true;
    DIR *directory = list(folder);
    if (!directory)
        return -1;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        empty = false;
        if (leftover(folder, entry->d_name, &age) && (least < 0 || age < least))
            least = age < 0 ? 0 : age;
    }
    closedir(directory);
    if (empty && fstat(folder, &info) == 0)
        least = age_of(&info);
    return least;
}

static enum vb_status search_job(struct search *search, int workspace, const char *workspace_name,
                                 const char *name)
{
    char job_id[VB_UUID_TEXT], folder[600];
    if (!job_of(name, job_id))
        return VB_OK;
    int fd = openat(workspace, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return VB_OK; /* removed meanwhile, or none of ours */
    int64_t age = youngest(fd);
    close(fd);
    if (age < 0 || age < search->least_age)
        return VB_OK;
    snprintf(folder, sizeof folder, EXPORTS "/%s/%s", workspace_name, name);
    return search->visit(search->context, folder, job_id, age);
}

static enum vb_status search_workspace(struct search *search, int exports, const char *name)
{
    int fd = openat(exports, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return VB_OK;
    DIR *directory = list(fd);
    enum vb_status status = VB_OK;
    for (struct dirent *entry; directory && status == VB_OK && (entry = readdir(directory));) {
        if (vb_storage_stopped(search->session))
            status = vb_fail(search->err, VB_STOPPED, "stopped");
        else
            status = search_job(search, fd, name, entry->d_name);
    }
    if (directory)
        closedir(directory);
    close(fd);
    return status;
}

enum vb_status vb_file_leftovers(struct vb_storage_session *session, int64_t least_age,
                                 vb_leftover_visit *visit, void *context, struct vb_error *err)
{
    struct search search = {session, least_age, visit, context, err};
    int root = vb_file_root(session->storage);
    uint64_t removed, left;
    /* Those of the directory itself are of a start that was killed: a day is ample. */
    enum vb_status status = sweep_folder(root, 86400 * VB_SECOND, &removed, &left, err);
    if (status != VB_OK)
        return status;
    int exports = openat(root, EXPORTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (exports < 0)
        return errno == ENOENT ? VB_OK : vb_path_fail(err, EXPORTS);
    DIR *directory = list(exports);
    if (!directory)
        status = vb_path_fail(err, EXPORTS);
    for (struct dirent *entry; directory && status == VB_OK && (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            status = search_workspace(&search, exports, entry->d_name);
    if (directory)
        closedir(directory);
    close(exports);
    return status;
}

enum vb_status vb_file_sweep(struct vb_storage_session *session, const char *folder,
                             int64_t least_age, uint64_t *ret_removed, struct vb_error *err)
{
    int root = vb_file_root(session->storage);
    struct vb_place place;
    char inside[640];
    uint64_t removed = 0, left = 0;
    snprintf(inside, sizeof inside, "%s/any", folder);
    enum vb_status status = vb_place_open(root, inside, false, &place, err);
    if (status == VB_OK) {
        status = sweep_folder(place.folder, least_age, &removed, &left, err);
        vb_place_done(&place);
    }
    if (status == VB_NOT_FOUND)
        status = VB_OK;
    if (status == VB_OK && left == 0)
        drop_folder(root, folder);
    if (status == VB_OK)
        *ret_removed = removed;
    return status;
}
