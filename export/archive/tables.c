/* The common tables: see tables.h.
 *
 * What is kept is not the tables but how often each symbol occurred, in 16 bits. ISA-L makes the
 * same codes from it everywhere; whether it does is part of the fingerprint. The text ends with its
 * CRC-32, since any numbers at all would make tables that work, and other bytes than those of the
 * segments before.
 */
#include "tables.h"

#include "verbatim/hash.h"

#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTHS ISAL_DEF_LIT_LEN_SYMBOLS
#define DISTANCES ISAL_DEF_DIST_SYMBOLS
#define WEIGHTS ((size_t)LENGTHS + DISTANCES)
#define WEIGHT_MOST 0xFFFFu
#define TEXT_WEIGHTS (WEIGHTS * 4)
#define TEXT (TEXT_WEIGHTS + 8) /* and the CRC-32 of what stands before it, in hex too */

struct vb_tables {
    bool settled, has_tables;
    bool noted; /* `text` is what was noted, whatever the entries say */
    size_t entries, sampled;
    char text[TEXT + 1]; /* "": none */
    struct isal_hufftables codes;
    struct isal_huff_histogram seen;
};

/* Of the symbols in the order of the weights. */
static uint64_t *count_of(struct isal_huff_histogram *seen, size_t symbol)
{
    return symbol < LENGTHS ? &seen->lit_len_histogram[symbol]
                            : &seen->dist_histogram[symbol - LENGTHS];
}

/* ISA-L gives every symbol a code, so also what was not seen can be written. Its return values are
 * about tables that cannot be, which its own are not. */
static void make_codes(struct vb_tables *tables, const uint16_t weights[WEIGHTS])
{
    for (size_t i = 0; i < WEIGHTS; i++)
        *count_of(&tables->seen, i) = weights[i];
    tables->has_tables = isal_create_hufftables(&tables->codes, &tables->seen) == 0;
}

static void write_text(const uint16_t weights[WEIGHTS], char text[TEXT + 1])
{
    for (size_t i = 0; i < WEIGHTS; i++)
        (void)snprintf(text + i * 4, 5, "%04x", (unsigned)weights[i]);
    (void)snprintf(text + TEXT_WEIGHTS, 9, "%08x", (unsigned)vb_crc32(0, text, TEXT_WEIGHTS));
}

/* What is read has to be what is written of it, which looks at the CRC-32 too. */
static bool read_text(const char *text, uint16_t weights[WEIGHTS])
{
    unsigned char bytes[2 * WEIGHTS];
    char again[TEXT + 1];
    if (strlen(text) != TEXT ||
        vb_hex_decode((struct vb_view){text, TEXT_WEIGHTS}, bytes, sizeof bytes) != VB_OK)
        return false;
    for (size_t i = 0; i < WEIGHTS; i++)
        weights[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    write_text(weights, again);
    return strcmp(text, again) == 0;
}

enum vb_status vb_tables_new(const struct vb_noted_tables *noted, struct vb_tables **ret_tables,
                             struct vb_error *err)
{
    uint16_t weights[WEIGHTS];
    struct vb_tables *tables = calloc(1, sizeof *tables);
    if (!tables)
        return vb_fail(err, VB_NO_MEMORY, "no memory for deflate's tables");
    tables->noted = !noted->begins || noted->is_noted;
    tables->settled = !noted->begins;
    if (tables->noted && noted->text) {
        if (!read_text(noted->text, weights)) {
            vb_tables_free(tables);
            return vb_fail(err, VB_CORRUPT, "the deflate tables noted with the job are damaged");
        }
        memcpy(tables->text, noted->text, TEXT);
        make_codes(tables, weights);
    }
    *ret_tables = tables;
    return VB_OK;
}

void vb_tables_free(struct vb_tables *tables)
{
    free(tables);
}

/* What was seen, so that it fits 16 bits. What was seen at all keeps a weight. */
static void weigh(struct isal_huff_histogram *seen, uint16_t weights[WEIGHTS])
{
    uint64_t most = 1;
    for (size_t i = 0; i < WEIGHTS; i++)
        most = *count_of(seen, i) > most ? *count_of(seen, i) : most;
    uint64_t divisor = (most + WEIGHT_MOST - 1) / WEIGHT_MOST;
    for (size_t i = 0; i < WEIGHTS; i++)
        weights[i] = (uint16_t)((*count_of(seen, i) + divisor - 1) / divisor);
}

static void settle(struct vb_tables *tables)
{
    uint16_t weights[WEIGHTS];
    if (tables->settled)
        return;
    tables->settled = true;
    if (tables->noted || tables->sampled < VB_TABLES_LEAST)
        return;
    weigh(&tables->seen, weights);
    write_text(weights, tables->text);
    make_codes(tables, weights);
}

void vb_tables_sample(struct vb_tables *tables, const void *data, size_t length)
{
    if (tables->settled)
        return;
    size_t looked = length < VB_TABLES_OF_ENTRY ? length : VB_TABLES_OF_ENTRY;
    /* ISA-L takes what it only reads without const. */
    if (!tables->noted)
        isal_update_histogram((uint8_t *)(uintptr_t)data, (int)looked, &tables->seen);
    tables->sampled += looked;
    tables->entries++;
    if (tables->entries >= VB_TABLES_ENTRIES || tables->sampled >= VB_TABLES_SAMPLE)
        settle(tables);
}

void vb_tables_reach(struct vb_tables *tables, uint64_t position)
{
    if (position >= VB_TABLES_POSITION)
        settle(tables);
}

struct isal_hufftables *vb_tables_of_entry(struct vb_tables *tables)
{
    return tables->settled && tables->has_tables ? &tables->codes : NULL;
}

bool vb_tables_settled(const struct vb_tables *tables)
{
    return tables->settled;
}

const char *vb_tables_text(const struct vb_tables *tables)
{
    return tables->settled && tables->text[0] ? tables->text : NULL;
}
