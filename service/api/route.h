/* What a row of the route table and a door are made of; the tables themselves are the doors'
 * (api/doors/).
 *
 * Constant tables, owned by nobody; any thread. No errors: what matches no row is NULL. Arguments
 * belong to the exchange that looks for a route.
 */
#ifndef VERBATIM_API_ROUTE_H
#define VERBATIM_API_ROUTE_H

#include "http/server.h"
#include "rules/roles.h"

#define VB_API_ARGUMENTS 3u /* `{...}` of a route */
#define VB_API_ALLOW 64u    /* bytes of the value of Allow */

struct vb_api_words;

/* What differs from door to door and is no logic: the name on the job, where the workspace comes
 * from, and the shape of errors. */
struct vb_api_door {
    const char *name; /* job.door, audit.door */
    /* Its paths name the workspace as their first argument. Else it is the key's own. */
    bool names_workspace;
    int problem_status; /* of broken rules: 422, or 400 */
    /* One whole JSON body each. */
    void (*put_error)(struct vb_json *json, int status, const char *detail);
    void (*put_problems)(struct vb_json *json, const struct vb_problems *problems);
    /* for what its bodies say otherwise; NULL: they say it alike */
    const struct vb_api_words *words;
};

/* One row of the API. `begin` is called with the head parsed; it answers, or waits for something
 * that will. */
struct vb_api_route {
    const char *method;
    const char *pattern;            /* "{}" stands for one segment, a last "*" for the rest */
    const struct vb_api_door *door; /* NULL: operations, which belong to no workspace */
    const char *scope;              /* that the key needs; NULL: no key */
    void (*begin)(struct vb_http_exchange *exchange);
    bool is_polled;      /* asked again and again by programs */
    enum vb_right right; /* that the key's role needs */
};

/* All routes, as the handlers know them. */
struct vb_api_table {
    /* NULL: no such path (ret_allow is empty) or no such method (ret_allow is the value of Allow:
     * all methods of the path). Fills the arguments. */
    const struct vb_api_route *(*find)(struct vb_view method, struct vb_view path,
                                       struct vb_buffer arguments[VB_API_ARGUMENTS],
                                       char ret_allow[VB_API_ALLOW]);
    const struct vb_api_route *(*at)(size_t place);            /* from 0 on; NULL behind the last */
    const struct vb_api_door *operations;                      /* for routes without a door */
    const struct vb_api_door *(*of_path)(struct vb_view path); /* for a path that no route knows */
};

#endif
