/* What differs from door to door and is no logic: the name on the job, and the shape of errors. */
#ifndef VERBATIM_SERVICE_HTTP_DOOR_H
#define VERBATIM_SERVICE_HTTP_DOOR_H

#include "verbatim/json.h"
#include "verbatim/specification.h"

struct http_door {
    const char *name; /* job.door, audit.door */
    /* One whole JSON body each. */
    void (*put_error)(struct vb_json *json, int status, const char *detail);
    void (*put_problems)(struct vb_json *json, const struct vb_problems *problems);
};

extern const struct http_door http_door_main;   /* INTERFACE 4: {"detail": ...} */
extern const struct http_door http_door_native; /* the same shapes */
extern const struct http_door http_door_app;    /* INTERFACE 7: the same shapes */
extern const struct http_door http_door_v1;     /* INTERFACE 7: the same shapes */
extern const struct http_door
    http_door_v3; /* INTERFACE 7: {"message", "code", "issues": [{"message"}]} */

#endif
