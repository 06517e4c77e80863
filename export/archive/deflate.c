/* ISA-L at level 1 behind a 64 KiB collecting buffer; see deflate.h and docs/decisions/0004. One
 * allocation for the life of an archive, reset for each entry.
 *
 * Equal rows must give equal bytes on every machine and in every process, since one process may
 * continue what another began and a repeated part must match. Three things see to it: the input
 * blocks are always cut at the same places, the output buffer is always empty when ISA-L is
 * called, and its table of matches begins without traces of an address (prime).
 * vb_archive_fingerprint tells whether two builds agree; a new ISA-L, another level or a new
 * VB_ARCHIVE_REVISION changes it, and then archives that are half done are gone on with by
 * processes of their own kind, or begun anew where none lives.
 */
#include "deflate.h"

#include "verbatim/archive.h"
#include "verbatim/hash.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How far back a match may lie, and how long it may be: nothing behind that can reach the
 * dictionary. */
#define REACH (32u * 1024u + 258u)
#define DICTIONARY 8u
#define MATCH 4u /* ISA-L's shortest */

/* Entries that go by the archive's common tables. Shorter ones would suffer from a header that
 * names every symbol, longer ones earn back the making of tables of their own (decision 20). */
#define SMALLEST_COMMON 3072u
#define LARGEST_COMMON (24u * 1024u)

/* About 480 KiB: two buffers of 64 KiB, and ISA-L's state and level buffer (2.30: 80 and 276
 * KiB). */
struct vb_deflate {
    struct isal_zstream stream;
    struct vb_deflate_output output;
    struct vb_tables *tables;
    struct vb_deflate_counts counts;
    struct vb_buffer front, packed_front; /* what entries may begin with, and its deflated form */
    uint32_t front_crc;
    size_t collected; /* bytes in `raw` */
    unsigned char raw[VB_DEFLATE_BLOCK];
    unsigned char packed[VB_DEFLATE_BLOCK];
    _Alignas(16) unsigned char level[ISAL_DEF_LVL1_DEFAULT];
};

/* malloc and not calloc: ISA-L's state is made by its own function, the rest is written before
 * read. */
enum vb_status vb_deflate_new(struct vb_deflate_output output, struct vb_tables *tables,
                              struct vb_deflate **ret_deflate, struct vb_error *err)
{
    struct vb_deflate *deflate = malloc(sizeof *deflate);
    if (!deflate)
        return vb_fail(err, VB_NO_MEMORY, "no memory for deflate");
    isal_deflate_init(&deflate->stream);
    deflate->stream.level = 1;
    deflate->stream.level_buf = deflate->level;
    deflate->stream.level_buf_size = sizeof deflate->level;
    deflate->output = output;
    deflate->tables = tables;
    deflate->collected = 0;
    deflate->counts = (struct vb_deflate_counts){0};
    vb_buffer_init(&deflate->front, VB_DEFLATE_BLOCK);
    vb_buffer_init(&deflate->packed_front, 2 * VB_DEFLATE_BLOCK);
    *ret_deflate = deflate;
    return VB_OK;
}

void vb_deflate_free(struct vb_deflate *deflate)
{
    if (!deflate)
        return;
    vb_buffer_done(&deflate->front);
    vb_buffer_done(&deflate->packed_front);
    free(deflate);
}

void vb_deflate_begin(struct vb_deflate *deflate)
{
    isal_deflate_reset(&deflate->stream);
    deflate->stream.flush = NO_FLUSH;
    deflate->stream.end_of_stream = 0;
    deflate->counts = (struct vb_deflate_counts){0};
    deflate->collected = 0;
}

/* Nothing in `data` could be written as a match that begins in a dictionary of `byte` repeated: a
 * match has at least four bytes, and those of one that runs out of the dictionary are the data's
 * own first ones. */
static bool is_out_of_reach(unsigned char byte, const unsigned char *data, size_t length)
{
    if (!memchr(data, byte, length))
        return true;
    unsigned char match[MATCH + MATCH];
    memset(match, byte, sizeof match);
    memcpy(match + MATCH, data, length < MATCH - 1 ? length : MATCH - 1);
    for (size_t from = 0; from < MATCH; from++)
        if (memmem(data, length, match + from, MATCH))
            return false;
    return true;
}

