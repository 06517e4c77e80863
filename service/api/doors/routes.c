/* The whole API in one table, and the matching of paths against it. Pure but for the handlers it
 * names.
 *
 * A new row stands before every pattern that would take its path. Rights are judged by key.c in the
 * order of the contract; a row without a scope asks for no key at all.
 */
#include "routes.h"

#include "api/api.h"
#include "api/console/console.h"
#include "api/manage/manage.h"

#include "rules/key.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>

#define EXPORTS "/api/v1/workspace/{}/export-conversations"
#define NATIVE "/api/v1/workspace/{}/exports"
#define WORKSPACE "/api/v1/workspace/{}"
#define ASSISTANT "/api/v1/workspace/{}/assistant-exports"
#define ONE "/v1/conversations/{}/export"
#define AGENT "/v3/agents/{}/convos/export"
#define APP "/app/conversation-exports"
#define V1_BULK "/v1/conversations/export"
#define SESSION "/api/v1/console/session"
#define V1_CONTACT "/v1/contacts/{}/export"

/* Who may: what the role of the key has to allow, and the scope that the key needs. */
#define MAY_LOOK .right = VB_RIGHT_LOOK, .scope = VB_SCOPE_EXPORT
#define MAY_EXPORT .right = VB_RIGHT_EXPORT, .scope = VB_SCOPE_EXPORT
#define MAY_DOWNLOAD .right = VB_RIGHT_DOWNLOAD, .scope = VB_SCOPE_EXPORT
#define MAY_MANAGE .right = VB_RIGHT_MANAGE, .scope = VB_SCOPE_EXPORT
#define MAY_OWN_DOOR .right = VB_RIGHT_OWN_DOOR, .scope = VB_SCOPE_EXPORT
#define MAY_AUDIT .right = VB_RIGHT_AUDIT, .scope = VB_SCOPE_EXPORT
#define MAY_ADMIN .right = VB_RIGHT_ADMIN, .scope = VB_SCOPE_EXPORT
#define METRICS .right = VB_RIGHT_NONE, .scope = VB_SCOPE_METRICS
#define OPEN .right = VB_RIGHT_NONE, .scope = NULL /* no key */

