/* Headers of zip.h around what deflate gives; see package.h. */
#include "package.h"

#include "archive/deflate.h"
#include "archive/zip.h"

#include <stdio.h>
#include <stdlib.h>

#define DIRECTORY (1u << 20) /* some 10,000 parts */
#define NAME 64u
#define FIRST_DAY (1u << 21 | 1u << 16) /* 1 January 1980 */

struct vb_package {
    struct vb_deflate *deflate;
    struct vb_buffer *out;      /* of the call */
    struct vb_buffer directory; /* central headers of the parts so far */
    uint64_t offset;            /* bytes written so far */
    uint64_t parts, part_size;
    struct vb_zip_entry entry; /* the open part */
    char name[NAME];
};

static enum vb_status put(struct vb_package *package, struct vb_buffer *out, const void *data,
                          size_t length)
{
    enum vb_status status = vb_buffer_append(out, data, length);
    if (status == VB_OK)
        package->offset += length;
    return status;
}

static enum vb_status take_deflated(void *context, const void *data, size_t length,
                                    struct vb_error *err)
{
    struct vb_package *package = context;
    (void)err;
    return put(package, package->out, data, length);
}

enum vb_status vb_package_new(struct vb_package **ret_package, struct vb_error *err)
{
    struct vb_package *package = calloc(1, sizeof *package);
    if (!package)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a workbook");
    vb_buffer_init(&package->directory, DIRECTORY);
    const struct vb_deflate_output output = {take_deflated, package};
    enum vb_status status = vb_deflate_new(output, NULL, &package->deflate, err);
    if (status == VB_OK)
        *ret_package = package;
    else
        free(package);
    return status;
}

void vb_package_free(struct vb_package *package)
{
    if (!package)
        return;
    vb_deflate_free(package->deflate);
    vb_buffer_done(&package->directory);
    free(package);
}

void vb_package_begin(struct vb_package *package)
{
    vb_buffer_reset(&package->directory);
    package->offset = package->parts = 0;
}

static enum vb_status put_local(struct vb_package *package, const char *name, struct vb_buffer *out)
{
    unsigned char header[VB_ZIP_LOCAL];
    (void)snprintf(package->name, sizeof package->name, "%s", name);
    package->entry.name = vb_view_of(package->name);
    package->entry.offset = package->offset;
    vb_zip_local(&package->entry, header);
    enum vb_status status = put(package, out, header, sizeof header);
    return status == VB_OK ? put(package, out, package->entry.name.data, package->entry.name.length)
                           : status;
}

static enum vb_status note(struct vb_package *package)
{
    const struct vb_zip_entry *entry = &package->entry;
    struct vb_buffer *directory = &package->directory;
    struct vb_zip_central central;
    vb_zip_central(entry, &central);
    package->parts++;
    enum vb_status status = vb_buffer_append(directory, central.header, sizeof central.header);
    if (status == VB_OK)
        status = vb_buffer_append(directory, entry->name.data, entry->name.length);
    return status == VB_OK ? vb_buffer_append(directory, central.extra, central.extra_length)
                           : status;
}

enum vb_status vb_package_store(struct vb_package *package, const char *name, struct vb_view part,
                                struct vb_buffer *out)
{
    package->entry = (struct vb_zip_entry){.dos_time = FIRST_DAY,
                                           .unix_time = VB_ZIP_NO_TIME,
                                           .crc = vb_crc32(0, part.data, part.length),
                                           .deflated_size = part.length,
                                           .raw_size = part.length,
                                           .stored = true};
    enum vb_status status = put_local(package, name, out);
    if (status == VB_OK)
        status = put(package, out, part.data, part.length);
    return status == VB_OK ? note(package) : status;
}

enum vb_status vb_package_part_begin(struct vb_package *package, const char *name,
                                     struct vb_buffer *out)
{
    package->entry = (struct vb_zip_entry){
        .dos_time = FIRST_DAY, .unix_time = VB_ZIP_NO_TIME, .described = true};
    package->part_size = 0;
    vb_deflate_begin(package->deflate);
    return put_local(package, name, out);
}

enum vb_status vb_package_write(struct vb_package *package, struct vb_view piece,
                                struct vb_buffer *out, struct vb_error *err)
{
    package->out = out;
    package->part_size += piece.length;
    return vb_deflate_write(package->deflate, piece.data, piece.length, err);
}

enum vb_status vb_package_part_end(struct vb_package *package, struct vb_buffer *out,
                                   struct vb_error *err)
{
    unsigned char descriptor[VB_ZIP_DESCRIPTOR];
    package->out = out;
    enum vb_status status = vb_deflate_end(package->deflate, err);
    const struct vb_deflate_counts counts = vb_deflate_counts(package->deflate);
    package->entry.crc = counts.crc;
    package->entry.raw_size = counts.raw_size;
    package->entry.deflated_size = counts.deflated_size;
    vb_zip_descriptor(&package->entry, descriptor);
    if (status == VB_OK)
        status = put(package, out, descriptor, sizeof descriptor);
    return status == VB_OK ? note(package) : status;
}

uint64_t vb_package_part_size(const struct vb_package *package)
{
    return package->part_size;
}

/* The ZIP64 records come with a part that begins beyond 4 GiB, as in any archive. */
enum vb_status vb_package_end(struct vb_package *package, struct vb_buffer *out)
{
    unsigned char end[VB_ZIP_END];
    const struct vb_buffer *directory = &package->directory;
    uint64_t offset = package->offset;
    bool zip64 = package->entry.offset >= UINT32_MAX;
    size_t length = vb_zip_end(package->parts, offset, directory->length, zip64, end);
    enum vb_status status = put(package, out, directory->data, directory->length);
    return status == VB_OK ? put(package, out, end, length) : status;
}