/* A byte for the dictionary, 256 for none. UTF-8 never holds 0xFF: one look is enough. The search
 * of other bytes looks at 33 KiB each and so is slow, but is needed for binary data only. */
static unsigned dictionary_byte(const unsigned char *data, size_t length)
{
    for (unsigned byte = 256; byte-- > 0;)
        if (is_out_of_reach((unsigned char)byte, data, length < REACH ? length : REACH))
            return byte;
    return 256;
}

/* Level 0 for what goes by tables that others have too. */
static bool use_common(struct vb_deflate *deflate, size_t length, bool last)
{
    bool fits = last && length >= SMALLEST_COMMON && length <= LARGEST_COMMON;
    struct isal_hufftables *common =
        deflate->tables && fits ? vb_tables_of_entry(deflate->tables) : NULL;
    isal_deflate_set_hufftables(&deflate->stream, common,
                                common ? IGZIP_HUFFTABLE_CUSTOM : IGZIP_HUFFTABLE_DEFAULT);
    if (common)
        deflate->stream.level = 0;
    return common != NULL;
}

/* Readies the stream for its first bytes; `last`: they are the whole.
 *
 * ISA-L 2.30 at levels 1 and up enters a hash of its own stream's address into the table of matches
 * when it begins without history, so the same bytes deflate differently at one address in some
 * 3,000. With a dictionary it begins another way. The dictionary repeats a byte with which no match
 * can be made as far as one could reach back, so nothing refers to it and any reader inflates the
 * result. For data that is made so that there is no such byte, level 0 serves: it has no such
 * flaw. */
static enum vb_status prime(struct vb_deflate *deflate, struct vb_view block, bool last,
                            struct vb_error *err)
{
    unsigned char dictionary[DICTIONARY];
    if (use_common(deflate, block.length, last))
        return VB_OK;
    unsigned byte = dictionary_byte((const unsigned char *)block.data, block.length);
    deflate->stream.level = byte < 256 ? 1 : 0;
    if (byte == 256)
        return VB_OK;
    memset(dictionary, (int)byte, sizeof dictionary);
    int result = isal_deflate_set_dict(&deflate->stream, dictionary, sizeof dictionary);
    if (result != COMP_OK)
        return vb_fail(err, VB_CORRUPT, "deflate refused its dictionary with code %d", result);
    return VB_OK;
}

/* An output buffer that came back full may hide more: ask again. */
static enum vb_status pump(struct vb_deflate *deflate, struct vb_view block, bool last,
                           struct vb_deflate_output output, struct vb_error *err)
{
    struct isal_zstream *stream = &deflate->stream;
    stream->next_in = (uint8_t *)(uintptr_t)block.data; /* which ISA-L only reads */
    stream->avail_in = (uint32_t)block.length;
    stream->end_of_stream = last;
    do {
        stream->next_out = deflate->packed;
        stream->avail_out = sizeof deflate->packed;
        int result = isal_deflate(stream);
        if (result != COMP_OK)
            return vb_fail(err, VB_CORRUPT, "deflate failed with code %d", result);
        size_t produced = sizeof deflate->packed - stream->avail_out;
        enum vb_status status =
            produced > 0 ? output.write(output.context, deflate->packed, produced, err) : VB_OK;
        if (status != VB_OK)
            return status;
    } while (stream->avail_out == 0);
    if (stream->avail_in != 0 || (last && stream->internal_state.state != ZSTATE_END))
        return vb_fail(err, VB_CORRUPT, "deflate stopped before its input ended");
    return VB_OK;
}

/* The output of what is kept here. Ceilings are far above what comes. */
static enum vb_status collect(void *context, const void *data, size_t length, struct vb_error *err)
{
    enum vb_status status = vb_buffer_append(context, data, length);
    return status == VB_OK ? status : vb_fail(err, status, "no memory for what was deflated");
}