/* clang-format off */
static const struct vb_api_route routes[] = {
    {"POST",   EXPORTS,               &vb_door_main,   MAY_EXPORT,   vb_api_create_begin},
    {"GET",    EXPORTS "/{}",         &vb_door_main,   MAY_LOOK,     vb_api_job_begin, true},
    {"POST",   NATIVE,                &vb_door_native, MAY_EXPORT,   vb_api_native_create_begin},
    {"POST",   NATIVE "/preview",     &vb_door_native, MAY_EXPORT,   vb_api_preview_begin},
    {"GET",    ONE,                   &vb_door_v1,     MAY_EXPORT,   vb_v1_one_begin},
    {"GET",    AGENT,                 &vb_door_v3,     MAY_EXPORT,   vb_v3_export_begin},
    {"GET",    NATIVE,                &vb_door_native, MAY_LOOK,     vb_api_export_list_begin},
    {"GET", NATIVE "/events", &vb_door_native, MAY_LOOK, vb_api_export_events_begin, true},
    {"GET", NATIVE "/{}", &vb_door_native, MAY_LOOK, vb_api_export_read_begin, true},
    {"DELETE", NATIVE "/{}",          &vb_door_native, MAY_MANAGE,   vb_api_export_delete_begin},
    {"POST",   NATIVE "/{}/cancel",   &vb_door_native, MAY_MANAGE,   vb_api_export_cancel_begin},
    {"GET",    NATIVE "/{}/download", &vb_door_native, MAY_DOWNLOAD, vb_api_export_download_begin},
    {"GET",    WORKSPACE "/assistants", &vb_door_native, MAY_EXPORT, vb_manage_assistants_begin},
    {"GET",    WORKSPACE "/channels",   &vb_door_native, MAY_EXPORT, vb_manage_channels_begin},
    {"GET",    WORKSPACE "/contacts",   &vb_door_native, MAY_OWN_DOOR, vb_manage_contacts_begin},
    {"POST",   NATIVE "/{}/links",    &vb_door_native, MAY_DOWNLOAD, vb_api_link_issue_begin},
    {"POST",   NATIVE "/{}/links/revoke", &vb_door_native, MAY_MANAGE, vb_api_link_revoke_begin},
    {"GET",    WORKSPACE "/keys",       &vb_door_native, MAY_ADMIN, vb_manage_keys_begin},
    {"POST",   WORKSPACE "/keys",       &vb_door_native, MAY_ADMIN, vb_manage_key_make_begin},
    {"DELETE", WORKSPACE "/keys/{}",    &vb_door_native, MAY_ADMIN, vb_manage_key_revoke_begin},
    {"GET",    WORKSPACE "/audit",      &vb_door_native, MAY_AUDIT, vb_manage_audit_begin},
    {"GET",    WORKSPACE "/audit.csv",  &vb_door_native, MAY_AUDIT, vb_manage_audit_csv_begin},
    {"GET",    WORKSPACE "/settings", &vb_door_native, MAY_LOOK,     vb_manage_settings_begin},
    {"PATCH",  WORKSPACE "/settings", &vb_door_native, MAY_ADMIN,  vb_manage_settings_change_begin},
    {"GET",    NATIVE "/{}/history",  &vb_door_native, MAY_LOOK,     vb_manage_history_begin},
    {"POST",   ASSISTANT,             &vb_door_assistant, MAY_EXPORT, vb_assistant_create_begin},
    {"GET",    ASSISTANT,             &vb_door_assistant, MAY_LOOK, vb_assistant_list_begin},
    {"POST",   APP,                   &vb_door_app,    MAY_OWN_DOOR, vb_app_create_begin},
    {"GET",    APP,                   &vb_door_app,    MAY_OWN_DOOR, vb_app_list_begin},
    {"GET",    APP "/{}",             &vb_door_app,    MAY_OWN_DOOR, vb_app_read_begin, true},
    {"GET",    APP "/{}/download",    &vb_door_app,    MAY_OWN_DOOR, vb_app_download_begin},
    {"POST",   V1_BULK,               &vb_door_v1,     MAY_EXPORT,   vb_v1_create_begin},
    {"GET",    V1_BULK "/{}",         &vb_door_v1,     MAY_LOOK,     vb_v1_read_begin, true},
    {"POST",   V1_CONTACT,            &vb_door_v1,     MAY_EXPORT,   vb_v1_contact_begin},
    {"GET",    "/v1/exports/audit",   &vb_door_v1,     MAY_AUDIT,    vb_v1_audit_begin},
    {"POST",   SESSION,               &vb_door_console, MAY_LOOK,    vb_console_sign_in_begin},
    {"GET",    SESSION,               &vb_door_console, MAY_LOOK,    vb_console_session_begin},
    {"DELETE", SESSION,               &vb_door_console, MAY_LOOK,    vb_console_sign_out_begin},
    {"GET",    "/d/{}",               NULL,            OPEN,         vb_api_short_link_begin},
    {"GET",    "/files/*",            NULL,            OPEN,         vb_api_file_begin},
    {"GET",    "/healthz",            NULL,            OPEN,         vb_api_alive_begin, true},
    {"GET",    "/readyz",             NULL,            OPEN,         vb_api_ready_begin, true},
    {"GET",    "/metrics",            NULL,            METRICS,      vb_api_metrics_begin, true},
    {"GET",    "/openapi.json",       NULL,            OPEN,         vb_api_openapi_begin},
    {"GET",    "/docs",               NULL,            OPEN,         vb_api_docs_begin},
    {"GET",    "/docs/",              NULL,            OPEN,         vb_api_docs_slash_begin},
    {"GET",    "/docs/docs.js",       NULL,            OPEN,         vb_api_docs_script_begin},
    {"GET",    "/console",            NULL,            OPEN,         vb_console_root_begin},
    {"GET",    "/console/",           NULL,            OPEN,         vb_console_page_begin},
    {"GET",    "/console/*",          NULL,            OPEN,         vb_console_asset_begin},
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
                         struct vb_buffer arguments[VB_API_ARGUMENTS])
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
static void add_method(char allow[VB_API_ALLOW], const char *method)
{
    const char *names = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
    size_t length = strlen(allow);
    if (!strstr(allow, names))
        (void)snprintf(allow + length, VB_API_ALLOW - length, "%s%s", length > 0 ? ", " : "",
                       names);
}

const struct vb_api_route *vb_route_find(struct vb_view method, struct vb_view path,
                                         struct vb_buffer arguments[VB_API_ARGUMENTS],
                                         char ret_allow[VB_API_ALLOW])
{
    /* The first pattern that fits is the resource: the table has literal ones before those that
     * take anything. */
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

/* For the page that lists them. */
static const struct vb_api_route *route_at(size_t place)
{
    return place < ROUTES ? &routes[place] : NULL;
}

const struct vb_api_table vb_routes = {
    .find = vb_route_find,
    .at = route_at,
    .operations = &vb_door_main,
    .of_path = vb_door_of_path,
};
