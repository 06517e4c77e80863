/* Checking a file of an export offline: every entry's bytes, name and contents.
 *
 * Everything is read once, in pieces of 64 KiB, and judged as it goes by: memory does not grow
 * with entries' sizes, only with their number (libzip keeps the directory; some 300 bytes an
 * entry). Nothing is unpacked and nobody is asked. An archive is anybody's: nothing of it is
 * believed.
 *
 * Findings are told as they are met, on the caller's thread; their texts are borrowed for the
 * call, and an entry's name may hold anything but a NUL. Any thread with a call of its own. A file
 * that has faults is checked to its end and is no failure of the call: VB_OK, and counts.failed
 * says how many. Else VB_NOT_FOUND, VB_DENIED, VB_IO for a file that cannot be read, VB_INVALID
 * for what is no file, VB_NO_MEMORY.
 */
#ifndef VERBATIM_VERIFY_H
#define VERBATIM_VERIFY_H

#include "verbatim/ed25519.h"

enum vb_verify_level { VB_VERIFY_FAILED, VB_VERIFY_WARNING };

struct vb_verify_counts {
    uint64_t entries, bytes; /* unpacked */
    uint64_t csv, csv_rows;  /* files; rows below their headers */
    uint64_t json, html, pdf, xlsx, text;
    uint64_t conversations; /* in JSON and NDJSON */
    uint64_t media;
    uint64_t failed, warnings;
    uint64_t listed;            /* entries compared with the manifest */
    char key_id[VB_ED25519_ID]; /* that it says it was signed by; "" */
};

struct vb_verify_options {
    void *context;
    /* `entry` NULL: the file as a whole. */
    void (*found)(void *context, enum vb_verify_level level, const char *entry,
                  const char *problem);
    /* May be NULL. `done` of `total` entries have been looked at. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    bool manifest; /* demand one, and compare with it */
    const unsigned char
        *public_key; /* VB_ED25519_KEY bytes its signature has to be by; NULL: any */
};

/* A ZIP, or by the end of its name a single file: .csv, .json, .ndjson, .html, .pdf,
 * .xlsx. */
enum vb_status vb_verify_file(const char *path, const struct vb_verify_options *options,
                              struct vb_verify_counts *ret_counts,
                              struct vb_error *err) vb_must_check;

#endif
