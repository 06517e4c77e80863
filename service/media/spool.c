/* An unlinked temporary file. See media/spool.h.
 *
 * Written by place and read by place, so no position is kept and a read may come between two
 * writes. The CRC and the first bytes are gathered on the way, since both are wanted before the
 * file is read again. Not flushed to the disk: nothing of it is wanted after a crash.
 */
#include "spool.h"

#include "verbatim/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vb_spool_init(struct vb_spool *spool)
{
    *spool = (struct vb_spool){.file = -1};
}

void vb_spool_done(struct vb_spool *spool)
{
    if (spool->file >= 0)
        (void)close(spool->file);
    vb_spool_init(spool);
}

/* The name is gone before anything is written: no crash leaves media on the disk. */
static enum vb_status make(struct vb_spool *spool, struct vb_error *err)
{
    char path[4096];
    const char *folder = getenv("TMPDIR");
    int length = snprintf(path, sizeof path, "%s/verbatim-media-XXXXXX",
                          folder && *folder ? folder : "/var/tmp");
    if (length < 0 || (size_t)length >= sizeof path)
        return vb_fail(err, VB_INVALID, "TMPDIR is too long");
    spool->file = mkostemp(path, O_CLOEXEC);
    if (spool->file < 0)
        return vb_fail_system(err, VB_IO, errno, "no temporary file for media");
    (void)unlink(path);
    return VB_OK;
}

enum vb_status vb_spool_reset(struct vb_spool *spool, struct vb_error *err)
{
    int file = spool->file;
    bool used = spool->size > 0;
    vb_spool_init(spool);
    spool->file = file;
    if (file < 0)
        return make(spool, err);
    if (used && ftruncate(file, 0) != 0)
        return vb_fail_system(err, VB_IO, errno, "the temporary file for media cannot be emptied");
    return VB_OK;
}

/* Only until the head is full. */
static void keep_head(struct vb_spool *spool, const char *data, size_t length)
{
    size_t room = sizeof spool->head - spool->head_length;
    size_t taken = length < room ? length : room;
    if (taken > 0)
        memcpy(spool->head + spool->head_length, data, taken);
    spool->head_length += taken;
}

enum vb_status vb_spool_append(struct vb_spool *spool, const void *data, size_t length,
                               struct vb_error *err)
{
    const char *bytes = data;
    keep_head(spool, bytes, length);
    spool->crc = vb_crc32(spool->crc, bytes, length);
    /* By place, not by position: what is read back between two appends moves nothing. */
    while (length > 0) {
        ssize_t written = pwrite(spool->file, bytes, length, (off_t)spool->size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) /* a full disk may also show as nothing written */
            return vb_fail_system(err, VB_IO, written < 0 ? errno : ENOSPC,
                                  "the temporary file for media");
        bytes += written;
        length -= (size_t)written;
        spool->size += (uint64_t)written;
    }
    return VB_OK;
}

enum vb_status vb_spool_read(const struct vb_spool *spool, uint64_t offset, void *data,
                             size_t length, struct vb_error *err)
{
    char *bytes = data;
    while (length > 0) {
        ssize_t got = pread(spool->file, bytes, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vb_fail_system(err, VB_IO, errno, "the temporary file for media");
        if (got == 0)
            return vb_fail(err, VB_IO, "the temporary file for media is too short");
        bytes += got;
        length -= (size_t)got;
        offset += (uint64_t)got;
    }
    return VB_OK;
}
