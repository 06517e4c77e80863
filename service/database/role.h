/* Names of the roles, as SQL expressions: which one a session takes on is said here alone.
 *
 * Roles belong to the whole cluster, an installation to one database of it. So an installation's
 * roles carry the name of its database, or the digest of a name that would not fit into theirs:
 * a login of one installation is no member of another's. Whoever renames a database has to run
 * migrate. `role` is "api", "worker" or "queue", always a
 * literal. Owns nothing.
 */
#ifndef VERBATIM_DATABASE_ROLE_H
#define VERBATIM_DATABASE_ROLE_H

/* clang-format off */
#define VB_ROLE_OWN(role)                                                                          \
    "('verbatim_" role "_' || CASE WHEN octet_length(current_database()::text) <= 40"              \
    " THEN current_database()::text ELSE md5(current_database()::text) END)"

/* The role that earlier versions took on in every database of the cluster. */
#define VB_ROLE_SHARED(role) "verbatim_" role

#define VB_ROLE_MAY_OWN(role)                                                                      \
    "pg_has_role(session_user, to_regrole(quote_ident(" VB_ROLE_OWN(role) ")), 'MEMBER')"
#define VB_ROLE_MAY_SHARED(role)                                                                   \
    "pg_has_role(session_user, to_regrole('" VB_ROLE_SHARED(role) "'), 'MEMBER')"

/* Takes on the installation's own role. A login that is no member of it yet, but of the shared
 * one, goes on with that until it is made one: so an upgrade stops nobody. `local`: "true" for
 * the transaction, "false" for the session. */
#define VB_ROLE_TAKE(role, local)                                                                  \
    "set_config('role', CASE WHEN " VB_ROLE_MAY_OWN(role) " IS NOT TRUE"                           \
    " AND " VB_ROLE_MAY_SHARED(role) " THEN '" VB_ROLE_SHARED(role) "'"                            \
    " ELSE " VB_ROLE_OWN(role) " END, " local ")"
/* clang-format on */

#endif
