/* See queue/zones.h. Workspaces share few zones, so each is opened once. */
#include "zones.h"

#include "verbatim/zone.h"

#include <string.h>

static enum vb_status look_up(const char *name, bool *ret_is_known, struct vb_error *err)
{
    struct vb_zone *zone = NULL;
    enum vb_status status = vb_zone_new(name, &zone, err);
    *ret_is_known = status == VB_OK;
    vb_zone_free(zone);
    return status == VB_INVALID ? VB_OK : status;
}

enum vb_status vb_zones_unknown(struct vb_pg *pg,
                                void (*tell)(void *context, const char *workspace,
                                             const char *zone),
                                void *context, struct vb_error *err)
{
    PGresult *rows = NULL;
    const char *last = NULL;
    bool is_known = true;
    enum vb_status status = vb_pg_query(pg,
                                        "SELECT time_zone, workspace_id FROM verbatim.workspace"
                                        " ORDER BY 1, 2",
                                        0, NULL, &rows, err);
    for (int i = 0; status == VB_OK && i < PQntuples(rows); i++) {
        const char *zone = vb_pg_value(rows, i, 0);
        if (!last || strcmp(last, zone) != 0)
            status = look_up(zone, &is_known, err);
        last = zone;
        if (status == VB_OK && !is_known)
            tell(context, vb_pg_value(rows, i, 1), zone);
    }
    PQclear(rows);
    return status;
}
