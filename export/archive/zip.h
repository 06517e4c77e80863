/* The records of the ZIP format as bytes (APPNOTE.TXT 6.3.10), and our own directory records.
 *
 * ZIP64 fields are there if and only if a value needs them, and with one of them the ZIP64 end
 * record. Writes headers only: no data, no encryption. Archives have no descriptors; only packages
 * inside files (export/xlsx) do. Private to export/.
 *
 * Nothing is owned; entries borrow their names. Any thread: pure functions. Only records can fail:
 * the buffer's statuses when appended, VB_CORRUPT when read. A name that was read lives as long as
 * the records it was read from.
 */
#ifndef VERBATIM_EXPORT_ARCHIVE_ZIP_H
#define VERBATIM_EXPORT_ARCHIVE_ZIP_H

#include "verbatim/clock.h"
#include "verbatim/hash.h"

#define VB_ZIP_NAME                                                                                \
    16383u               /* the format allows four times that; records have two bits of their own */
#define VB_ZIP_LOCAL 30u /* without name and extra field */
#define VB_ZIP_LOCAL_EXTRA 20u /* the ZIP64 field of a local header */
#define VB_ZIP_TIME 9u         /* the extended timestamp, in both headers */
#define VB_ZIP_END 98u         /* ZIP64 end, its locator, end */
#define VB_ZIP_RECORD 38u      /* a record of ours, without name and digest */

struct vb_zip_entry {
    struct vb_view name; /* UTF-8, at most VB_ZIP_NAME bytes */
    uint32_t dos_time;   /* local; date in the upper half */
    int32_t unix_time;   /* the same in UTC; VB_ZIP_NO_TIME: the field has no room for it */
    uint32_t crc;
    uint64_t deflated_size, raw_size;
    uint64_t offset; /* of the local header */
    bool stored;     /* not deflated: both sizes are the same */
    bool described;  /* the local header came first, without CRC and sizes: they stand behind */
    bool has_sha256; /* of the raw bytes; kept in records alone, for whoever lists them */
    unsigned char sha256[VB_SHA256];
};

/* The local time so many seconds east of UTC, to two seconds; before 1980 and after 2107 the
 * nearest that can be said. */
uint32_t vb_zip_dos_time(vb_instant instant, int offset);
#define VB_ZIP_NO_TIME (-1)
/* Whole seconds since 1970 while 31 bits hold them; beyond (2038) readers differ about the sign, so
 * it is VB_ZIP_NO_TIME and there is no such field. */
int32_t vb_zip_unix_time(vb_instant instant);

/* The sizes do not fit 32 bits. */
bool vb_zip_needs_local_extra(const struct vb_zip_entry *entry);
/* Signature to length of the extra fields; the name, the timestamp and, where it is needed, the
 * ZIP64 field follow. */
void vb_zip_local(const struct vb_zip_entry *entry, unsigned char header[VB_ZIP_LOCAL]);
#define VB_ZIP_DESCRIPTOR 16u
/* Behind the bytes of an entry that is `described`; its sizes fit 32 bits. */
void vb_zip_descriptor(const struct vb_zip_entry *entry,
                       unsigned char descriptor[VB_ZIP_DESCRIPTOR]);
/* Returns the length, 0 or VB_ZIP_TIME. */
size_t vb_zip_time(const struct vb_zip_entry *entry, unsigned char field[VB_ZIP_TIME]);
void vb_zip_local_extra(const struct vb_zip_entry *entry, unsigned char extra[VB_ZIP_LOCAL_EXTRA]);

/* The central header's two sides of the name. */
struct vb_zip_central {
    unsigned char header[46], extra[28 + VB_ZIP_TIME];
    size_t extra_length;
    bool zip64; /* the ZIP64 field is among the extra fields */
};
void vb_zip_central(const struct vb_zip_entry *entry, struct vb_zip_central *ret_central);

/* Returns the length: 22, or 98 with the ZIP64 records. `zip64`: an entry has such a field. Some
 * readers look into it only where they met those records, and cut the entry otherwise. */
size_t vb_zip_end(uint64_t entries, uint64_t directory_offset, uint64_t directory_size, bool zip64,
                  unsigned char end[VB_ZIP_END]);

/* Appends a directory record of ours. */
enum vb_status vb_zip_record_append(struct vb_buffer *out,
                                    const struct vb_zip_entry *entry) vb_must_check;
/* Takes one off the front; the name is borrowed from it. VB_END at the end, VB_CORRUPT for what is
 * no record. */
enum vb_status vb_zip_record_next(struct vb_view *records,
                                  struct vb_zip_entry *ret_entry) vb_must_check;

#endif
