/* Who asks: the key, its role and audience (INTERFACE 7, "Keys and roles"). Judges no request: that
 * is key.c's.
 *
 * Filled from the database for each request and never kept beyond it, so a change of a key acts at
 * once.
 *
 * Owned by the exchange, with one block of memory for all strings, until vb_access_done; the row is
 * borrowed during the call. The loop's thread. Errors: VB_INVALID for a row or a role that this
 * build cannot read, VB_NO_MEMORY.
 */
#ifndef VERBATIM_API_ACCESS_H
#define VERBATIM_API_ACCESS_H

#include "rules/key.h"
#include "rules/roles.h"
#include "specification/resolve.h"

#include "verbatim/conversation.h"
#include "verbatim/uuid.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* What a request shows, a key or a session's token, as far as it is needed: its own bytes are wiped
 * when they were looked at. */
struct vb_api_credential {
    bool is_taken; /* from the head */
    bool is_good;  /* it has the form of one; else nothing below */
    bool is_session;
    char id[VB_UUID_TEXT]; /* of the key, or of the session */
    unsigned char digest[VB_SHA256];
};

/* Owned by the exchange. Strings are NUL-terminated and belong to `block`. */
struct vb_access {
    char key_id[16];
    enum vb_role role;
    const char *author;    /* the key's user, else its name, else its id */
    const char *user;      /* the key's user, or "" */
    const char *workspace; /* workspace_id; NULL until the key was found good */
    const char *time_zone, *source_id, *csv_profile, *delimiter, *csv_quote;
    enum vb_csv_mark csv_mark;
    bool is_restricted;       /* sees only what carries one of `audience` */
    struct vb_words audience; /* sorted, without doubles; items NULL unless is_restricted */
    void *block;
};
/* Key, role and is_restricted, from a row that begins with VB_API_KEY_COLUMNS (api/sql.h); an
 * audience is that of nothing. Allocates nothing. VB_INVALID: not such a row, or a role that this
 * build does not know. */
enum vb_status vb_access_judge(const char *key_id, const PGresult *row,
                               struct vb_access *ret_access) vb_must_check;
/* Everything, from the row of VB_API_SQL_KEY or VB_API_SQL_KEY_HOME. VB_NO_MEMORY, VB_INVALID. */
enum vb_status vb_access_fill(const char *key_id, const PGresult *row,
                              struct vb_access *ret_access) vb_must_check;
/* NULL, or one that was never filled, is a no-op. */
void vb_access_done(struct vb_access *access);

/* Borrows from it. */
struct vb_caller vb_access_caller(const struct vb_access *access);

#endif
