/* Who may do what in the schema: rights and policies from schema/roles.sql, for the roles at hand.
 *
 * Earlier versions took on the roles verbatim_api and verbatim_worker, which all databases of a
 * cluster share: where they made the schema, those keep their rights until they are retired, so
 * that processes of both versions run side by side. Owns nothing; any thread with a connection.
 */
#ifndef VERBATIM_DATABASE_RIGHTS_H
#define VERBATIM_DATABASE_RIGHTS_H

#include "ground.h"

/* In a transaction, as the owner. `with_shared`: for the roles of earlier versions too. Does
 * nothing where the same rights for the same roles were set last, unless `needed`. */
enum vb_status vb_rights_apply(struct vb_pg *pg, const struct vb_ground *ground, bool with_shared,
                               bool needed, struct vb_error *err) vb_must_check;
/* In a transaction, as the owner: the installation's role verbatim_queue_DATABASE, where there is
 * one, may ask verbatim.queue_depth and nothing else. */
enum vb_status vb_rights_grant_queue(struct vb_pg *pg, struct vb_error *err) vb_must_check;
/* A file of several statements on the connection, in the transaction under way. */
enum vb_status vb_rights_run_file(struct vb_pg *pg, const char *name, const char *text,
                                  struct vb_error *err) vb_must_check;

struct vb_roles {
    bool is_shared;
    char own[330]; /* the two roles of this installation, quoted, joined by a comma */
    /* Logins that use the shared ones alone; cut off where they are too many, "" for none. */
    char left[1024];
};
/* Under every role. The members of `left` may belong to other installations. */
enum vb_status vb_rights_look(struct vb_pg *pg, struct vb_roles *ret_roles,
                              struct vb_error *err) vb_must_check;

#endif