/* --- what entries begin with --- */

/* Ends with an empty stored block (SYNC_FLUSH), so at a whole byte: any stream may follow it. */
enum vb_status vb_deflate_set_front(struct vb_deflate *deflate, struct vb_view front,
                                    struct vb_error *err)
{
    vb_buffer_reset(&deflate->front);
    vb_buffer_reset(&deflate->packed_front);
    if (front.length == 0 || front.length > VB_DEFLATE_BLOCK)
        return VB_OK;
    vb_deflate_begin(deflate);
    enum vb_status status = prime(deflate, front, false, err);
    deflate->stream.flush = SYNC_FLUSH;
    if (status == VB_OK)
        status = pump(deflate, front, false,
                      (struct vb_deflate_output){collect, &deflate->packed_front}, err);
    vb_deflate_begin(deflate);
    if (status == VB_OK)
        status = collect(&deflate->front, front.data, front.length, err);
    deflate->front_crc = vb_crc32(0, front.data, front.length);
    return status;
}

static enum vb_status write_deflated(struct vb_deflate *deflate, const void *data, size_t length,
                                     struct vb_error *err)
{
    deflate->counts.deflated_size += length;
    return deflate->output.write(deflate->output.context, data, length, err);
}

/* Looked for in the first block, which is the same however the entry was sliced. Takes it off
 * `block`. */
static enum vb_status write_front(struct vb_deflate *deflate, struct vb_view *block,
                                  struct vb_error *err)
{
    const struct vb_buffer *front = &deflate->front, *packed = &deflate->packed_front;
    if (front->length == 0 || block->length < front->length ||
        memcmp(block->data, front->data, front->length) != 0)
        return VB_OK;
    block->data += front->length;
    block->length -= front->length;
    deflate->counts.crc = deflate->front_crc;
    deflate->counts.raw_size = front->length;
    return write_deflated(deflate, packed->data, packed->length, err);
}

/* --- an entry --- */

/* The entry's own bytes count from the next entry on. */
static enum vb_status begin_stream(struct vb_deflate *deflate, struct vb_view *block, bool last,
                                   struct vb_error *err)
{
    enum vb_status status = write_front(deflate, block, err);
    if (status == VB_OK)
        status = prime(deflate, *block, last, err);
    if (status == VB_OK && deflate->tables)
        vb_tables_sample(deflate->tables, block->data, block->length);
    return status;
}

static enum vb_status write_packed(void *context, const void *data, size_t length,
                                   struct vb_error *err)
{
    return write_deflated(context, data, length, err);
}

/* Feeds what was collected. */
static enum vb_status feed(struct vb_deflate *deflate, bool last, struct vb_error *err)
{
    struct vb_view block = {(const char *)deflate->raw, deflate->collected};
    bool is_first = deflate->counts.raw_size == 0;
    deflate->collected = 0;
    enum vb_status status = is_first ? begin_stream(deflate, &block, last, err) : VB_OK;
    if (status != VB_OK)
        return status;
    deflate->counts.crc = vb_crc32(deflate->counts.crc, block.data, block.length);
    deflate->counts.raw_size += block.length;
    return pump(deflate, block, last, (struct vb_deflate_output){write_packed, deflate}, err);
}

/* A full buffer waits for the next byte, so that the last block is never empty. */
enum vb_status vb_deflate_write(struct vb_deflate *deflate, const void *data, size_t length,
                                struct vb_error *err)
{
    const unsigned char *bytes = data;
    while (length > 0) {
        if (deflate->collected == VB_DEFLATE_BLOCK) {
            enum vb_status status = feed(deflate, false, err);
            if (status != VB_OK)
                return status;
        }
        size_t room = VB_DEFLATE_BLOCK - deflate->collected;
        size_t taken = length < room ? length : room;
        memcpy(deflate->raw + deflate->collected, bytes, taken);
        deflate->collected += taken;
        bytes += taken;
        length -= taken;
    }
    return VB_OK;
}

