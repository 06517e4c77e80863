/* Workspaces whose time zone this machine does not know: their orders are refused here, their
 * exports fail.
 *
 * Takes the connection of the calling thread, as the owner or a worker, for it looks at all
 * workspaces. Errors are the connection's, and VB_NO_MEMORY.
 */
#ifndef VERBATIM_QUEUE_ZONES_H
#define VERBATIM_QUEUE_ZONES_H

#include "database/pg.h"

/* Calls `tell` for each of them, with texts that live as long as the call; by zone, so that one
 * that many share comes in a row. */
enum vb_status vb_zones_unknown(struct vb_pg *pg,
                                void (*tell)(void *context, const char *workspace,
                                             const char *zone),
                                void *context, struct vb_error *err) vb_must_check;

#endif
