/* Walking below the store's directory; see storage/path.h. Any thread; no state.
 *
 * Every step is one openat below a folder that is already open, never a path put together again:
 * what somebody renames meanwhile cannot lead a later step elsewhere. The order of syncs is that of
 * creation backwards: a name must not survive what it names.
 */
#include "path.h"

#include "verbatim/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Readable for the group, closed to others. */
#define FOLDER_MODE 0750
#define FILE_MODE 0640
/* Pieces of one writev: far below IOV_MAX. */
#define WINDOW 64 /* pieces a writev: far below IOV_MAX */

/* errno is taken before anything else can change it. */
enum vb_status vb_path_fail(struct vb_error *err, const char *what)
{
    int code = errno;
    return vb_fail_system(err, vb_status_of_errno(code), code, "%s", what);
}

/* Up to the slash or the end. Borrows the key. */
static struct vb_view first_component(const char *key)
{
    return (struct vb_view){key, strcspn(key, "/")};
}

/* 255 bytes is what file systems give a name. */
static bool component_valid(struct vb_view component)
{
    if (component.length == 0 || component.length > 255)
        return false;
    return !vb_view_equals(component, VB_VIEW(".")) && !vb_view_equals(component, VB_VIEW(".."));
}

/* Keys come from our own database, but a path outside the directory must be impossible, not
 * unlikely. */
enum vb_status vb_key_check(const char *key, struct vb_error *err)
{
    for (size_t depth = 0; depth <= VB_PLACE_DEPTH; depth++) {
        struct vb_view component = first_component(key);
        if (!component_valid(component))
            return vb_fail(err, VB_INVALID, "a key with an empty, '.', '..' or overlong component");
        if (!key[component.length])
            return VB_OK;
        key += component.length + 1;
    }
    return vb_fail(err, VB_INVALID, "the key is too deep");
}

/* Opens one folder below another, made first where asked; *ret_made tells. Made by somebody else
 * meanwhile is as good, and his to sync. */
static enum vb_status step(int folder, const char *name, bool create, bool *ret_made, int *ret_fd,
                           struct vb_error *err)
{
    bool made = false;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        made = mkdirat(folder, name, FOLDER_MODE) == 0;
        if (!made && errno != EEXIST)
            return vb_path_fail(err, "a folder of the store cannot be made");
        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return vb_path_fail(err, "a folder of the store cannot be opened");
    *ret_made = made;
    *ret_fd = fd;
    return VB_OK;
}

/* Parents of folders that were made stay open, to be synced after the file. */
static enum vb_status descend(struct vb_place *place, struct vb_view component, bool create,
                              struct vb_error *err)
{
    char name[256];
    bool made = false;
    int fd = -1;
    memcpy(name, component.data, component.length);
    name[component.length] = '\0';
    enum vb_status status = step(place->folder, name, create, &made, &fd, err);
    if (status != VB_OK)
        return status;
    if (made)
        place->parents[place->parent_count++] = place->folder;
    else
        close(place->folder);
    place->folder = fd;
    return VB_OK;
}

/* The last component is a name in the folder, and not opened here. */
enum vb_status vb_place_open(int root, const char *key, bool create, struct vb_place *ret_place,
                             struct vb_error *err)
{
    enum vb_status status = vb_key_check(key, err);
    if (status != VB_OK)
        return status;
    struct vb_place place = {.folder = fcntl(root, F_DUPFD_CLOEXEC, 0)};
    if (place.folder < 0)
        return vb_path_fail(err, "the store's directory");
    struct vb_view component = first_component(key);
    for (; key[component.length] && status == VB_OK; component = first_component(key)) {
        status = descend(&place, component, create, err);
        key += component.length + 1;
    }
    if (status != VB_OK) {
        vb_place_done(&place);
        return status;
    }
    memcpy(place.name, component.data, component.length);
    *ret_place = place;
    return VB_OK;
}

void vb_place_done(struct vb_place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    while (place->parent_count > 0)
        close(place->parents[--place->parent_count]);
    place->folder = -1;
}

enum vb_status vb_place_sync(const struct vb_place *place, struct vb_error *err)
{
    if (fsync(place->folder) != 0)
        return vb_path_fail(err, "a folder of the store cannot be synced");
    /* The innermost first; on most file systems the first sync took the others along. */
    for (size_t i = place->parent_count; i > 0; i--)
        if (fsync(place->parents[i - 1]) != 0)
            return vb_path_fail(err, "a folder of the store cannot be synced");
    return VB_OK;
}

