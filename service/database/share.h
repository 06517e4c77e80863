/* Tickets that ask alike and wait at the same time: one of them is sent for all, and its results
 * are everybody's.
 *
 * Alike are tickets of the same named statements with the same values, but for one value of the
 * last step, which is sent as an array of what each of them asks for. The first that waits leads;
 * the others follow it, each with its own callback, and each of them may be dropped by itself.
 *
 * Followers belong to their leader, wherever it stands. All of it is the loop's thread's. Inner
 * part of the pool: nobody else includes this.
 */
#ifndef VERBATIM_DATABASE_SHARE_H
#define VERBATIM_DATABASE_SHARE_H

#include "ticket.h"

#define VB_PG_SHARERS 64u /* of one ticket, itself among them */

/* A new ticket is made one of those that share: `many` is the parameter of the last step that is an
 * array, from 1 on; 0: none. Statements without a name, and elements that are not short and plain,
 * are shared with nobody. */
void vb_pg_share_begin(struct vb_pg_ticket *ticket, int many);
bool vb_pg_share_alike(const struct vb_pg_ticket *ticket, const struct vb_pg_ticket *other);
/* Has it follow one that waits in the list; false: there is none with room. */
bool vb_pg_share_follow(struct ticket_list *list, struct vb_pg_ticket *ticket);
/* Takes its followers from it, each as it was before. NULL: there are none. */
struct vb_pg_ticket *vb_pg_share_leave(struct vb_pg_ticket *ticket);

/* The array that a ticket sends, in PostgreSQL's own form. Elements that are NULL are left out. */
#define VB_PG_SHARE_ELEMENT 40u
#define VB_PG_SHARE_TEXT (VB_PG_SHARERS * (VB_PG_SHARE_ELEMENT + 1) + 3)
void vb_pg_share_array(const struct vb_pg_ticket *ticket, char ret_text[VB_PG_SHARE_TEXT]);

#endif
