/* verbatim migrate. */
#include "command.h"

#include "database/migrate.h"

#include <stdio.h>

#define ADVICE_CEILING 4096

enum vb_status vb_command_migrate(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg;
    struct vb_migrated migrated = {0};
    struct vb_buffer advice;
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status != VB_OK)
        return status;
    vb_buffer_init(&advice, ADVICE_CEILING);
    status = vb_migrate(pg, &migrated, &advice, err);
    if (status == VB_OK) {
        char text[96];
        snprintf(text, sizeof text, "schema verbatim: version %d, %d applied\n", migrated.version,
                 migrated.applied);
        status = vb_command_print(text, err);
    } else if (advice.length > 0) {
        fprintf(stderr, "verbatim: %s:\n\n%s", err->text, advice.data);
        vb_fail(err, VB_DENIED, "nothing was changed");
    }
    vb_buffer_done(&advice);
    vb_pg_free(pg);
    return status;
}
