/* One segment of a ZIP: entries, directory records, the central directory; see archive.h.
 *
 * Bytes go from deflate straight into the blocks of parts.c; formats come from zip.c. Owns all
 * three. A failure inside leaves the archive broken: every later call but free answers VB_INVALID.
 *
 * An archive may be made of many segments that different processes write at different times, so
 * nothing here counts from the start of the file: offsets are the segment's own until the closer,
 * which knows what lies before each, adds the base. The central directory is written once, by the
 * closer, from records that every segment left in the database. What the closer holds of it is one
 * piece at a time.
 *
 * The order of calls is a state machine: `state` says which calls may come, and each is refused out
 * of turn. Refusal changes nothing; a failure half way ends in BROKEN, since the bytes that went
 * out cannot be taken back and nobody knows how many did.
 */
#include "verbatim/archive.h"

#include "deflate.h"
#include "parts.h"
#include "tables.h"
#include "verbatim/hash.h"
#include "zip.h"

#include <stdlib.h>
#include <string.h>

/* Where the archive is in its life. Entries come first, then the directory, then nothing. */
enum state { BETWEEN_ENTRIES, IN_ENTRY, IN_STORED, IN_DIRECTORY, PLAIN, ENDED, BROKEN };

struct vb_archive {
    enum state state;
    struct vb_parts parts;
    struct vb_tables *tables;
    struct vb_deflate *deflate;
    struct vb_digest *digest; /* of the entry's bytes; NULL: not asked for */
    struct vb_part_sink sink;
    bool equal_parts;
    struct vb_zip_entry entry; /* the one begun last; its name is borrowed from `header` */
    struct vb_buffer header;   /* its local header and name */
    struct vb_buffer records;  /* not handed over yet */
    uint64_t entries, raw_size;
    uint64_t stored_size; /* of a stored entry so far, and its CRC */
    uint32_t stored_crc;
    uint64_t directory_start, directory_entries; /* position in the segment */
    bool zip64;                                  /* an entry of the directory has the field */
};

/* A record is added to what is less than a piece. */
#define RECORDS_CEILING (VB_DIRECTORY_PIECE + VB_ZIP_RECORD + VB_ZIP_NAME + VB_SHA256)

/* The one way of bytes into the parts outside a header. Cuts after each slice of at most 64 KiB,
 * which is what bounds memory: vb_parts_append itself never lets go of anything. */
static enum vb_status take_bytes(void *context, const void *data, size_t length,
                                 struct vb_error *err)
{
    struct vb_archive *archive = context;
    enum vb_status status = vb_parts_append(&archive->parts, data, length, err);
    vb_tables_reach(archive->tables, archive->parts.size);
    return status == VB_OK ? vb_parts_cut(&archive->parts, err) : status;
}

enum vb_status vb_archive_new(const struct vb_archive_options *options,
                              struct vb_archive **ret_archive, struct vb_error *err)
{
    struct vb_archive *archive = calloc(1, sizeof *archive);
    if (!archive)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an archive");
    archive->state = options->plain ? PLAIN : BETWEEN_ENTRIES;
    archive->sink = options->sink;
    archive->equal_parts = options->equal_parts;
    vb_buffer_init(&archive->records, RECORDS_CEILING);
    vb_buffer_init(&archive->header, VB_ZIP_LOCAL + VB_ZIP_NAME + VB_ZIP_TIME);
    enum vb_status status = vb_parts_init(&archive->parts, options, err);
    struct vb_deflate_output output = {take_bytes, archive};
    if (status == VB_OK)
        status = vb_tables_new(&options->tables, &archive->tables, err);
    if (status == VB_OK)
        status = vb_deflate_new(output, archive->tables, &archive->deflate, err);
    if (status == VB_OK && options->sha256)
        status = vb_digest_new(&archive->digest, err);
    if (status != VB_OK) {
        vb_archive_free(archive);
        return status;
    }
    *ret_archive = archive;
    return VB_OK;
}

void vb_archive_free(struct vb_archive *archive)
{
    if (!archive)
        return;
    vb_deflate_free(archive->deflate);
    vb_tables_free(archive->tables);
    vb_digest_free(archive->digest);
    vb_parts_done(&archive->parts);
    vb_buffer_done(&archive->records);
    vb_buffer_done(&archive->header);
    free(archive);
}

