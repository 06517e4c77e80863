/* What differs from door to door and is no logic: the name on the job, where the workspace comes from, and the shape of
 * errors. Constant tables; any thread. */
#ifndef VERBATIM_API_DOORS_DOOR_H
#define VERBATIM_API_DOORS_DOOR_H

#include "specification/specification.h"
#include "verbatim/json.h"

struct http_words;

struct http_door {
    const char *name; /* job.door, audit.door */
    /* Its paths name the workspace as their first argument. Else it is the key's own. */
    bool names_workspace;
    int problem_status; /* of broken rules: 422, or 400 */
    /* One whole JSON body each. */
    void (*put_error)(struct vb_json *json, int status, const char *detail);
    void (*put_problems)(struct vb_json *json, const struct vb_problems *problems);
    const struct http_words *words; /* for what its bodies say otherwise; NULL: they say it alike */
};

extern const struct http_door http_door_main;   /* INTERFACE 4: {"detail": ...} */
extern const struct http_door http_door_native; /* the same shapes */
extern const struct http_door http_door_app;    /* INTERFACE 7: the same shapes */
extern const struct http_door http_door_v1;     /* INTERFACE 7: the same shapes */
extern const struct http_door
    http_door_v3; /* INTERFACE 7: {"message", "code", "issues": [{"message"}]} */

/* The shape for a path that no route knows. */
const struct http_door *http_door_of_path(struct vb_view path);

#endif
