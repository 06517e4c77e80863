/* Tickets of a pool and the queues they stand in: values and statements copied, results as they
 * come.
 *
 * A ticket belongs to the queue it stands in, and to the pool between two; whoever sent it may only
 * drop it. All of it is the loop's thread's. Inner part of the pool: nobody else includes this.
 */
#ifndef VERBATIM_DATABASE_TICKET_H
#define VERBATIM_DATABASE_TICKET_H

#include "pool.h"

struct vb_pg_ticket {
    struct vb_pg_ticket *next;
    vb_pg_done *done; /* NULL: dropped */
    void *context;
    int64_t sent_at;
    size_t count, answered;
    /* Of one that shares (share.h). */
    bool is_shared;
    int many;
    uint64_t likeness;
    struct vb_pg_ticket *followers; /* linked by `next` */
    size_t sharers;                 /* it and its followers */
    struct vb_pg_statement statements[VB_PG_STEPS];
    const char *values[VB_PG_STEPS][VB_PG_VALUES]; /* point into `bytes` */
    struct vb_pg_outcome outcome;
    char bytes[];
};

struct ticket_list {
    struct vb_pg_ticket *first, **last;
    size_t count, sharers; /* entries; and those with all that follow them */
};

/* A queue: `last` points to where the next one is hung. */
void vb_pg_list_init(struct ticket_list *list);
void vb_pg_list_add(struct ticket_list *list, struct vb_pg_ticket *ticket);
/* Takes the first one out; NULL: there is none. */
struct vb_pg_ticket *vb_pg_list_cut(struct ticket_list *list);
/* Puts all of the second list behind the first one, and leaves it empty. */
void vb_pg_list_join(struct ticket_list *list, struct ticket_list *more);

/* Copies the values, and the texts of statements without a name. NULL: no memory. */
struct vb_pg_ticket *vb_pg_ticket_new(const struct vb_pg_step *steps, size_t count);
/* Whether a callback is left, of it or of one that follows it. */
bool vb_pg_ticket_is_wanted(const struct vb_pg_ticket *ticket);
/* Calls back, all that follow it as well, and frees. Callbacks may send more tickets. */
void vb_pg_ticket_finish(struct vb_pg_ticket *ticket);
/* As it was before it was sent. */
void vb_pg_ticket_reset(struct vb_pg_ticket *ticket);
/* Its outcome is VB_DATABASE_AWAY for that reason; it stays to be finished. */
void vb_pg_ticket_fail(struct vb_pg_ticket *ticket, const char *reason);

#endif
