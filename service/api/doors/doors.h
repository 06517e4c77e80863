/* The API of a process: the site with all its doors, and the HTTP server before it. A part of
 * `serve`, with the four verbs of settings/service.h.
 *
 * A struct vb_api is freed by vb_api_stop; the service outlives it. Started and stopped by the main
 * thread. Errors: those of the server's and the connections' start; nothing is left running then.
 */
#ifndef VERBATIM_API_DOORS_DOORS_H
#define VERBATIM_API_DOORS_DOORS_H

#include "http/http.h"
#include "settings/service.h"

struct vb_api;
void vb_api_connections(const struct vb_service *service, struct vb_connections *sum);
/* Listens once it returns. VB_INVALID for an address, VB_IO where it is taken. */
enum vb_status vb_api_start(const struct vb_service *service, struct vb_api **ret_api,
                            struct vb_error *err) vb_must_check;
/* Goes on answering, while /readyz says 503 and each answer ends its connection. */
void vb_api_leave(struct vb_api *api);
void vb_api_request_stop(struct vb_api *api); /* no more new connections; answers under way go on */
/* Waits for answers under way, some seconds at most. NULL is a no-op. */
void vb_api_stop(struct vb_api *api);

/* Starts with other deadlines than the contract's (NULL), and at most so many connections (0: the
 * usual): for tests. */
enum vb_status vb_api_start_with(const struct vb_service *service,
                                 const struct vb_http_times *times, unsigned connections,
                                 struct vb_api **ret_api, struct vb_error *err) vb_must_check;

#endif
