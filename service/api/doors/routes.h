/* The table of all routes, and their doors. Constant, owned by nobody; any thread. The handlers run
 * on the loop's thread, and answer every error themselves. */
#ifndef VERBATIM_API_DOORS_ROUTES_H
#define VERBATIM_API_DOORS_ROUTES_H

#include "api/route.h"

extern const struct vb_api_table vb_routes;

extern const struct vb_api_door vb_door_main;    /* INTERFACE 4: {"detail": ...} */
extern const struct vb_api_door vb_door_native;  /* the same shapes */
extern const struct vb_api_door vb_door_app;     /* INTERFACE 7: the same shapes */
extern const struct vb_api_door vb_door_v1;      /* INTERFACE 7: the same shapes */
extern const struct vb_api_door vb_door_console; /* the same shapes */
/* The console's dialog, whose paths name the workspace; its exports are the console's. */
extern const struct vb_api_door vb_door_assistant;
extern const struct vb_api_door
    vb_door_v3; /* INTERFACE 7: {"message", "code", "issues": [{"message"}]} */

/* What the bodies of these say otherwise (api/words.h). */
extern const struct vb_api_words vb_app_words, vb_assistant_words, vb_v1_words;

/* The shape for a path that no route knows. That of main, but below /v3/. */
const struct vb_api_door *vb_door_of_path(struct vb_view path);

/* As `find` of struct vb_api_table. A path that is known by other methods gives NULL and those. */
const struct vb_api_route *vb_route_find(struct vb_view method, struct vb_view path,
                                         struct vb_buffer arguments[VB_API_ARGUMENTS],
                                         char ret_allow[VB_API_ALLOW]);

/* The handlers of the doors with words of their own. */
void vb_assistant_create_begin(struct vb_http_exchange *exchange);
void vb_assistant_list_begin(struct vb_http_exchange *exchange);
void vb_app_create_begin(struct vb_http_exchange *exchange);
void vb_app_list_begin(struct vb_http_exchange *exchange);
void vb_app_read_begin(struct vb_http_exchange *exchange);
void vb_app_download_begin(struct vb_http_exchange *exchange);
void vb_v1_create_begin(struct vb_http_exchange *exchange);
void vb_v1_contact_begin(struct vb_http_exchange *exchange);
void vb_v1_read_begin(struct vb_http_exchange *exchange);
void vb_v1_audit_begin(struct vb_http_exchange *exchange);
void vb_v1_one_begin(struct vb_http_exchange *exchange);
void vb_v3_export_begin(struct vb_http_exchange *exchange);

#endif
