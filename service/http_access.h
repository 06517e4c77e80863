/* Who asks: the key, its role and audience, and what they may do; one table for all doors (INTERFACE 7, "Keys and roles").
 *
 * Filled from the database for each request and never kept beyond it, so a change of a key acts at once.
 */
#ifndef VERBATIM_SERVICE_HTTP_ACCESS_H
#define VERBATIM_SERVICE_HTTP_ACCESS_H

#include "verbatim/conversation.h"

#include <stdbool.h>

enum http_role { HTTP_ROLE_OWNER, HTTP_ROLE_ADMIN, HTTP_ROLE_EDITOR, HTTP_ROLE_VIEWER, HTTP_ROLES };

enum http_right {
    HTTP_RIGHT_NONE,   /* no key is asked for */
    HTTP_RIGHT_LOOK,   /* at jobs: without links for those who may not download */
    HTTP_RIGHT_EXPORT, /* start, preview, synchronous exports */
    HTTP_RIGHT_DOWNLOAD,
    HTTP_RIGHT_MANAGE,   /* cancel, delete */
    HTTP_RIGHT_OWN_DOOR, /* doors for owner and admin alone */
    HTTP_RIGHT_AUDIT,
    HTTP_RIGHTS
};

/* The whole matrix. */
bool http_role_may(enum http_role role, enum http_right right);

/* Owned by the exchange. Strings are NUL-terminated. */
struct http_access {
    char key_id[16];
    enum http_role role;
    char *author;    /* the key's user, else its name, else its id */
    char *workspace; /* workspace_id */
    char *time_zone, *source_id, *csv_profile;
    bool is_restricted;       /* sees only what carries one of `audience` */
    struct vb_words audience; /* sorted, without doubles; no limit unless is_restricted */
};
void http_access_done(struct http_access *access);

#endif
