/* The matrix of roles and rights. See rules/roles.h.
 *
 * One table that can be read aloud, in the order of INTERFACE 7; each line is a role and each
 * column a right, so a change of who may do what is a change of one word. The words of rights
 * complete "your role may not ...".
 */
#include "roles.h"

/* clang-format off */
static const bool matrix[VB_ROLES][VB_RIGHTS] = {
    /*                     none  look  export download manage own door audit  admin */
    [VB_ROLE_OWNER]  = { true, true, true,  true,    true,  true,    true,  true },
    [VB_ROLE_ADMIN]  = { true, true, true,  true,    true,  true,    true,  true },
    [VB_ROLE_EDITOR] = { true, true, true,  true,    true,  false,   false, false },
    [VB_ROLE_VIEWER] = { true, true, false, false,   false, false,   false, false },
};
/* clang-format on */

static const char *const roles[VB_ROLES] = {
    [VB_ROLE_OWNER] = "owner",
    [VB_ROLE_ADMIN] = "admin",
    [VB_ROLE_EDITOR] = "editor",
    [VB_ROLE_VIEWER] = "viewer",
};

static const char *const rights[VB_RIGHTS] = {
    [VB_RIGHT_NONE] = "do anything",
    [VB_RIGHT_LOOK] = "look at exports",
    [VB_RIGHT_EXPORT] = "start exports",
    [VB_RIGHT_DOWNLOAD] = "download exports",
    [VB_RIGHT_MANAGE] = "cancel or delete exports",
    [VB_RIGHT_OWN_DOOR] = "use these exports, which are for owner and admin",
    [VB_RIGHT_AUDIT] = "read the audit of exports",
    [VB_RIGHT_ADMIN] = "manage keys and settings",
};

static const char *const words[VB_RIGHTS] = {
    [VB_RIGHT_NONE] = "none",     [VB_RIGHT_LOOK] = "look",
    [VB_RIGHT_EXPORT] = "export", [VB_RIGHT_DOWNLOAD] = "download",
    [VB_RIGHT_MANAGE] = "manage", [VB_RIGHT_OWN_DOOR] = "own_door",
    [VB_RIGHT_AUDIT] = "audit",   [VB_RIGHT_ADMIN] = "admin",
};

/* Both are values of their enums: who reads a role from a row goes through vb_role_find. */
bool vb_role_may(enum vb_role role, enum vb_right right)
{
    return matrix[role][right];
}

const char *vb_role_name(enum vb_role role)
{
    return roles[role];
}

const char *vb_right_name(enum vb_right right)
{
    return rights[right];
}

const char *vb_right_word(enum vb_right right)
{
    return words[right];
}

bool vb_role_find(struct vb_view name, enum vb_role *ret_role)
{
    for (size_t i = 0; i < VB_ROLES; i++) {
        if (vb_view_equals(name, vb_view_of(roles[i]))) {
            *ret_role = (enum vb_role)i;
            return true;
        }
    }
    return false;
}