/* Passes a status on; what failed half way cannot go on. Refusals out of turn do not come here. */
static enum vb_status settle(struct vb_archive *archive, enum vb_status status)
{
    if (status != VB_OK)
        archive->state = BROKEN;
    return status;
}

static enum vb_status out_of_turn(const char *what, struct vb_error *err)
{
    return vb_fail(err, VB_INVALID, "archive: %s out of turn", what);
}

/* `entry` becomes the archive's, and its local header with name and timestamp stands in
 * archive->header. */
static enum vb_status make_header(struct vb_archive *archive, struct vb_zip_entry entry,
                                  struct vb_error *err)
{
    struct vb_buffer *header = &archive->header;
    struct vb_view name = entry.name;
    unsigned char time[VB_ZIP_TIME];
    size_t time_length = vb_zip_time(&entry, time), before = VB_ZIP_LOCAL + name.length;
    vb_buffer_reset(header);
    if (vb_buffer_reserve(header, before + time_length) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a local header");
    archive->entry = entry;
    archive->entry.name.data = header->data + VB_ZIP_LOCAL;
    /* Relative to the segment; the closer adds what lies before. */
    archive->entry.offset = archive->parts.size;
    vb_zip_local(&archive->entry, (unsigned char *)header->data);
    memcpy(header->data + VB_ZIP_LOCAL, name.data, name.length);
    memcpy(header->data + before, time, time_length);
    vb_buffer_grown(header, before + time_length);
    if (archive->digest)
        vb_digest_begin(archive->digest);
    return VB_OK;
}

/* The header goes out with zeros for sizes and CRC and is marked, so that end_entry can put them
 * in: APPNOTE's data descriptor would spare this, but readers that stream are known to stumble over
 * it. */
static enum vb_status begin_entry(struct vb_archive *archive, struct vb_zip_entry entry,
                                  struct vb_error *err)
{
    const struct vb_buffer *header = &archive->header;
    enum vb_status status = make_header(archive, entry, err);
    if (status == VB_OK)
        status = vb_parts_append_marked(&archive->parts, header->data, header->length, err);
    if (status != VB_OK)
        return status;
    vb_deflate_begin(archive->deflate);
    archive->state = IN_ENTRY;
    return VB_OK;
}

/* No mark: all numbers are known, so the header and what follows may leave at once. */
static enum vb_status begin_stored(struct vb_archive *archive, struct vb_zip_entry entry,
                                   struct vb_error *err)
{
    const struct vb_buffer *header = &archive->header;
    unsigned char extra[VB_ZIP_LOCAL_EXTRA];
    enum vb_status status = make_header(archive, entry, err);
    if (status == VB_OK)
        status = vb_parts_append(&archive->parts, header->data, header->length, err);
    if (status == VB_OK && vb_zip_needs_local_extra(&entry)) {
        vb_zip_local_extra(&entry, extra);
        status = vb_parts_append(&archive->parts, extra, sizeof extra, err);
    }
    archive->stored_size = 0;
    archive->stored_crc = 0;
    if (status == VB_OK)
        archive->state = IN_STORED;
    return status;
}

/* A name is not looked into here: that it is UTF-8, unique and safe to unpack is names.c's work. */
static enum vb_status check_begin(const struct vb_archive *archive, struct vb_view name,
                                  struct vb_error *err)
{
    if (archive->state != BETWEEN_ENTRIES)
        return out_of_turn("an entry", err);
    if (name.length == 0 || name.length > VB_ZIP_NAME)
        return vb_fail(err, VB_INVALID, "an entry's name must have 1 to 16,383 bytes");
    return VB_OK;
}

enum vb_status vb_archive_set_front(struct vb_archive *archive, struct vb_view front,
                                    struct vb_error *err)
{
    if (archive->state != BETWEEN_ENTRIES || archive->entries > 0)
        return out_of_turn("what entries begin with", err);
    return settle(archive, vb_deflate_set_front(archive->deflate, front, err));
}

enum vb_status vb_archive_begin_entry(struct vb_archive *archive, struct vb_view name,
                                      struct vb_entry_time time, struct vb_error *err)
{
    const struct vb_zip_entry entry = {.name = name,
                                       .dos_time = vb_zip_dos_time(time.at, time.offset),
                                       .unix_time = vb_zip_unix_time(time.at)};
    enum vb_status status = check_begin(archive, name, err);
    return status == VB_OK ? settle(archive, begin_entry(archive, entry, err)) : status;
}

enum vb_status vb_archive_begin_stored(struct vb_archive *archive, struct vb_view name,
                                       struct vb_entry_time time, uint64_t size, uint32_t crc,
                                       struct vb_error *err)
{
    const struct vb_zip_entry entry = {.name = name,
                                       .dos_time = vb_zip_dos_time(time.at, time.offset),
                                       .unix_time = vb_zip_unix_time(time.at),
                                       .crc = crc,
                                       .deflated_size = size,
                                       .raw_size = size,
                                       .stored = true};
    enum vb_status status = check_begin(archive, name, err);
    return status == VB_OK ? settle(archive, begin_stored(archive, entry, err)) : status;
}

/* Its local header would have to grow by a ZIP64 field, and with it a part that must be as long as
 * all others: stores that demand equal parts (R2) refuse the upload then. */
static enum vb_status too_large(struct vb_error *err)
{
    return vb_fail(err, VB_LIMIT,
                   "with equal parts (s3_equal_parts) a file in the archive cannot exceed 4 GiB");
}

/* In slices, so that no more gathers than parts may be long. */
static enum vb_status write_plain(struct vb_archive *archive, const char *data, size_t length,
                                  struct vb_error *err)
{
    enum vb_status status = VB_OK;
    while (length > 0 && status == VB_OK) {
        size_t slice = length < VB_DIRECTORY_PIECE ? length : VB_DIRECTORY_PIECE;
        status = take_bytes(archive, data, slice, err);
        data += slice;
        length -= slice;
    }
    return status;
}

static enum vb_status write_stored(struct vb_archive *archive, const char *data, size_t length,
                                   struct vb_error *err)
{
    archive->stored_size += length;
    archive->stored_crc = vb_crc32(archive->stored_crc, data, length);
    return write_plain(archive, data, length, err);
}

enum vb_status vb_archive_write(struct vb_archive *archive, const void *data, size_t length,
                                struct vb_error *err)
{
    if (archive->state == PLAIN) {
        archive->raw_size += length;
        return settle(archive, write_plain(archive, data, length, err));
    }
    if (archive->digest && (archive->state == IN_STORED || archive->state == IN_ENTRY))
        vb_digest_add(archive->digest, data, length);
    if (archive->state == IN_STORED)
        return settle(archive, write_stored(archive, data, length, err));
    if (archive->state != IN_ENTRY)
        return out_of_turn("data", err);
    enum vb_status status = vb_deflate_write(archive->deflate, data, length, err);
    /* Known early, so that nothing is uploaded for hours first. */
    if (status == VB_OK && archive->equal_parts &&
        vb_deflate_counts(archive->deflate).raw_size >= UINT32_MAX)
        status = too_large(err);
    return settle(archive, status);
}

/* Writes the numbers into the local header; it grows if they need it. */
static enum vb_status finish_header(struct vb_archive *archive, struct vb_error *err)
{
    unsigned char header[VB_ZIP_LOCAL], extra[VB_ZIP_LOCAL_EXTRA];
    vb_zip_local(&archive->entry, header);
    vb_parts_patch(&archive->parts, header, sizeof header);
    if (vb_zip_needs_local_extra(&archive->entry)) {
        if (archive->equal_parts)
            return too_large(err);
        vb_zip_local_extra(&archive->entry, extra);
        enum vb_status status = vb_parts_insert(&archive->parts, extra, sizeof extra, err);
        if (status != VB_OK)
            return status;
    }
    return vb_parts_unmark(&archive->parts, err);
}

/* Hands over what has gathered. On failure the records stay, but the archive is broken then
 * anyway. */
static enum vb_status send_records(struct vb_archive *archive, struct vb_error *err)
{
    if (archive->records.length == 0)
        return VB_OK;
    enum vb_status status = archive->sink.directory(archive->sink.context, archive->records.data,
                                                    archive->records.length, err);
    if (status == VB_OK)
        vb_buffer_reset(&archive->records);
    return status;
}

/* Whole records only, so that every piece can be read by itself. */
static enum vb_status add_record(struct vb_archive *archive, struct vb_error *err)
{
    enum vb_status status = vb_zip_record_append(&archive->records, &archive->entry);
    return status == VB_OK ? status : vb_fail(err, status, "no memory for a directory record");
}

/* An entry is finished: its record, then the parts that were waiting for its end. The archive can
 * be split or recorded from here on and nowhere inside an entry. */
static enum vb_status note_entry(struct vb_archive *archive, struct vb_error *err)
{
    archive->entry.has_sha256 = archive->digest != NULL;
    if (archive->digest)
        vb_digest_end(archive->digest, archive->entry.sha256);
    enum vb_status status = add_record(archive, err);
    if (status == VB_OK && archive->records.length >= VB_DIRECTORY_PIECE)
        status = send_records(archive, err);
    if (status == VB_OK)
        status = vb_parts_cut(&archive->parts, err);
    if (status != VB_OK)
        return status;
    archive->entries++;
    archive->raw_size += archive->entry.raw_size;
    archive->state = BETWEEN_ENTRIES;
    return VB_OK;
}

/* Sizes and CRC are known only here: the local header was held back for them. */
static enum vb_status end_entry(struct vb_archive *archive, struct vb_error *err)
{
    enum vb_status status = vb_deflate_end(archive->deflate, err);
    if (status != VB_OK)
        return status;
    struct vb_deflate_counts counts = vb_deflate_counts(archive->deflate);
    archive->entry.crc = counts.crc;
    archive->entry.raw_size = counts.raw_size;
    archive->entry.deflated_size = counts.deflated_size;
    status = finish_header(archive, err);
    return status == VB_OK ? note_entry(archive, err) : status;
}

/* Its header has gone out and cannot be taken back. */
static enum vb_status end_stored(struct vb_archive *archive, struct vb_error *err)
{
    if (archive->stored_size != archive->entry.raw_size ||
        archive->stored_crc != archive->entry.crc)
        return vb_fail(err, VB_INVALID, "a stored entry is not what its header says");
    return note_entry(archive, err);
}

enum vb_status vb_archive_end_entry(struct vb_archive *archive, struct vb_error *err)
{
    if (archive->state == IN_STORED)
        return settle(archive, end_stored(archive, err));
    if (archive->state != IN_ENTRY)
        return out_of_turn("the end of an entry", err);
    return settle(archive, end_entry(archive, err));
}

struct vb_archive_totals vb_archive_totals(const struct vb_archive *archive)
{
    struct vb_archive_totals totals = {.entries = archive->entries,
                                       .size = archive->parts.size,
                                       .raw_size = archive->raw_size,
                                       .unsent = vb_parts_unsent(&archive->parts),
                                       .parts = archive->parts.next_index,
                                       .peak_memory = vb_parts_peak(&archive->parts)};
    if (archive->state == IN_ENTRY)
        totals.raw_size += vb_deflate_counts(archive->deflate).raw_size;
    else if (archive->state == IN_STORED)
        totals.raw_size += archive->stored_size;
    return totals;
}

/* A plain one has no entries that could wait for any. */
bool vb_archive_is_settled(const struct vb_archive *archive)
{
    return archive->state == PLAIN || vb_tables_settled(archive->tables);
}

const char *vb_archive_tables(const struct vb_archive *archive)
{
    return archive->state == PLAIN ? NULL : vb_tables_text(archive->tables);
}

/* The last part goes out even if it is empty: the receiver learns by it that there are no more. */
enum vb_status vb_archive_end_segment(struct vb_archive *archive, struct vb_error *err)
{
    if (archive->state != BETWEEN_ENTRIES && archive->state != PLAIN)
        return out_of_turn("the end of a segment", err);
    enum vb_status status = send_records(archive, err);
    if (status == VB_OK)
        status = vb_parts_finish(&archive->parts, err);
    archive->state = ENDED;
    return settle(archive, status);
}

enum vb_status vb_archive_flush_directory(struct vb_archive *archive, struct vb_error *err)
{
    if (archive->state != BETWEEN_ENTRIES)
        return out_of_turn("flushing the directory", err);
    return settle(archive, send_records(archive, err));
}

/* From the first record on, or at the latest from the end, the directory has a place. */
static bool enter_directory(struct vb_archive *archive)
{
    if (archive->state == BETWEEN_ENTRIES) {
        archive->state = IN_DIRECTORY;
        archive->directory_start = archive->parts.size;
    }
    return archive->state == IN_DIRECTORY;
}

/* One central header, between its fixed part and its extra field the name. Cut after each, so that
 * a directory of any length needs no more memory than a part. */
static enum vb_status add_central(struct vb_archive *archive, const struct vb_zip_entry *entry,
                                  struct vb_error *err)
{
    struct vb_zip_central central;
    vb_zip_central(entry, &central);
    enum vb_status status =
        vb_parts_append(&archive->parts, central.header, sizeof central.header, err);
    if (status == VB_OK)
        status = vb_parts_append(&archive->parts, entry->name.data, entry->name.length, err);
    if (status == VB_OK)
        status = vb_parts_append(&archive->parts, central.extra, central.extra_length, err);
    if (status == VB_OK)
        status = vb_parts_cut(&archive->parts, err);
    archive->directory_entries++;
    archive->zip64 = archive->zip64 || central.zip64;
    return status;
}

enum vb_status vb_archive_add_directory(struct vb_archive *archive, uint64_t base,
                                        const void *records, size_t length, struct vb_error *err)
{
    if (!enter_directory(archive))
        return out_of_turn("the directory", err);
    struct vb_view rest = {records, length};
    struct vb_zip_entry entry;
    enum vb_status status;
    while ((status = vb_zip_record_next(&rest, &entry)) == VB_OK) {
        /* From the segment's own count to the archive's. */
        entry.offset += base;
        status = add_central(archive, &entry, err);
        if (status != VB_OK)
            return settle(archive, status);
    }
    if (status == VB_END)
        return VB_OK;
    return settle(archive, vb_fail(err, status, "the archive's directory records are damaged"));
}

enum vb_status vb_archive_add_own_directory(struct vb_archive *archive, uint64_t base,
                                            struct vb_error *err)
{
    enum vb_status status = vb_archive_add_directory(archive, base, archive->records.data,
                                                     archive->records.length, err);
    if (status == VB_OK)
        vb_buffer_reset(&archive->records);
    return status;
}

enum vb_status vb_archive_record_next(struct vb_view *records, struct vb_archive_record *ret_record)
{
    struct vb_zip_entry entry;
    enum vb_status status = vb_zip_record_next(records, &entry);
    if (status != VB_OK)
        return status;
    *ret_record = (struct vb_archive_record){
        .name = entry.name, .size = entry.raw_size, .has_sha256 = entry.has_sha256};
    memcpy(ret_record->sha256, entry.sha256, VB_SHA256);
    return VB_OK;
}

struct vb_view vb_archive_own_records(const struct vb_archive *archive)
{
    return (struct vb_view){archive->records.data, archive->records.length};
}

/* The ends' offsets count in the whole archive, so `base` is where this segment starts there. */
enum vb_status vb_archive_close(struct vb_archive *archive, uint64_t base, struct vb_error *err)
{
    if (archive->state == PLAIN)
        return vb_archive_end_segment(archive, err);
    if (archive->records.length > 0 || !enter_directory(archive))
        return out_of_turn("the end", err);
    unsigned char end[VB_ZIP_END];
    uint64_t size = archive->parts.size - archive->directory_start;
    size_t length = vb_zip_end(archive->directory_entries, base + archive->directory_start, size,
                               archive->zip64, end);
    enum vb_status status = vb_parts_append(&archive->parts, end, length, err);
    if (status == VB_OK)
        status = vb_parts_cut(&archive->parts, err);
    if (status == VB_OK)
        status = vb_parts_finish(&archive->parts, err);
    archive->state = ENDED;
    return settle(archive, status);
}
