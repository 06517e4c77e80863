/* Roles and what they may do: one matrix for all doors (INTERFACE 7, "Keys and roles").
 *
 * Knows no keys, routes or workspaces: those say which right is asked for. Static data without an
 * owner; words live as long as the program. Any thread: pure. No errors but false for a word that
 * is no role, which must be taken for no rights.
 */
#ifndef VERBATIM_RULES_ROLES_H
#define VERBATIM_RULES_ROLES_H

#include "verbatim/buffer.h"

enum vb_role { VB_ROLE_OWNER, VB_ROLE_ADMIN, VB_ROLE_EDITOR, VB_ROLE_VIEWER, VB_ROLES };

enum vb_right {
    VB_RIGHT_NONE,   /* nothing is asked of the role; the route's scope, if any, decides alone */
    VB_RIGHT_LOOK,   /* at jobs: without links for those who may not download */
    VB_RIGHT_EXPORT, /* start, preview, synchronous exports */
    VB_RIGHT_DOWNLOAD,
    VB_RIGHT_MANAGE,   /* cancel, delete */
    VB_RIGHT_OWN_DOOR, /* doors for owner and admin alone */
    VB_RIGHT_AUDIT,
    VB_RIGHT_ADMIN, /* keys and settings of the workspace */
    VB_RIGHTS
};

/* The whole matrix. */
bool vb_role_may(enum vb_role role, enum vb_right right);
/* As api_key.role has it: "owner". */
const char *vb_role_name(enum vb_role role);
/* False: no role has this name. */
bool vb_role_find(struct vb_view name, enum vb_role *ret_role);
/* What somebody without the right may not do: "start exports". */
const char *vb_right_name(enum vb_right right);
/* As programs read it: "own_door". */
const char *vb_right_word(enum vb_right right);

#endif
