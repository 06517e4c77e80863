/* The schema `verbatim`: creating it, upgrading it, and asking whether it fits this program.
 *
 * The migrations are embedded in the program. Everything happens in one transaction under an
 * advisory lock, so any number of processes may start it at once, also through a transaction
 * pooler.
 *
 * The connection is the caller's, and of the caller's thread; no transaction may be open on it. A
 * failure leaves the schema as it was, unless the answer to the COMMIT was lost: then a repeat
 * finds out, for what is done already is not done again. Nothing is kept from call to call.
 */
#ifndef VERBATIM_DATABASE_MIGRATE_H
#define VERBATIM_DATABASE_MIGRATE_H

#include "pg.h"

struct vb_migrated {
    int version;    /* of the schema afterwards */
    int applied;    /* migrations applied by this call */
    bool is_shared; /* roles of earlier versions have rights: see rights.h */
};

/* Brings the schema to this program's version, under the login's own role: roles, tables,
 * rights, the first link secret. VB_DENIED when the login lacks a right: `advice` then holds the
 * SQL that an administrator has to run. VB_CONFLICT when the schema is newer than the program.
 * Where it and processes that are running wait for each other it begins anew, some ten times. */
enum vb_status vb_migrate(struct vb_pg *owner, struct vb_migrated *ret_migrated,
                          struct vb_buffer *advice, struct vb_error *err) vb_must_check;

/* Takes the rights away from the roles of earlier versions (see rights.h); nothing to do is
 * success. VB_DENIED where the login is not the owner. */
enum vb_status vb_migrate_retire_roles(struct vb_pg *owner, struct vb_error *err) vb_must_check;

/* Of the schema in the database: *ret_version is -1 where there is none. Works under every role. */
enum vb_status vb_schema_version(struct vb_pg *pg, int *ret_version,
                                 struct vb_error *err) vb_must_check;
/* That of this program. */
int vb_schema_newest(void);

/* VB_OK when the schema has this program's version; VB_CONFLICT with the command to run when
 * not; VB_DATABASE when it could not be asked. Works under every role. */
enum vb_status vb_schema_check(struct vb_pg *pg, struct vb_error *err) vb_must_check;

#endif
