/* The HTTP front end of a process: loops that listen, one a core. See settings/service.h. */
#ifndef VERBATIM_HTTP_HTTP_H
#define VERBATIM_HTTP_HTTP_H

#include "settings/service.h"

struct vb_http;
void vb_http_connections(const struct vb_service *service, struct vb_connections *sum);
enum vb_status vb_http_start(const struct vb_service *service, struct vb_http **ret_http,
                             struct vb_error *err) vb_must_check;
void vb_http_ask(struct vb_http *http); /* no more new connections; answers under way go on */
void vb_http_stop(struct vb_http *http);

#endif
