/* Bytes of local headers, central headers, end records and directory records; see zip.h.
 *
 * Written field by field, never by overlaying structs: no padding, no alignment, no byte order of
 * the machine. "Version needed" tells the least a reader must know: 1.0 for stored, 2.0 for
 * deflated entries, 4.5 where a ZIP64 field is there. The general purpose bit 11 says that names
 * are UTF-8; the attributes say that entries are plain files of mode 0644, since readers on Unix
 * otherwise unpack files that nobody may read. Bit 3 says that CRC and sizes stand behind the data.
 *
 * ZIP64 goes by values that are 0xFFFF or 0xFFFFFFFF and above, as those very numbers mean "look in
 * the extra field". There is no encryption, no comment and no second disk.
 */
#include "zip.h"

#include <string.h>

#define LIMIT_16 0xFFFFu
#define LIMIT_32 0xFFFFFFFFu

enum {
    VERSION_STORED = 10,
    VERSION_DEFLATE = 20,
    VERSION_ZIP64 = 45,
    MADE_BY_UNIX = 3 << 8 | VERSION_ZIP64,
    FLAG_DESCRIBED = 1 << 3,
    FLAG_UTF8 = 1 << 11,
    /* APPNOTE.TXT 6.3.10, sections 4.4 and 4.5.3. */
    METHOD_STORED = 0,
    METHOD_DEFLATE = 8,
    EXTRA_ZIP64 = 1,
    EXTRA_TIME = 0x5455, /* Info-ZIP's extended timestamp, "UT" */
    TIME_MODIFIED = 1    /* of its times the first alone */
};
#define REGULAR_FILE_0644 (0100644u << 16)
/* In a record of ours, beside the length of the name. */
#define RECORD_STORED 0x8000u
#define RECORD_SHA256 0x4000u

/* Little-endian, as all of ZIP. Each returns the next place. */
static unsigned char *put16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
    return at + 2;
}

static unsigned char *put32(unsigned char *at, uint32_t value)
{
    return put16(put16(at, value & LIMIT_16), value >> 16);
}

static unsigned char *put64(unsigned char *at, uint64_t value)
{
    return put32(put32(at, (uint32_t)value), (uint32_t)(value >> 32));
}

