/* Puts the table of routes into the site and starts it. The one place that knows both: the site
 * finds routes by the table it is given, and so has no door of its own. */
#include "doors.h"

#include "api/site.h"
#include "routes.h"

enum vb_status vb_api_start_with(const struct vb_service *service,
                                 const struct vb_http_times *times, unsigned connections,
                                 struct vb_api **ret_api, struct vb_error *err)
{
    return vb_site_start(service, &vb_routes, times, connections, ret_api, err);
}

enum vb_status vb_api_start(const struct vb_service *service, struct vb_api **ret_api,
                            struct vb_error *err)
{
    return vb_api_start_with(service, NULL, 0, ret_api, err);
}

/* The same for every service: loops and streams are counted, not options. */
void vb_api_connections(const struct vb_service *service, struct vb_connections *sum)
{
    (void)service;
    vb_site_connections(sum);
}

void vb_api_leave(struct vb_api *api)
{
    vb_site_leave(api);
}

void vb_api_request_stop(struct vb_api *api)
{
    vb_site_request_stop(api);
}

void vb_api_stop(struct vb_api *api)
{
    vb_site_stop(api);
}