/* O_EXCL and a random name: writers never meet, on any number of machines. */
enum vb_status vb_temporary_open(int folder, char ret_name[VB_TEMPORARY_TEXT], int *ret_fd,
                                 struct vb_error *err)
{
    unsigned char random[8];
    char hex[2 * sizeof random + 1];
    vb_random_bytes(random, sizeof random);
    vb_hex_encode(random, sizeof random, hex);
    snprintf(ret_name, VB_TEMPORARY_TEXT, VB_TEMPORARY "%s", hex);
    int fd =
        openat(folder, ret_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return vb_path_fail(err, "a file of the store cannot be made");
    *ret_fd = fd;
    return VB_OK;
}

void vb_temporary_drop(int folder, const char *temporary, int fd)
{
    if (fd >= 0)
        close(fd);
    unlinkat(folder, temporary, 0); /* what stays is swept by the janitor */
}

enum vb_status vb_temporary_finish(int folder, const char *temporary, int fd, const char *name,
                                   struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (fsync(fd) != 0)
        status = vb_path_fail(err, "a file of the store cannot be synced");
    /* Network file systems tell of a full disk as late as here. */
    if (close(fd) != 0 && status == VB_OK)
        status = vb_path_fail(err, "a file of the store cannot be closed");
    if (status == VB_OK && renameat(folder, temporary, folder, name) != 0)
        status = vb_path_fail(err, "a file of the store cannot be renamed");
    if (status != VB_OK)
        vb_temporary_drop(folder, temporary, -1);
    return status;
}

/* A window of the pieces not yet written, the first one from `skip` on. */
static int fill_window(struct iovec window[WINDOW], const struct iovec *pieces, size_t count,
                       size_t skip)
{
    int used = 0;
    for (; used < WINDOW && (size_t)used < count; used++)
        window[used] = pieces[used];
    window[0].iov_base = (char *)window[0].iov_base + skip;
    window[0].iov_len -= skip;
    return used;
}

/* A writev may stop anywhere, also within a piece. */
enum vb_status vb_path_write(int fd, const struct iovec *pieces, size_t count, uint64_t size,
                             struct vb_error *err)
{
    uint64_t total = 0;
    size_t skip = 0;
    while (count > 0) {
        struct iovec window[WINDOW];
        int used = fill_window(window, pieces, count, skip);
        ssize_t wrote = writev(fd, window, used);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return vb_path_fail(err, "the store cannot be written");
        total += (uint64_t)wrote;
        skip += (size_t)wrote;
        for (; count > 0 && skip >= pieces->iov_len; count--, pieces++)
            skip -= pieces->iov_len;
    }
    if (total != size)
        return vb_fail(err, VB_INVALID, "the pieces of a body do not add up to its size");
    return VB_OK;
}

/* NULL is the end or a failure: errno alone tells them apart. */
enum vb_status vb_path_next(DIR *directory, const char **ret_name, struct vb_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            return errno == 0 || errno == ENOENT
                       ? VB_END
                       : vb_path_fail(err, "a folder of the store cannot be read");
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            *ret_name = entry->d_name;
            return VB_OK;
        }
    }
}

/* One level deep, as parts lie. Somebody else may be removing the same: what is gone is no
 * failure. */
enum vb_status vb_path_remove_folder(int folder, const char *name, struct vb_error *err)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? VB_OK : vb_path_fail(err, "a folder of parts cannot be opened");
    DIR *directory = fdopendir(fd);
    if (!directory) {
        enum vb_status status = vb_path_fail(err, "a folder of parts cannot be read");
        close(fd); /* behind it: it may change errno */
        return status;
    }
    const char *part = NULL;
    enum vb_status status;
    while ((status = vb_path_next(directory, &part, err)) == VB_OK && part)
        if (unlinkat(fd, part, 0) != 0 && errno != ENOENT) {
            status = vb_path_fail(err, "a part cannot be removed");
            break;
        }
    closedir(directory);
    if (status == VB_END)
        status = VB_OK;
    if (status == VB_OK && unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        status = vb_path_fail(err, "a folder of parts cannot be removed");
    return status;
}
