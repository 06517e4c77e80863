/* manifest.json against what is there; see manifest.h.
 *
 * Whoever wrote the list made each line from name, size and digest by one function; the same is
 * made here of what was read, and the bytes are compared. So nothing of a list is believed, and a
 * line is parsed only to say in which way it differs.
 */
#include "manifest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* A line is a name of 16 KiB at most, escaped, and a hundred bytes. */
#define LINE_CEILING (128u * 1024u)
#define PIECE (16u * 1024u)

static enum vb_status no_memory(struct vb_error *err)
{
    return vb_fail(err, VB_NO_MEMORY, "no memory for a manifest");
}

static void stop(struct vb_listed *listed)
{
    if (listed->file)
        zip_fclose(listed->file);
    listed->file = NULL;
}

static void fail(struct vb_listed *listed, const char *entry, const char *problem)
{
    listed->fail(listed->context, entry, problem);
}

/* 0 at the end, or where the entry cannot be read on: its CRC is another check's. */
static size_t refill(struct vb_listed *listed)
{
    zip_int64_t got = zip_fread(listed->file, listed->piece.data, PIECE);
    listed->piece_at = 0;
    listed->piece.length = got > 0 ? (size_t)got : 0;
    if (got > 0)
        vb_digest_add(listed->digest, listed->piece.data, (size_t)got);
    return listed->piece.length;
}

/* The next line, without its end; *ret_whole is false for a line that has none, or is too long. */
static enum vb_status read_line(struct vb_listed *listed, bool *ret_whole)
{
    vb_buffer_reset(&listed->line);
    *ret_whole = false;
    while (listed->piece_at < listed->piece.length || refill(listed) > 0) {
        const char *start = listed->piece.data + listed->piece_at;
        size_t left = listed->piece.length - listed->piece_at;
        const char *end = memchr(start, '\n', left);
        size_t length = end ? (size_t)(end - start) : left;
        enum vb_status status = vb_buffer_append(&listed->line, start, length);
        listed->piece_at += end ? length + 1 : length;
        if (status != VB_OK || end) {
            *ret_whole = status == VB_OK;
            return status == VB_NO_MEMORY ? status : VB_OK;
        }
    }
    return VB_OK;
}

enum vb_status vb_listed_open(struct vb_listed *listed, zip_t *zip, struct vb_error *err)
{
    bool whole = false;
    zip_int64_t index = zip_name_locate(zip, VB_MANIFEST_NAME, ZIP_FL_ENC_RAW);
    listed->zip = zip;
    vb_buffer_init(&listed->line, LINE_CEILING);
    vb_buffer_init(&listed->expected, LINE_CEILING);
    vb_buffer_init(&listed->piece, PIECE + 1);
    if (vb_buffer_reserve(&listed->piece, PIECE) != VB_OK ||
        vb_digest_new(&listed->digest, NULL) != VB_OK)
        return no_memory(err);
    vb_digest_begin(listed->digest);
    listed->file = index >= 0 ? zip_fopen_index(zip, (zip_uint64_t)index, 0) : NULL;
    if (!listed->file) {
        fail(listed, NULL, "the archive has no " VB_MANIFEST_NAME " that can be read");
        return VB_OK;
    }
    if (index != zip_get_num_entries(zip, 0) - 1)
        fail(listed, VB_MANIFEST_NAME, "is not the archive's last entry");
    if (read_line(listed, &whole) != VB_OK)
        return no_memory(err);
    static const char head[] = VB_MANIFEST_HEAD;
    if (whole && listed->line.length == sizeof head - 2 &&
        memcmp(listed->line.data, head, sizeof head - 2) == 0)
        return VB_OK;
    fail(listed, VB_MANIFEST_NAME, "is no manifest of a version that is known here");
    stop(listed);
    return VB_OK;
}

void vb_listed_close(struct vb_listed *listed)
{
    stop(listed);
    vb_buffer_done(&listed->line);
    vb_buffer_done(&listed->expected);
    vb_buffer_done(&listed->piece);
    vb_digest_free(listed->digest);
}

/* Whether the line read last is of the entry; else how it differs. */
static void tell_difference(struct vb_listed *listed, const char *name)
{
    char text[400];
    json_t *entry = json_loadb(listed->line.data, listed->line.length, 0, NULL);
    const char *listed_name = json_string_value(json_object_get(entry, "name"));
    if (listed_name && strcmp(listed_name, name) == 0) {
        fail(listed, name, "differs in size or SHA-256 from what the manifest lists");
    } else {
        (void)snprintf(text, sizeof text,
                       "is not listed here: the manifest has %.200s, and is compared no further",
                       listed_name ? listed_name : "its end");
        fail(listed, name, text);
        stop(listed);
    }
    json_decref(entry);
}

