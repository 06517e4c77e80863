/* What commands share: their flags, a connection, standard output. See command.h.
 *
 * Operators' commands run under the login's own role and not under one of the service's: they make
 * workspaces and keys, which the service's roles may not.
 */
#include "command.h"

#include "database/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *vb_argument(const struct vb_arguments *arguments, size_t flag)
{
    size_t count = arguments->flags[flag].count;
    return count > 0 ? arguments->flags[flag].values[count - 1] : NULL;
}

void vb_command_advise(const char *option, bool waits, struct vb_error *err)
{
    struct vb_error said = *err;
    if (said.status != VB_DATABASE_AWAY)
        return;
    if (vb_postgres_is_refusal(&said))
        (void)vb_fail(err, said.status, "%.400s -> correct user, password or database in %s",
                      said.text, option);
    else
        (void)vb_fail(err, said.status, "%.400s -> %s %s", said.text,
                      waits ? "if this does not pass, look at" : "look at", option);
    memcpy(err->sqlstate, said.sqlstate, sizeof err->sqlstate);
}

enum vb_status vb_command_login(const struct vb_options *options, struct vb_pg **ret_pg,
                                struct vb_error *err)
{
    struct vb_pg_options wanted = {.connection_string = options->database_url,
                                   .application_name = "verbatim command",
                                   .role = VB_PG_OWNER,
                                   .prepared_statements = options->prepared_statements};
    struct vb_pg *pg = NULL;
    enum vb_status status = vb_pg_new(&wanted, &pg, err);
    if (status == VB_OK)
        status = vb_pg_connect(pg, err);
    if (status == VB_OK) {
        *ret_pg = pg;
        return VB_OK;
    }
    vb_command_advise("database_url", false, err);
    vb_pg_free(pg);
    return status;
}

enum vb_status vb_command_connect(const struct vb_options *options, struct vb_pg **ret_pg,
                                  struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    int version = 0;
    enum vb_status status = vb_command_login(options, &pg, err);
    if (status == VB_OK)
        status = vb_schema_version(pg, &version, err);
    if (status == VB_OK && version < vb_schema_newest())
        status = vb_schema_check(pg, err);
    if (status == VB_OK)
        *ret_pg = pg;
    else
        vb_pg_free(pg);
    return status;
}

/* Prints a result. Flushed, so that a full disk or a closed pipe fails the command and is not found
 * out at exit. */
enum vb_status vb_command_print(const char *text, struct vb_error *err)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return vb_fail_system(err, VB_IO, errno, "cannot write to standard output");
    return VB_OK;
}
