/* How many connections a PostgreSQL server gives, and how many are taken: for a warning before they
 * run out.
 *
 * A plain value, good for the moment. Takes the connection of the calling thread, with any rights.
 * Errors are the connection's.
 */
#ifndef VERBATIM_DATABASE_CAPACITY_H
#define VERBATIM_DATABASE_CAPACITY_H

#include "verbatim/status.h"

#include <libpq-fe.h>

struct vb_capacity {
    unsigned most;   /* for who is no superuser; 0: behind a pooler, which has limits of its own */
    unsigned taken;  /* this connection among them */
    char server[96]; /* the same text for the same server */
};

enum vb_status vb_capacity_read(PGconn *connection, struct vb_capacity *ret_capacity,
                                struct vb_error *err) vb_must_check;

#endif
