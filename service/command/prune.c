/* verbatim prune: what the janitors do once a day, at once.
 *
 * Under the worker's role, as the janitors, so it may do no more than they. Running beside them is
 * safe: rows that one has locked are skipped by the other, and a clean-up belongs to whoever
 * claimed it. Files that cannot be deleted now are left to the janitor.
 */
#include "command.h"

#include "upkeep/prune.h"

#include <inttypes.h>
#include <stdio.h>

static enum vb_status tell(const struct vb_pruned *pruned, struct vb_error *err)
{
    char text[160], waiting[80] = "";
    if (pruned->waiting > 0)
        snprintf(waiting, sizeof waiting, ", %" PRIu64 " files left to the janitor",
                 pruned->waiting);
    snprintf(text, sizeof text, "pruned %" PRIu64 " rows, %" PRIu64 " files%s\n", pruned->rows,
             pruned->files, waiting);
    return vb_command_print(text, err);
}

enum vb_status vb_command_prune(const struct vb_arguments *arguments, struct vb_error *err)
{
    const struct vb_options *options = &arguments->options;
    const struct vb_pg_options wanted = {.connection_string = options->database_url,
                                         .application_name = "verbatim prune",
                                         .role = VB_PG_WORKER,
                                         .prepared_statements = options->prepared_statements};
    struct vb_pruned pruned = {0};
    struct vb_pg *pg = NULL;
    struct vb_storage *storage = NULL;
    struct vb_storage_session *session = NULL;
    enum vb_status status = vb_storage_new(options, &storage, err);
    if (status == VB_OK)
        status = vb_storage_session_new(storage, NULL, NULL, &session, err);
    if (status == VB_OK)
        status = vb_pg_new(&wanted, &pg, err);
    if (status == VB_OK)
        status = vb_prune(pg, storage, session, &pruned, err);
    if (status == VB_OK)
        status = tell(&pruned, err);
    vb_pg_free(pg);
    vb_storage_session_free(session);
    vb_storage_free(storage);
    return status;
}
