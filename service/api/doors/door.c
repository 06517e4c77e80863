/* The doors' error shapes: two of them, and which door has which. Pure.
 *
 * Clients of a platform parse its errors, so each door keeps the shape of its document, also for
 * errors of the protocol (408, 431), which come before a route is known.
 */
#include "routes.h"

#include "api/words.h"

#include <stdio.h>
#include <string.h>

/* --- {"detail": ...}, as clients of FastAPI know it --- */

/* The status stands in the status line alone. */
static void put_detail(struct vb_json *json, int status, const char *detail)
{
    (void)status;
    vb_json_begin_object(json);
    vb_json_member_text(json, "detail", detail);
    vb_json_end_object(json);
}

/* --- {"message", "code", "issues": [{"message"}]} --- */

/* What has no code of its own is the server's fault, as the document has it. */
static const char *code_of(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {400, "BAD_REQUEST"},
        {401, "UNAUTHORIZED"},
        {403, "FORBIDDEN"},
        {404, "NOT_FOUND"},
        {405, "METHOD_NOT_SUPPORTED"},
        {408, "TIMEOUT"},
        {409, "CONFLICT"},
        {413, "PAYLOAD_TOO_LARGE"},
        {414, "BAD_REQUEST"},
        {415, "UNSUPPORTED_MEDIA_TYPE"},
        {417, "BAD_REQUEST"},
        {422, "UNPROCESSABLE_CONTENT"},
        {429, "TOO_MANY_REQUESTS"},
        {431, "BAD_REQUEST"},
        {503, "SERVICE_UNAVAILABLE"},
        {505, "BAD_REQUEST"},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].status == status)
            return codes[i].code;
    return "INTERNAL_SERVER_ERROR";
}

/* `message` sums up; each issue says one thing. */
static void begin_issues(struct vb_json *json, int status, const char *message)
{
    vb_json_begin_object(json);
    vb_json_member_text(json, "message", message);
    vb_json_member_text(json, "code", code_of(status));
    vb_json_name(json, "issues");
    vb_json_begin_array(json);
}

/* Cut off where it is longer: messages and paths are ours, and shorter. */
static void put_issue(struct vb_json *json, const char *path, const char *message)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s%s%s", path, *path ? ": " : "", message);
    vb_json_begin_object(json);
    vb_json_member_text(json, "message", text);
    vb_json_end_object(json);
}

static void end_issues(struct vb_json *json)
{
    vb_json_end_array(json);
    vb_json_end_object(json);
}

/* The one message is its own only issue. */
static void put_message(struct vb_json *json, int status, const char *detail)
{
    begin_issues(json, status, detail);
    put_issue(json, "", detail);
    end_issues(json);
}

/* 400, whatever the other doors say: problem_status of this one. */
static void put_issues(struct vb_json *json, const struct vb_problems *problems)
{
    begin_issues(json, 400, "Input validation failed");
    for (size_t i = 0; i < vb_problems_listed(problems); i++)
        put_issue(json, problems->items[i].path, problems->items[i].message);
    end_issues(json);
}

/* --- the doors --- */

const struct vb_api_door vb_door_main = {"main", true, 422, put_detail, vb_problems_put, NULL};
const struct vb_api_door vb_door_native = {"native", true, 422, put_detail, vb_problems_put, NULL};
const struct vb_api_door vb_door_assistant = {
    "console", true, 422, put_detail, vb_problems_put, &vb_assistant_words};
const struct vb_api_door vb_door_app = {"app",      false,           422,
                                        put_detail, vb_problems_put, &vb_app_words};
const struct vb_api_door vb_door_v1 = {"v1", false, 422, put_detail, vb_problems_put, &vb_v1_words};
const struct vb_api_door vb_door_console = {"console",  false,           422,
                                            put_detail, vb_problems_put, NULL};
const struct vb_api_door vb_door_v3 = {"v3", false, 400, put_message, put_issues, NULL};

/* By the first segment alone: what follows names nothing. */
const struct vb_api_door *vb_door_of_path(struct vb_view path)
{
    static const char v3[] = "/v3/";
    bool is_v3 = path.length >= sizeof(v3) - 1 && memcmp(path.data, v3, sizeof(v3) - 1) == 0;
    return is_v3 ? &vb_door_v3 : &vb_door_main;
}
