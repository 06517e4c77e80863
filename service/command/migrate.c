/* verbatim migrate and verbatim retire-shared-roles. Under the login's own role, which must own the
 * schema or may create it; the work is database/migrate.c's.
 *
 * May be started by many processes at once, as every container of a deployment does: they wait for
 * each other and all but one find nothing to do.
 */
#include "command.h"

#include "database/migrate.h"
#include "database/rights.h"

#include <stdio.h>

#define ADVICE_CEILING 4096

/* What is still to be done by hand after an upgrade. */
static enum vb_status print_roles(struct vb_pg *pg, struct vb_error *err)
{
    struct vb_roles roles;
    struct vb_buffer text;
    enum vb_status status = vb_rights_look(pg, &roles, err);
    if (status != VB_OK || !roles.is_shared)
        return status;
    vb_buffer_init(&text, ADVICE_CEILING);
    if (roles.left[0])
        status =
            vb_buffer_printf(&text,
                             "these logins use the roles that all databases of the cluster share; "
                             "GRANT %s TO those that belong to this database: %s\n",
                             roles.own, roles.left);
    if (status == VB_OK)
        status = vb_buffer_append_text(
            &text,
            "verbatim_api and verbatim_worker keep their rights for processes of earlier versions; "
            "once none runs: verbatim retire-shared-roles\n");
    status = status == VB_OK ? vb_command_print(text.data, err)
                             : vb_fail(err, status, "no memory for the roles");
    vb_buffer_done(&text);
    return status;
}

/* Advice is what an administrator has to run where the login's rights are not enough; it goes to
 * standard error, together with what failed. */
enum vb_status vb_command_migrate(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg;
    struct vb_migrated migrated = {0};
    struct vb_buffer advice;
    enum vb_status status = vb_command_login(&arguments->options, &pg, err);
    if (status != VB_OK)
        return status;
    vb_buffer_init(&advice, ADVICE_CEILING);
    status = vb_migrate(pg, &migrated, &advice, err);
    if (status == VB_OK) {
        char text[96];
        snprintf(text, sizeof text, "schema verbatim: version %d, %d applied\n", migrated.version,
                 migrated.applied);
        status = vb_command_print(text, err);
        if (status == VB_OK && migrated.is_shared)
            status = print_roles(pg, err);
    } else if (advice.length > 0) {
        fprintf(stderr, "verbatim: %s:\n\n%s", err->text, advice.data);
        vb_fail(err, VB_DENIED, "nothing was changed");
    }
    vb_buffer_done(&advice);
    vb_pg_free(pg);
    return status;
}

enum vb_status vb_command_retire_shared_roles(const struct vb_arguments *arguments,
                                              struct vb_error *err)
{
    struct vb_pg *pg;
    enum vb_status status = vb_command_login(&arguments->options, &pg, err);
    if (status != VB_OK)
        return status;
    status = vb_migrate_retire_roles(pg, err);
    if (status == VB_OK)
        status = vb_command_print(
            "verbatim_api and verbatim_worker have no rights in this database\n", err);
    vb_pg_free(pg);
    return status;
}