enum vb_status vb_listed_entry(struct vb_listed *listed, const char *name, uint64_t size,
                               const unsigned char sha256[VB_SHA256], struct vb_error *err)
{
    bool whole = false;
    if (!listed->file)
        return VB_OK;
    vb_buffer_reset(&listed->expected);
    enum vb_status status = vb_manifest_line(&listed->expected, vb_view_of(name), size, sha256);
    if (status == VB_OK)
        status = read_line(listed, &whole);
    if (status == VB_NO_MEMORY)
        return no_memory(err);
    size_t length = listed->line.length;
    if (whole && length > 0 && listed->line.data[length - 1] == ',')
        listed->line.length--;
    listed->counts.entries++;
    listed->counts.bytes += size;
    bool same = whole && status == VB_OK && listed->line.length == listed->expected.length &&
                memcmp(listed->line.data, listed->expected.data, listed->line.length) == 0;
    if (!same)
        tell_difference(listed, name);
    return VB_OK;
}

static bool counts_agree(const struct vb_listed *listed, const json_t *counts)
{
    return (uint64_t)json_integer_value(json_object_get(counts, "entries")) ==
               listed->counts.entries &&
           (uint64_t)json_integer_value(json_object_get(counts, "bytes")) == listed->counts.bytes;
}

/* `],"counts":{...},"key":"..."}`: the rest of the object that the head began. */
static enum vb_status check_tail(struct vb_listed *listed, struct vb_error *err)
{
    bool whole = false;
    vb_buffer_reset(&listed->expected);
    enum vb_status status = read_line(listed, &whole);
    if (status == VB_OK)
        status = vb_buffer_append_text(&listed->expected, "{\"entries\":[");
    if (status == VB_OK)
        status = vb_buffer_append(&listed->expected, listed->line.data, listed->line.length);
    if (status != VB_OK)
        return no_memory(err);
    json_t *tail = json_loadb(listed->expected.data, listed->expected.length, 0, NULL);
    const char *key = json_string_value(json_object_get(tail, "key"));
    if (!whole || !key) {
        fail(listed, VB_MANIFEST_NAME, "lists entries that are not there");
    } else {
        (void)snprintf(listed->key_id, sizeof listed->key_id, "%s", key);
        if (!counts_agree(listed, json_object_get(tail, "counts")))
            fail(listed, VB_MANIFEST_NAME, "counts other entries or bytes than there are");
    }
    json_decref(tail);
    while (refill(listed) > 0)
        continue;
    return VB_OK;
}

/* A small entry of a fixed size. */
static bool read_small(struct vb_listed *listed, const char *name, void *data, size_t size)
{
    zip_int64_t index = zip_name_locate(listed->zip, name, ZIP_FL_ENC_RAW);
    zip_file_t *file = index >= 0 ? zip_fopen_index(listed->zip, (zip_uint64_t)index, 0) : NULL;
    char beyond;
    bool good = file && zip_fread(file, data, size) == (zip_int64_t)size &&
                zip_fread(file, &beyond, 1) == 0;
    if (file)
        zip_fclose(file);
    return good;
}

static void check_signature(struct vb_listed *listed, const char *text,
                            const unsigned char public_key[VB_ED25519_KEY])
{
    unsigned char signature[VB_ED25519_SIGNATURE];
    char id[VB_ED25519_ID], problem[100];
    vb_ed25519_id(public_key, id);
    if (strcmp(id, listed->key_id) != 0) {
        (void)snprintf(problem, sizeof problem, "was signed by key %.16s, not by %s",
                       *listed->key_id ? listed->key_id : "?", id);
        fail(listed, VB_MANIFEST_SIGNATURE_NAME, problem);
    } else if (!read_small(listed, VB_MANIFEST_SIGNATURE_NAME, signature, sizeof signature)) {
        fail(listed, VB_MANIFEST_SIGNATURE_NAME, "is not there, or no signature");
    } else if (!vb_ed25519_is_signed(public_key, vb_view_of(text), signature)) {
        fail(listed, VB_MANIFEST_SIGNATURE_NAME, "is no signature of this manifest by that key");
    }
}

enum vb_status vb_listed_end(struct vb_listed *listed,
                             const unsigned char public_key[VB_ED25519_KEY], struct vb_error *err)
{
    unsigned char sha256[VB_SHA256];
    char text[VB_MANIFEST_DIGEST_TEXT], kept[VB_MANIFEST_DIGEST_TEXT] = "";
    if (!listed->file)
        return VB_OK;
    enum vb_status status = check_tail(listed, err);
    if (status != VB_OK)
        return status;
    vb_digest_end(listed->digest, sha256);
    vb_manifest_digest(sha256, text);
    if (!read_small(listed, VB_MANIFEST_DIGEST_NAME, kept, sizeof kept - 1) ||
        strcmp(text, kept) != 0)
        fail(listed, VB_MANIFEST_DIGEST_NAME, "is not the digest of " VB_MANIFEST_NAME);
    if (public_key)
        check_signature(listed, text, public_key);
    return VB_OK;
}
