/* The ZIP stream of one segment: entries deflated as they come, cut into parts, and the central
 * directory.
 *
 * Local headers carry true sizes (no data descriptors): a header is patched while its part is still
 * here, and a part with an unfinished header is held back while later ones go out. Every entry
 * starts with an empty deflate state and is fed in blocks of exactly 64 KiB, so the bytes depend on
 * the rows alone. Entries of a few KiB are written by Huffman tables that the archive's first
 * entries gave (struct vb_noted_tables). Memory is bounded by VB_ARCHIVE_MEMORY(part_size) whatever
 * the size of an entry.
 *
 * One archive object writes one segment: a run of entries whose offsets count from the segment's
 * own start. Directory records leave in pieces as they fill; the segment that closes the archive
 * feeds all pieces back in order, with the base offset of each segment, and ends the file. A plain
 * archive is a single raw file instead, in the same parts and the same memory. Sources: APPNOTE.TXT
 * 6.3.10 (4.3.7 local header, 4.3.12 directory, 4.3.14 to 4.3.16 ends), RFC 1951.
 *
 * The archive is its caller's and owns what it has not handed over; bodies are the sink's. One
 * thread, on which the sink is called too; bodies are released on any. Errors: VB_INVALID for calls
 * out of turn, VB_LIMIT for an entry past 4 GiB with equal parts, VB_NO_MEMORY, VB_CORRUPT (noted
 * tables among it), and
 * what the sink answers. After any failure but a refusal out of turn the archive can only be freed.
 * Data and names are borrowed for the call; bodies may outlive the archive.
 */
#ifndef VERBATIM_ARCHIVE_H
#define VERBATIM_ARCHIVE_H

#include "verbatim/clock.h"
#include "verbatim/hash.h"

#include <sys/uio.h>

#define VB_BLOCK_SIZE (256u * 1024u) /* parts are chains of blocks; cut points are block ends */
#define VB_PART_MINIMUM (5u * 1024u * 1024u) /* S3: every part but the last */
/* Most memory of one archive: the stretch being filled, the part in flight and the parts held back
 * (one, with equal parts two), then blocks partly used, deflate, directory records. It holds if the
 * sink keeps at most one unreleased body when it returns. */
#define VB_ARCHIVE_MEMORY(part_size)                                                               \
    (4 * ((uint64_t)(part_size) + VB_BLOCK_SIZE) + 2u * 1024u * 1024u)
#define VB_DIRECTORY_PIECE (64u * 1024u) /* about how many bytes of records leave at a time */

/* A part's body: owned bytes in order. */
struct vb_body {
    struct iovec *pieces;
    size_t count;
    uint64_t size;                     /* sum of the pieces */
    uint32_t crc;                      /* CRC-32 of the pieces */
    void (*release)(struct vb_body *); /* frees the body and all it holds; any
                                          thread, once, also after the archive's free */
    void *owner;
};

/* Where parts and directory records go. Called on the archive's thread. */
struct vb_part_sink {
    void *context;
    /* Part `index` of the segment (from 0, in order of position; a held-back part comes after later
     * ones). Owns `body` from the call on, also on failure. `last` marks the end of the segment:
     * everything was handed over; that one may be small, and is empty for a segment without a byte.
     * May wait for an earlier part: that is the back-pressure. */
    enum vb_status (*part)(void *context, uint32_t index, struct vb_body *body, bool last,
                           struct vb_error *err);
    /* A piece of directory records, in order; borrowed for the call. */
    enum vb_status (*directory)(void *context, const void *records, size_t length,
                                struct vb_error *err);
};

/* What small entries have in common with those of other segments: Huffman tables made from the
 * archive's first entries, and noted with it before another segment is begun. All zero: none. */
struct vb_noted_tables {
    bool begins;      /* the segment is the archive's first, so its first entries go without */
    bool is_noted;    /* another writer of the same archive has noted what `text` says */
    const char *text; /* of vb_archive_tables; NULL: none. Borrowed for the call */
};

struct vb_archive_options {
    uint64_t part_size; /* at least VB_PART_MINIMUM; rounded up to whole blocks */
    bool equal_parts;   /* all parts exactly part_size but the last: no 5 MiB look-behind,
                                 no part that grows by a late ZIP64 field */
    bool plain;  /* no ZIP at all: the segment is what is written, byte for byte. No entries and
                                 no directory then, and vb_archive_write may come at any time */
    bool sha256; /* records hold each entry's digest; an export costs a third more CPU then */
    struct vb_noted_tables tables;
    struct vb_part_sink sink; /* context is borrowed */
};

struct vb_archive;

enum vb_status vb_archive_new(const struct vb_archive_options *options,
                              struct vb_archive **ret_archive, struct vb_error *err) vb_must_check;
/* Also mid-way: what was not handed over is dropped. */
void vb_archive_free(struct vb_archive *archive);

