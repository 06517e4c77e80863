/* From the store into a file. See export_file.h. */
#include "export_file.h"

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct save {
    int fd;
    const char *path;
    uint64_t done, size;
    uint32_t crc;
    struct vb_progress *progress;
};

static enum vb_status take(void *context, struct vb_view bytes, struct vb_error *err)
{
    struct save *save = context;
    for (size_t at = 0; at < bytes.length;) {
        ssize_t put = write(save->fd, bytes.data + at, bytes.length - at);
        if (put < 0 && errno != EINTR)
            return vb_fail_system(err, VB_IO, errno, "cannot write %s", save->path);
        at += put > 0 ? (size_t)put : 0;
    }
    save->crc = vb_crc32(save->crc, bytes.data, bytes.length);
    save->done += bytes.length;
    char more[64];
    snprintf(more, sizeof more, "%" PRIu64 " of %" PRIu64 " bytes", save->done, save->size);
    vb_progress_tell(save->progress, "writing the file", more, save->done, save->size);
    return VB_OK;
}

/* Beside it, since a name is taken over in one step within a file system only. */
static enum vb_status temporary_of(const char *path, char ret_name[PATH_MAX], struct vb_error *err)
{
    char folder[PATH_MAX], id[VB_UUID_TEXT];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return vb_fail(err, VB_INVALID, "--output: the name is too long");
    vb_uuid_format(vb_uuid_random(), id);
    if (snprintf(ret_name, PATH_MAX, "%s/.verbatim-%.8s", dirname(folder), id) >= PATH_MAX)
        return vb_fail(err, VB_INVALID, "--output: the name is too long");
    return VB_OK;
}

enum vb_status vb_export_file_check(const char *path, struct vb_error *err)
{
    char name[PATH_MAX];
    struct stat found;
    if (!*path || path[strlen(path) - 1] == '/' ||
        (stat(path, &found) == 0 && !S_ISREG(found.st_mode)))
        return vb_fail(err, VB_INVALID, "--output \"%.200s\": must be the name of a file", path);
    enum vb_status status = temporary_of(path, name, err);
    if (status != VB_OK)
        return status;
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return vb_fail_system(err, VB_IO, errno, "--output: no file can be made beside %s", path);
    close(fd);
    unlink(name);
    return VB_OK;
}

static enum vb_status judge(const struct save *save, const struct vb_export_file *file,
                            struct vb_error *err)
{
    if (file->crc >= 0 && save->crc != (uint32_t)file->crc)
        return vb_fail(err, VB_CORRUPT,
                       "the file in the store is not the one that was written there: its CRC-32 is "
                       "%08" PRIx32 " and not %08" PRIx32,
                       save->crc, (uint32_t)file->crc);
    return fsync(save->fd) == 0 ? VB_OK
                                : vb_fail_system(err, VB_IO, errno, "cannot write %s", save->path);
}

enum vb_status vb_export_file_save(struct vb_storage_session *session,
                                   const struct vb_export_file *file, const char *path,
                                   struct vb_progress *progress, struct vb_error *err)
{
    char name[PATH_MAX];
    struct save save = {.path = path, .size = file->size, .progress = progress};
    enum vb_status status = temporary_of(path, name, err);
    if (status != VB_OK)
        return status;
    save.fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (save.fd < 0)
        return vb_fail_system(err, VB_IO, errno, "no file can be made beside %s", path);
    status = vb_storage_fetch(session, file->key, file->size, take, &save, err);
    if (status == VB_OK)
        status = judge(&save, file, err);
    if (close(save.fd) != 0 && status == VB_OK)
        status = vb_fail_system(err, VB_IO, errno, "cannot write %s", path);
    if (status == VB_OK && rename(name, path) != 0)
        status = vb_fail_system(err, VB_IO, errno, "cannot write %s", path);
    if (status != VB_OK)
        unlink(name);
    return status;
}
