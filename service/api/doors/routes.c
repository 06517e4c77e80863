/* The whole API in one table, and the matching of paths against it. Pure but for the handlers it names. */
#include "routes.h"

#include "api/api.h"

#include "rules/key.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>

#define EXPORTS "/api/v1/workspace/{}/export-conversations"
#define NATIVE "/api/v1/workspace/{}/exports"
#define ONE "/v1/conversations/{}/export"
#define AGENT "/v3/agents/{}/convos/export"
#define APP "/app/conversation-exports"
#define V1_BULK "/v1/conversations/export"

/* clang-format off */
static const struct http_route routes[] = {
    /* method  pattern         door             right of the role   scope of the key  handler */
    {"POST",   EXPORTS,        &http_door_main, VB_RIGHT_EXPORT,  VB_SCOPE_EXPORT,  http_create_begin},
    {"GET",    EXPORTS "/{}",  &http_door_main, VB_RIGHT_LOOK,    VB_SCOPE_EXPORT,  http_job_begin},
    {"POST",   NATIVE,         &http_door_native, VB_RIGHT_EXPORT, VB_SCOPE_EXPORT, http_native_create_begin},
    {"POST",   NATIVE "/preview", &http_door_native, VB_RIGHT_EXPORT, VB_SCOPE_EXPORT, http_preview_begin},
    {"GET",    ONE,            &http_door_v1,   VB_RIGHT_EXPORT,  VB_SCOPE_EXPORT,  http_v1_one_begin},
    {"GET",    AGENT,          &http_door_v3,   VB_RIGHT_EXPORT,  VB_SCOPE_EXPORT,  http_v3_export_begin},
    {"GET",    NATIVE,         &http_door_native, VB_RIGHT_LOOK,  VB_SCOPE_EXPORT,  http_export_list_begin},
    {"GET",    NATIVE "/{}",   &http_door_native, VB_RIGHT_LOOK,  VB_SCOPE_EXPORT,  http_export_read_begin},
    {"DELETE", NATIVE "/{}",   &http_door_native, VB_RIGHT_MANAGE, VB_SCOPE_EXPORT, http_export_delete_begin},
    {"POST",   NATIVE "/{}/cancel",   &http_door_native, VB_RIGHT_MANAGE,   VB_SCOPE_EXPORT, http_export_cancel_begin},
    {"GET",    NATIVE "/{}/download", &http_door_native, VB_RIGHT_DOWNLOAD, VB_SCOPE_EXPORT, http_export_download_begin},
    {"POST",   APP,            &http_door_app,  VB_RIGHT_OWN_DOOR, VB_SCOPE_EXPORT, http_app_create_begin},
    {"GET",    APP,            &http_door_app,  VB_RIGHT_OWN_DOOR, VB_SCOPE_EXPORT, http_app_list_begin},
    {"GET",    APP "/{}",      &http_door_app,  VB_RIGHT_OWN_DOOR, VB_SCOPE_EXPORT, http_app_read_begin},
    {"GET",    APP "/{}/download", &http_door_app, VB_RIGHT_OWN_DOOR, VB_SCOPE_EXPORT, http_app_download_begin},
    {"POST",   V1_BULK,        &http_door_v1,   VB_RIGHT_EXPORT,  VB_SCOPE_EXPORT,  http_v1_create_begin},
    {"GET",    V1_BULK "/{}",  &http_door_v1,   VB_RIGHT_LOOK,    VB_SCOPE_EXPORT,  http_v1_read_begin},
    {"POST",   "/v1/contacts/{}/export", &http_door_v1, VB_RIGHT_EXPORT, VB_SCOPE_EXPORT, http_v1_contact_begin},
    {"GET",    "/v1/exports/audit", &http_door_v1, VB_RIGHT_AUDIT, VB_SCOPE_EXPORT, http_v1_audit_begin},
    {"GET",    "/files/*",     NULL,            VB_RIGHT_NONE,    NULL,             http_file_begin},
    {"GET",    "/healthz",     NULL,            VB_RIGHT_NONE,    NULL,             http_alive_begin},
    {"GET",    "/readyz",      NULL,            VB_RIGHT_NONE,    NULL,             http_ready_begin},
    {"GET",    "/metrics",     NULL,            VB_RIGHT_NONE,    VB_SCOPE_METRICS, http_metrics_begin},
    {"GET",    "/openapi.json", NULL,           VB_RIGHT_NONE,    NULL,             http_openapi_begin},
    {"GET",    "/docs",        NULL,            VB_RIGHT_NONE,    NULL,             http_docs_begin},
    {"GET",    "/docs/docs.js", NULL,           VB_RIGHT_NONE,    NULL,             http_docs_script_begin},
};
/* clang-format on */
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* Decodes an argument. Text that is not UTF-8 can name nothing here. */
static bool take_argument(struct vb_buffer *argument, struct vb_view raw)
{
    vb_buffer_reset(argument);
    return raw.length > 0 && vb_percent_decode(argument, raw) == VB_OK &&
           vb_utf8_valid((struct vb_view){argument->data, argument->length}) &&
           !memchr(argument->data, '\0', argument->length);
}

/* Both are walked segment by segment; "{}" takes one that is not empty. */
static bool path_matches(const char *pattern, struct vb_view path,
                         struct vb_buffer arguments[HTTP_ARGUMENTS])
{
    size_t at = 0, taken = 0;
    while (*pattern) {
        if (*pattern == '*')
            return take_argument(&arguments[taken],
                                 (struct vb_view){path.data + at, path.length - at});
        if (*pattern != '{') {
            if (at == path.length || path.data[at] != *pattern)
                return false;
            at++;
            pattern++;
            continue;
        }
        size_t from = at;
        while (at < path.length && path.data[at] != '/')
            at++;
        if (!take_argument(&arguments[taken++], (struct vb_view){path.data + from, at - from}))
            return false;
        pattern += 2;
    }
    return at == path.length;
}

/* GET also serves HEAD. */
static bool method_matches(const char *wanted, struct vb_view method)
{
    return vb_view_equals(vb_view_of(wanted), method) ||
           (strcmp(wanted, "GET") == 0 && vb_view_equals(method, VB_VIEW("HEAD")));
}

/* Each method once, in the table's order. The room is that of all methods there are. */
static void add_method(char allow[HTTP_ALLOW], const char *method)
{
    const char *names = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
    size_t length = strlen(allow);
    if (!strstr(allow, names))
        (void)snprintf(allow + length, HTTP_ALLOW - length, "%s%s", length > 0 ? ", " : "", names);
}

const struct http_route *http_route_find(struct vb_view method, struct vb_view path,
                                         struct vb_buffer arguments[HTTP_ARGUMENTS],
                                         char ret_allow[HTTP_ALLOW])
{
    /* The first pattern that fits is the resource: the table has literal ones before those that take anything. */
    const char *pattern = NULL;
    *ret_allow = '\0';
    for (size_t i = 0; i < ROUTES; i++) {
        if (pattern ? strcmp(routes[i].pattern, pattern) != 0
                    : !path_matches(routes[i].pattern, path, arguments))
            continue;
        pattern = routes[i].pattern;
        if (method_matches(routes[i].method, method))
            return &routes[i];
        add_method(ret_allow, routes[i].method);
    }
    return NULL;
}

const struct http_route *http_route_at(size_t place)
{
    return place < ROUTES ? &routes[place] : NULL;
}

const struct http_table http_routes = {
    .find = http_route_find,
    .at = http_route_at,
    .operations = &http_door_main,
    .of_path = http_door_of_path,
};