/* Little-endian, 2 to 8 bytes. */
static uint64_t get(const unsigned char *at, int width)
{
    uint64_t value = 0;
    for (int i = width - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* 0xFFFFFFFF sends a reader to the ZIP64 field; the value itself must be there then. */
static uint32_t clip32(uint64_t value)
{
    return value < LIMIT_32 ? (uint32_t)value : LIMIT_32;
}

/* Two seconds' precision, 1980 to 2107; times outside are moved to the nearest end. */
uint32_t vb_zip_dos_time(vb_instant instant, int offset)
{
    struct vb_civil civil = vb_civil_of(instant, offset);
    if (civil.date.year < 1980)
        return 1u << 21 | 1u << 16;
    if (civil.date.year > 2107)
        return 127u << 25 | 12u << 21 | 31u << 16 | 23u << 11 | 59u << 5 | 29u;
    return (uint32_t)(civil.date.year - 1980) << 25 | (uint32_t)civil.date.month << 21 |
           (uint32_t)civil.date.day << 16 | (uint32_t)civil.hour << 11 |
           (uint32_t)civil.minute << 5 | (uint32_t)civil.second / 2;
}

int32_t vb_zip_unix_time(vb_instant instant)
{
    if (instant < 0 || instant / VB_SECOND > INT32_MAX)
        return VB_ZIP_NO_TIME;
    return (int32_t)(instant / VB_SECOND);
}

bool vb_zip_needs_local_extra(const struct vb_zip_entry *entry)
{
    return entry->raw_size >= LIMIT_32 || entry->deflated_size >= LIMIT_32;
}

/* The stretch that local and central headers share: version needed to the length of the name. With
 * a local ZIP64 field both sizes must move into it, in the central one only those too large. */
static unsigned char *put_common(unsigned char *at, const struct vb_zip_entry *entry, bool zip64,
                                 uint32_t deflated_size, uint32_t raw_size)
{
    uint32_t version = entry->stored ? VERSION_STORED : VERSION_DEFLATE;
    at = put16(at, zip64 ? VERSION_ZIP64 : version);
    at = put16(at, FLAG_UTF8 | (entry->described ? FLAG_DESCRIBED : 0));
    at = put16(at, entry->stored ? METHOD_STORED : METHOD_DEFLATE);
    at = put32(at, entry->dos_time);
    at = put32(at, entry->crc);
    at = put32(at, deflated_size);
    at = put32(at, raw_size);
    return put16(at, (uint32_t)entry->name.length);
}

/* In a central header the field has this one time too, whatever the flags promise for the local
 * one. */
size_t vb_zip_time(const struct vb_zip_entry *entry, unsigned char field[VB_ZIP_TIME])
{
    if (entry->unix_time == VB_ZIP_NO_TIME)
        return 0;
    unsigned char *at = put16(put16(field, EXTRA_TIME), VB_ZIP_TIME - 4);
    *at++ = TIME_MODIFIED;
    put32(at, (uint32_t)entry->unix_time);
    return VB_ZIP_TIME;
}

/* Section 4.3.7. The bytes of the extra fields stand behind the name: vb_zip_time's, then
 * vb_zip_local_extra's, which is the one that may be inserted later. */
void vb_zip_local(const struct vb_zip_entry *entry, unsigned char header[VB_ZIP_LOCAL])
{
    bool zip64 = vb_zip_needs_local_extra(entry);
    unsigned char *at = put32(header, 0x04034b50);
    at = put_common(at, entry, zip64, zip64 ? LIMIT_32 : (uint32_t)entry->deflated_size,
                    zip64 ? LIMIT_32 : (uint32_t)entry->raw_size);
    put16(at, (entry->unix_time != VB_ZIP_NO_TIME ? VB_ZIP_TIME : 0) +
                  (zip64 ? VB_ZIP_LOCAL_EXTRA : 0));
}

/* Section 4.3.9, with the signature that it allows and readers expect. */
void vb_zip_descriptor(const struct vb_zip_entry *entry,
                       unsigned char descriptor[VB_ZIP_DESCRIPTOR])
{
    unsigned char *at = put32(put32(descriptor, 0x08074b50), entry->crc);
    put32(put32(at, (uint32_t)entry->deflated_size), (uint32_t)entry->raw_size);
}

/* Section 4.5.3: in a local header both sizes, whichever of them is large; raw before deflated. */
void vb_zip_local_extra(const struct vb_zip_entry *entry, unsigned char extra[VB_ZIP_LOCAL_EXTRA])
{
    unsigned char *at = put16(put16(extra, EXTRA_ZIP64), VB_ZIP_LOCAL_EXTRA - 4);
    put64(put64(at, entry->raw_size), entry->deflated_size);
}

/* The ZIP64 field of a central header: the large values among the three, in this order. */
static size_t put_central_extra(const struct vb_zip_entry *entry, unsigned char *extra)
{
    const uint64_t values[] = {entry->raw_size, entry->deflated_size, entry->offset};
    unsigned char *at = extra + 4;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] >= LIMIT_32)
            at = put64(at, values[i]);
    size_t length = (size_t)(at - extra);
    if (length == 4)
        return 0;
    put16(put16(extra, EXTRA_ZIP64), (uint32_t)length - 4);
    return length;
}

/* Section 4.3.12. */
void vb_zip_central(const struct vb_zip_entry *entry, struct vb_zip_central *ret_central)
{
    size_t time_length = vb_zip_time(entry, ret_central->extra);
    size_t zip64_length = put_central_extra(entry, ret_central->extra + time_length);
    size_t extra_length = time_length + zip64_length;
    unsigned char *at = put16(put32(ret_central->header, 0x02014b50), MADE_BY_UNIX);
    at = put_common(at, entry, zip64_length > 0, clip32(entry->deflated_size),
                    clip32(entry->raw_size));
    at = put16(at, (uint32_t)extra_length);
    at = put16(at, 0); /* comment */
    at = put16(at, 0); /* disk */
    at = put16(at, 0); /* internal attributes */
    at = put32(at, REGULAR_FILE_0644);
    put32(at, clip32(entry->offset));
    ret_central->extra_length = extra_length;
    ret_central->zip64 = zip64_length > 0;
}

/* The ZIP64 end record and the locator that leads to it (sections 4.3.14 and 4.3.15). The locator's
 * offset is that of the ZIP64 end record, which stands right behind the directory. */
