/* What serve and worker look at before their parts start: that the options fit the role, that the
 * database and the source are there and as they must be. Private to this folder.
 *
 * A struct vb_start is its process's, which sets the options, frees the contract and wipes the
 * secrets. The main thread's, before the parts; read by all threads afterwards. Errors end the
 * program: VB_INVALID, VB_DENIED, VB_CONFLICT, VB_SOURCE; VB_STOPPED where a signal came. Lives as
 * long as the process.
 */
#ifndef VERBATIM_COMMAND_START_H
#define VERBATIM_COMMAND_START_H

#include "command.h"

#include "database/capacity.h"
#include "storage/storage.h"
#include "verbatim/source.h"

struct vb_start {
    const struct vb_options *options;
    /* Found; empty, NULL and all zero where not known. */
    struct vb_link_secrets secrets;
    struct vb_contract *contract;
    struct vb_capacity database, source;
};

/* Waits until the database is there with this program's schema, and the source with its contract.
 * What waiting does not cure is told at once. */
enum vb_status vb_start_wait(struct vb_start *start, struct vb_error *err) vb_must_check;
/* Warns of links that lead others nowhere. */
void vb_start_tell_links(const struct vb_options *options, bool has_http);
/* Asks the store once, for some seconds at most or until a signal comes, and warns if it does not
 * answer. When the parts run. */
void vb_start_tell_storage(struct vb_storage *storage, const struct vb_options *options);

#endif