enum vb_status vb_deflate_end(struct vb_deflate *deflate, struct vb_error *err)
{
    return feed(deflate, true, err);
}

struct vb_deflate_counts vb_deflate_counts(const struct vb_deflate *deflate)
{
    return deflate->counts;
}

/* The fingerprint: text with repeats, runs and noise over several blocks, so that matches, literals
 * and new Huffman tables all occur; then short entries, the last ones by common tables, and one
 * with a front. */
#define PROBE_BLOCKS 5u
#define PROBE_SIZE (PROBE_BLOCKS * VB_DEFLATE_BLOCK - 777u)
#define PROBE_SHORT (VB_TABLES_OF_ENTRY + 777u)
#define PROBE_ENTRIES (VB_TABLES_SAMPLE / VB_TABLES_OF_ENTRY + 2)

static char fingerprint[VB_SHA256_HEX];
static pthread_once_t fingerprint_once = PTHREAD_ONCE_INIT;

/* The seed, the words and the sizes are part of the fingerprint: a change here makes every process
 * a stranger to those that run. Lines of 2 to 29 bytes, so that blocks end inside lines. */
static const char words[] = "message,inbound,customer,2026-04-08T03:24:43.123456+00:00,\r\n";

static enum vb_status write_probe(struct vb_deflate *deflate, uint32_t seed, size_t size)
{
    char line[80];
    vb_deflate_begin(deflate);
    for (size_t written = 0; written < size;) {
        seed = seed * 1664525u + 1013904223u;
        size_t start = (seed >> 16) % 32, length = 1 + (seed >> 24) % 28;
        memcpy(line, words + start, length);
        line[length] = (char)('!' + (seed >> 9) % 90);
        if (length + 1 > size - written)
            length = size - written - 1;
        enum vb_status status = vb_deflate_write(deflate, line, length + 1, NULL);
        if (status != VB_OK)
            return status;
        written += length + 1;
    }
    return vb_deflate_end(deflate, NULL);
}

/* An entry that has a front. */
static enum vb_status write_front_probe(struct vb_deflate *deflate)
{
    const struct vb_view front = {words, sizeof words - 1};
    enum vb_status status = vb_deflate_set_front(deflate, front, NULL);
    for (int i = 0; i < 3 && status == VB_OK; i++)
        status = vb_deflate_write(deflate, front.data, front.length, NULL);
    return status == VB_OK ? vb_deflate_end(deflate, NULL) : status;
}

static enum vb_status write_probes(struct vb_tables *tables, struct vb_buffer *packed)
{
    struct vb_deflate *deflate = NULL;
    struct vb_deflate_output output = {collect, packed};
    enum vb_status status = vb_deflate_new(output, tables, &deflate, NULL);
    if (status == VB_OK)
        status = write_probe(deflate, 2026, PROBE_SIZE);
    for (uint32_t i = 0; i < PROBE_ENTRIES && status == VB_OK; i++)
        status = write_probe(deflate, i, PROBE_SHORT);
    if (status == VB_OK)
        status = write_front_probe(deflate);
    vb_deflate_free(deflate);
    return status;
}

/* Some 420 KB through deflate, once a process. */
static void take_fingerprint(void)
{
    struct vb_buffer packed;
    struct vb_tables *tables = NULL;
    const struct vb_noted_tables first = {.begins = true};
    vb_buffer_init(&packed, (size_t)2 * PROBE_SIZE);
    enum vb_status status = vb_tables_new(&first, &tables, NULL);
    if (status == VB_OK)
        status = write_probes(tables, &packed);
    if (status == VB_OK)
        status = vb_buffer_append_text(&packed, "revision " VB_ARCHIVE_REVISION);
    if (status != VB_OK || !vb_tables_of_entry(tables))
        abort(); /* no memory at start: without the answer no archive may be continued */
    vb_sha256_hex(packed.data, packed.length, fingerprint);
    vb_tables_free(tables);
    vb_buffer_done(&packed);
}

const char *vb_archive_fingerprint(void)
{
    pthread_once(&fingerprint_once, take_fingerprint);
    return fingerprint;
}