static unsigned char *put_end64(unsigned char *at, uint64_t entries, uint64_t offset, uint64_t size)
{
    at = put64(put32(at, 0x06064b50), 44); /* bytes that follow in this record */
    at = put16(put16(at, MADE_BY_UNIX), VERSION_ZIP64);
    at = put32(put32(at, 0), 0); /* this disk, the directory's disk */
    at = put64(put64(at, entries), entries);
    at = put64(put64(at, size), offset);
    at = put32(put32(at, 0x07064b50), 0);
    at = put64(at, offset + size);
    return put32(at, 1); /* disks */
}

/* Section 4.3.16. */
size_t vb_zip_end(uint64_t entries, uint64_t directory_offset, uint64_t directory_size, bool zip64,
                  unsigned char end[VB_ZIP_END])
{
    unsigned char *at = end;
    /* Only where something needs it, so small archives are plain ZIP. */
    if (zip64 || entries >= LIMIT_16 || directory_offset >= LIMIT_32 || directory_size >= LIMIT_32)
        at = put_end64(at, entries, directory_offset, directory_size);
    uint32_t count = entries < LIMIT_16 ? (uint32_t)entries : LIMIT_16;
    at = put32(at, 0x06054b50);
    at = put16(put16(at, 0), 0);
    at = put16(put16(at, count), count);
    at = put32(put32(at, clip32(directory_size)), clip32(directory_offset));
    at = put16(at, 0); /* comment */
    return (size_t)(at - end);
}

/* A form of our own, kept in the database between segments; never seen outside. Little-endian: DOS
 * time 4, Unix time 4, CRC 4, deflated 8, raw 8, offset 8, name length and two bits 2, name, and
 * where its bit says so SHA-256 32.
 * Processes read only what those of their own fingerprint wrote: a change of the form, like one of
 * the archive's bytes, needs a new VB_ARCHIVE_REVISION (archive.h). */
enum vb_status vb_zip_record_append(struct vb_buffer *out, const struct vb_zip_entry *entry)
{
    size_t length = VB_ZIP_RECORD + entry->name.length + (entry->has_sha256 ? VB_SHA256 : 0);
    enum vb_status status = vb_buffer_reserve(out, length);
    if (status != VB_OK)
        return status;
    unsigned char *at = (unsigned char *)out->data + out->length;
    at = put32(put32(at, entry->dos_time), (uint32_t)entry->unix_time);
    at = put32(at, entry->crc);
    at = put64(put64(at, entry->deflated_size), entry->raw_size);
    at = put64(at, entry->offset);
    at = put16(at, (uint32_t)entry->name.length | (entry->stored ? RECORD_STORED : 0) |
                       (entry->has_sha256 ? RECORD_SHA256 : 0));
    if (entry->name.length > 0)
        memcpy(at, entry->name.data, entry->name.length);
    if (entry->has_sha256)
        memcpy(at + entry->name.length, entry->sha256, VB_SHA256);
    vb_buffer_grown(out, length);
    return VB_OK;
}

/* Read back from a database, so nothing of it is believed: lengths are checked, and nothing outside
 * `records` is touched. */
enum vb_status vb_zip_record_next(struct vb_view *records, struct vb_zip_entry *ret_entry)
{
    if (records->length == 0)
        return VB_END;
    if (records->length < VB_ZIP_RECORD)
        return VB_CORRUPT;
    const unsigned char *at = (const unsigned char *)records->data;
    bool stored = (get(at + 36, 2) & RECORD_STORED) != 0;
    bool has_sha256 = (get(at + 36, 2) & RECORD_SHA256) != 0;
    size_t name_length = (size_t)get(at + 36, 2) & VB_ZIP_NAME;
    size_t length = name_length + (has_sha256 ? VB_SHA256 : 0);
    if (length > records->length - VB_ZIP_RECORD)
        return VB_CORRUPT;
    *ret_entry = (struct vb_zip_entry){.name = {records->data + VB_ZIP_RECORD, name_length},
                                       .dos_time = (uint32_t)get(at, 4),
                                       .unix_time = (int32_t)get(at + 4, 4),
                                       .crc = (uint32_t)get(at + 8, 4),
                                       .deflated_size = get(at + 12, 8),
                                       .raw_size = get(at + 20, 8),
                                       .offset = get(at + 28, 8),
                                       .stored = stored,
                                       .has_sha256 = has_sha256};
    if (has_sha256)
        memcpy(ret_entry->sha256, at + VB_ZIP_RECORD + name_length, VB_SHA256);
    records->data += VB_ZIP_RECORD + length;
    records->length -= VB_ZIP_RECORD + length;
    return VB_OK;
}