/* What entries begin with, where that is long and the same in many, such as the head of a page: it
 * is deflated once, and entries that begin with it get it as it is. It is part of the bytes: all
 * segments of an archive must be given the same, or none. Before the first entry; at most 64 KiB,
 * longer ones are left as they are. */
enum vb_status vb_archive_set_front(struct vb_archive *archive, struct vb_view front,
                                    struct vb_error *err) vb_must_check;

/* When an entry is of. ZIP has two times: the old one is local, without a zone, and shown by
 * listings; the extended one is an instant, and files that are unpacked carry it. */
struct vb_entry_time {
    vb_instant at;
    int offset; /* seconds east of UTC at that instant */
};
/* `name` is UTF-8, at most 16,383 bytes. */
enum vb_status vb_archive_begin_entry(struct vb_archive *archive, struct vb_view name,
                                      struct vb_entry_time time,
                                      struct vb_error *err) vb_must_check;
/* An entry that is not deflated: exactly `size` bytes with this CRC-32 follow by vb_archive_write.
 * Its header is complete at once, so it holds no part back; nothing may go wrong between here and
 * its end. */
enum vb_status vb_archive_begin_stored(struct vb_archive *archive, struct vb_view name,
                                       struct vb_entry_time time, uint64_t size, uint32_t crc,
                                       struct vb_error *err) vb_must_check;
enum vb_status vb_archive_write(struct vb_archive *archive, const void *data, size_t length,
                                struct vb_error *err) vb_must_check;
/* VB_INVALID for a stored entry that is not what it was begun as. */
enum vb_status vb_archive_end_entry(struct vb_archive *archive, struct vb_error *err) vb_must_check;

/* Whether it is known what tables later entries go by. Before, no other segment may begin; it is so
 * at the latest when the archive reaches a MiB, and so before the first part. */
bool vb_archive_is_settled(const struct vb_archive *archive);
/* What is to be noted of them; NULL: none. Lives as long as the archive. */
const char *vb_archive_tables(const struct vb_archive *archive);

/* Of this segment alone. */
struct vb_archive_totals {
    uint64_t entries;
    uint64_t size;        /* bytes of the segment so far, handed over or not */
    uint64_t raw_size;    /* bytes before deflate */
    uint64_t unsent;      /* bytes still here */
    uint32_t parts;       /* parts cut so far */
    uint64_t peak_memory; /* most bytes of parts at once, unreleased bodies included */
};
struct vb_archive_totals vb_archive_totals(const struct vb_archive *archive);

/* Ends a segment that does not close the archive: hands over the rest of the records and of the
 * bytes. */
enum vb_status vb_archive_end_segment(struct vb_archive *archive,
                                      struct vb_error *err) vb_must_check;

/* Ends the segment that closes the archive. First the records not handed over yet are available
 * here (a small export never sends any), so a caller with other segments calls
 * vb_archive_flush_directory first; then for each segment in order its pieces, then the end. */
enum vb_status vb_archive_flush_directory(struct vb_archive *archive,
                                          struct vb_error *err) vb_must_check;
/* Records of the segment that starts at `base` in the whole archive; whole records only. */
enum vb_status vb_archive_add_directory(struct vb_archive *archive, uint64_t base,
                                        const void *records, size_t length,
                                        struct vb_error *err) vb_must_check;
/* The records still here, as if fed by vb_archive_add_directory. `base`: where this segment
 * starts. */
enum vb_status vb_archive_add_own_directory(struct vb_archive *archive, uint64_t base,
                                            struct vb_error *err) vb_must_check;
/* An entry in a piece of records, for whoever lists them. */
struct vb_archive_record {
    struct vb_view name; /* borrowed from the piece */
    uint64_t size;       /* unpacked */
    bool has_sha256;
    unsigned char sha256[VB_SHA256];
};
/* Takes one off the front. VB_END at the end, VB_CORRUPT for what is no record. */
enum vb_status vb_archive_record_next(struct vb_view *records,
                                      struct vb_archive_record *ret_record) vb_must_check;
/* The records still here; borrowed until an entry ends. */
struct vb_view vb_archive_own_records(const struct vb_archive *archive);
/* End records and the last part; plain: the last part alone. */
enum vb_status vb_archive_close(struct vb_archive *archive, uint64_t base,
                                struct vb_error *err) vb_must_check;

/* Raised by whoever changes a byte that an archive gets from the same rows, wherever it is made: a
 * header's field, a name's rule, a cell's quoting; or the form of what segments leave in the
 * database. */
#define VB_ARCHIVE_REVISION "4"

/* SHA-256 (hex) over the deflated form of a fixed text and the revision of everything else that
 * shapes an archive: two processes may continue each other's archive only if theirs agree. Computed
 * once, then remembered; thread-safe. */
const char *vb_archive_fingerprint(void);

#endif
