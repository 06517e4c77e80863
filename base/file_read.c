/* Whole small files. See file_read.h.
 *
 * read() goes straight into the caller's buffer: stdio would keep a copy of a secret in a block of
 * its own, and free it unwiped.
 */
#include "verbatim/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP 4096u

/* One step, as much of it as there is room for; *ret_got is 0 at the end. At the ceiling a byte
 * beside the buffer tells whether there is more. */
static enum vb_status read_step(int fd, struct vb_buffer *out, size_t *ret_got)
{
    char beyond;
    size_t left = out->ceiling - out->length;
    size_t room = left < STEP ? left : STEP;
    enum vb_status status = room > 0 ? vb_buffer_reserve(out, room) : VB_OK;
    if (status != VB_OK)
        return status;
    ssize_t got;
    do
        got = read(fd, room > 0 ? out->data + out->length : &beyond, room > 0 ? room : 1);
    while (got < 0 && errno == EINTR);
    *ret_got = got > 0 ? (size_t)got : 0;
    if (got < 0)
        return vb_status_of_errno(errno);
    if (room == 0)
        return got > 0 ? VB_LIMIT : VB_OK;
    vb_buffer_grown(out, *ret_got);
    return VB_OK;
}

static enum vb_status read_rest(int fd, const char *name, struct vb_buffer *out,
                                struct vb_error *err)
{
    enum vb_status status;
    size_t got = 0;
    do
        status = read_step(fd, out, &got);
    while (status == VB_OK && got > 0);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for %s", name);
    if (status == VB_LIMIT)
        return vb_fail(err, status, "%s is larger than %zu bytes", name, out->ceiling);
    if (status != VB_OK)
        return vb_fail_system(err, status, errno, "cannot read %s", name);
    return VB_OK;
}

/* A close that fails has nothing to tell of what was read. */
enum vb_status vb_file_read(const char *path, struct vb_buffer *out, struct vb_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vb_fail_system(err, vb_status_of_errno(errno), errno, "cannot open %s", path);
    enum vb_status status = read_rest(fd, path, out, err);
    (void)close(fd);
    return status;
}
