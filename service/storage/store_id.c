/* The id of a storage directory. See store_id.h.
 *
 * A hard link gives a name to a file that is whole already, and fails where the name is taken: no
 * reader sees half an id, and nobody writes over another's. File systems without hard links (exFAT,
 * SMB and Azure Files as they are often mounted) get the file made under its name; then a reader
 * may come between its making and its writing, and waits.
 */
#include "store_id.h"

#include "path.h"

#include "verbatim/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_ID ".verbatim-store" /* holds a UUID and a line feed */
/* Readable for every process of the store, whatever its user. */
#define STORE_ID_MODE 0644
#define HALF_LOOKS 50 /* for an id that is being written: */
#define HALF_PAUSE (VB_SECOND / 25)

/* What file systems say that cannot do it at all. */
static bool is_beyond_it(int code)
{
    return code == EPERM || code == EOPNOTSUPP || code == ENOSYS;
}

static bool is_hex(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr("0123456789abcdef-", text[i]) || !text[i])
            return false;
    return true;
}

/* VB_NOT_FOUND when nobody has written one yet; VB_AGAIN when it is not whole. */
static enum vb_status read_id(int root, char id[VB_UUID_TEXT], struct vb_error *err)
{
    struct vb_uuid uuid;
    int fd = openat(root, STORE_ID, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vb_path_fail(err, STORE_ID);
    ssize_t length = read(fd, id, VB_UUID_TEXT - 1);
    close(fd);
    bool is_half = length >= 0 && length < VB_UUID_TEXT - 1 && is_hex(id, (size_t)length);
    if (is_half)
        return VB_AGAIN;
    if (length != VB_UUID_TEXT - 1 ||
        vb_uuid_parse((struct vb_view){id, VB_UUID_TEXT - 1}, &uuid) != VB_OK)
        return vb_fail(err, VB_CORRUPT, "%s in the storage directory holds no id", STORE_ID);
    id[VB_UUID_TEXT - 1] = '\0';
    return VB_OK;
}

/* Two seconds are ample for whoever writes 37 bytes; one that died in between left half. */
enum vb_status vb_store_id_read(int root, char id[VB_UUID_TEXT], struct vb_error *err)
{
    enum vb_status status = read_id(root, id, err);
    for (unsigned i = 0; i < HALF_LOOKS && status == VB_AGAIN; i++) {
        (void)vb_clock_wait(HALF_PAUSE, NULL, NULL);
        status = read_id(root, id, err);
    }
    if (status == VB_AGAIN)
        return vb_fail(err, VB_CORRUPT,
                       "%s in the storage directory holds half an id: remove it where no archive "
                       "lies there yet",
                       STORE_ID);
    return status;
}

/* A mode that cannot be set is none that shuts others out. */
static enum vb_status fill(int fd, const char *text, struct vb_error *err)
{
    struct iovec piece = {(char *)(uintptr_t)text, VB_UUID_TEXT};
    enum vb_status status = vb_path_write(fd, &piece, 1, VB_UUID_TEXT, err);
    if (status == VB_OK && fchmod(fd, STORE_ID_MODE) != 0 && !is_beyond_it(errno))
        status = vb_path_fail(err, STORE_ID);
    if (status == VB_OK && fsync(fd) != 0)
        status = vb_path_fail(err, STORE_ID);
    return status;
}

/* Under its name at once. Somebody else's that is there already is as good. */
static enum vb_status write_in_place(int root, const char *text, struct vb_error *err)
{
    int fd =
        openat(root, STORE_ID, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, STORE_ID_MODE);
    if (fd < 0)
        return errno == EEXIST ? VB_OK : vb_path_fail(err, STORE_ID);
    enum vb_status status = fill(fd, text, err);
    close(fd);
    if (status != VB_OK)
        unlinkat(root, STORE_ID, 0); /* ours: nobody else may write it */
    return status;
}

/* The first to link its temporary file to the name has named the store; all others read what it
 * wrote. A rename would write over one that is there. */
static enum vb_status write_id(int root, struct vb_error *err)
{
    char temporary[VB_TEMPORARY_TEXT], text[VB_UUID_TEXT + 1];
    int fd;
    vb_uuid_format(vb_uuid_random(), text);
    memcpy(text + VB_UUID_TEXT - 1, "\n", 2);
    enum vb_status status = vb_temporary_open(root, temporary, &fd, err);
    if (status != VB_OK)
        return status;
    status = fill(fd, text, err);
    bool is_linked = status != VB_OK || linkat(root, temporary, root, STORE_ID, 0) == 0;
    int code = is_linked ? 0 : errno;
    vb_temporary_drop(root, temporary, fd);
    if (is_beyond_it(code)) {
        status = write_in_place(root, text, err);
    } else if (code && code != EEXIST) {
        errno = code;
        status = vb_path_fail(err, STORE_ID);
    }
    if (status == VB_OK && fsync(root) != 0)
        status = vb_path_fail(err, STORE_ID);
    return status;
}

enum vb_status vb_store_id(int root, char ret_id[VB_UUID_TEXT], struct vb_error *err)
{
    enum vb_status status = vb_store_id_read(root, ret_id, err);
    if (status != VB_NOT_FOUND)
        return status;
    status = write_id(root, err);
    return status == VB_OK ? vb_store_id_read(root, ret_id, err) : status;
}
