/* What stands before the schema: who asks, who owns it, and the two roles of the installation.
 *
 * Plain values, all names quoted as SQL wants them; the connection and the advice are the caller's.
 * Part of migrate; any thread with a connection of its own. An error leaves the transaction to the
 * caller, who rolls it back. What was read holds for the transaction, and longer only by luck.
 */
#ifndef VERBATIM_DATABASE_GROUND_H
#define VERBATIM_DATABASE_GROUND_H

#include "pg.h"

enum { VB_GROUND_API, VB_GROUND_WORKER, VB_GROUND_ROLES };

struct vb_ground_role {
    char name[160];
    bool exists;
    bool may_take; /* the login */
};

struct vb_ground {
    char login[160];
    char owner[160]; /* of the schema; "" while there is none */
    bool may_create; /* schemas in this database */
    bool is_owner;   /* the login is, or may act as, the schema's owner */
    bool is_shared;  /* roles of earlier versions have rights here */
    struct vb_ground_role roles[VB_GROUND_ROLES];
};

/* Have earlier versions given a role that all databases share a right to the schema? SQL, where
 * `n` is its row of pg_namespace. */
/* clang-format off */
#define VB_GROUND_IS_SHARED(role)                                                                  \
    "coalesce("                                                                                    \
    "has_schema_privilege(to_regrole('" VB_ROLE_SHARED(role) "'), n.oid, 'USAGE'), false)"
/* clang-format on */

enum vb_status vb_ground_look(struct vb_pg *pg, struct vb_ground *ret_ground,
                              struct vb_error *err) vb_must_check;
/* In a transaction: provides roles and schema, and goes on as the schema's owner. A third role,
 * verbatim_queue_DATABASE, is made where the login may. VB_DENIED where the login may not do the
 * rest: `advice` then holds what an administrator has to run. */
enum vb_status vb_ground_prepare(struct vb_pg *pg, struct vb_ground *ret_ground,
                                 struct vb_buffer *advice, struct vb_error *err) vb_must_check;
/* For the rest of the transaction. VB_DENIED where the login is not the owner. */
enum vb_status vb_ground_act_as_owner(struct vb_pg *pg, const struct vb_ground *ground,
                                      struct vb_error *err) vb_must_check;

#endif
