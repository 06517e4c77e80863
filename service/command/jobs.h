/* What the commands about jobs, keys and workspaces share: names, one look, and making a job as
 * every door makes one.
 *
 * Private to this folder. Nothing is owned beyond a call; connections are the caller's, in no
 * transaction. The main thread's. Errors are the command's: VB_INVALID for what was typed wrong,
 * VB_NOT_FOUND, VB_CONFLICT for what has ended or is under way, and those of the connection.
 */
#ifndef VERBATIM_COMMAND_JOBS_H
#define VERBATIM_COMMAND_JOBS_H

#include "command.h"

#include "specification/specification.h"
#include "verbatim/uuid.h"

/* Who did it, in the audit and as a job's author. */
#define VB_COMMAND_AUTHOR "command line"

/* The id in its canonical form. */
enum vb_status vb_jobs_read_id(const char *word, char ret_job[VB_UUID_TEXT],
                               struct vb_error *err) vb_must_check;
/* Of --limit: a number from 1 to 100000. */
enum vb_status vb_jobs_check_limit(const char *text, struct vb_error *err) vb_must_check;
/* The error of an id that no row has: VB_NOT_FOUND. */
enum vb_status vb_jobs_missing(const char *job, struct vb_error *err);
/* Prints all that is known of one. */
enum vb_status vb_jobs_show(struct vb_pg *pg, const char *job, bool as_json,
                            struct vb_error *err) vb_must_check;
/* The error of a workspace that is not there, with the command that makes one: VB_NOT_FOUND. */
enum vb_status vb_workspace_missing(const char *id, struct vb_error *err);
enum vb_status vb_workspace_find(struct vb_pg *pg, const char *id,
                                 struct vb_error *err) vb_must_check;

/* A job as it is wanted; texts are borrowed, and NULL or 0 where a door says nothing. */
struct vb_jobs_wish {
    const char *workspace, *door;
    struct vb_specification specification; /* taken over, also on failure */
    bool one_active;                       /* not beside another one of its channel and range */
    int64_t link_ttl, retention;           /* microseconds */
    const char *kept_for, *wanted_name;
    const char *storage; /* identity of the store that it is to lie in; NULL: any */
    bool is_restricted;  /* sees only what carries one of `audience` */
    struct vb_words audience;
};
/* By the order of the queue, with its rules and its entry in the audit. Reads the workspace and the
 * source's contract. */
enum vb_status vb_jobs_order(const struct vb_options *options, struct vb_pg *pg,
                             struct vb_jobs_wish *wish, char ret_job[VB_UUID_TEXT],
                             struct vb_error *err) vb_must_check;
/* The specification that a JSON text holds. VB_INVALID names the member and its rule. */
enum vb_status vb_jobs_parse(struct vb_view json, struct vb_specification *ret_specification,
                             struct vb_error *err) vb_must_check;

#endif
