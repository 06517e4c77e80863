/* The doors' error shapes: two of them, and which door has which. Pure. */
#include "http_door.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- {"detail": ...}, as clients of FastAPI know it --- */

static void put_detail(struct vb_json *json, int status, const char *detail)
{
    (void)status;
    vb_json_begin_object(json);
    vb_json_member_text(json, "detail", detail);
    vb_json_end_object(json);
}

/* "select.conversation_ids.3" as "select", "conversation_ids", 3. */
static void put_path(struct vb_json *json, const char *path)
{
    while (*path) {
        size_t length = strcspn(path, ".");
        bool is_index = length > 0 && length < 10 && strspn(path, "0123456789") >= length;
        if (is_index)
            vb_json_integer(json, strtol(path, NULL, 10));
        else
            vb_json_view(json, (struct vb_view){path, length});
        path += length + (path[length] == '.');
    }
}

static void put_input(struct vb_json *json, const json_t *input)
{
    char *text = input ? json_dumps(input, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    vb_json_name(json, "input");
    vb_json_raw(json, text ? text : "null");
    free(text);
}

static size_t listed(const struct vb_problems *problems)
{
    return problems->count < VB_PROBLEMS ? problems->count : VB_PROBLEMS;
}

static void put_details(struct vb_json *json, const struct vb_problems *problems)
{
    vb_json_begin_object(json);
    vb_json_name(json, "detail");
    vb_json_begin_array(json);
    for (size_t i = 0; i < listed(problems); i++) {
        const struct vb_problem *problem = &problems->items[i];
        vb_json_begin_object(json);
        vb_json_member_text(json, "type", problem->type);
        vb_json_name(json, "loc");
        vb_json_begin_array(json);
        vb_json_text(json, "body");
        put_path(json, problem->path);
        vb_json_end_array(json);
        vb_json_member_text(json, "msg", problem->message);
        put_input(json, problem->input);
        vb_json_end_object(json);
    }
    vb_json_end_array(json);
    vb_json_end_object(json);
}

/* --- {"message", "code", "issues": [{"message"}]} --- */

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

static void begin_issues(struct vb_json *json, int status, const char *message)
{
    vb_json_begin_object(json);
    vb_json_member_text(json, "message", message);
    vb_json_member_text(json, "code", code_of(status));
    vb_json_name(json, "issues");
    vb_json_begin_array(json);
}

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

static void put_message(struct vb_json *json, int status, const char *detail)
{
    begin_issues(json, status, detail);
    put_issue(json, "", detail);
    end_issues(json);
}

static void put_issues(struct vb_json *json, const struct vb_problems *problems)
{
    begin_issues(json, 400, "Input validation failed");
    for (size_t i = 0; i < listed(problems); i++)
        put_issue(json, problems->items[i].path, problems->items[i].message);
    end_issues(json);
}

/* --- the doors --- */

const struct http_door http_door_main = {"main", true, 422, put_detail, put_details};
const struct http_door http_door_native = {"native", true, 422, put_detail, put_details};
const struct http_door http_door_app = {"app", false, 422, put_detail, put_details};
const struct http_door http_door_v1 = {"v1", false, 422, put_detail, put_details};
const struct http_door http_door_v3 = {"v3", false, 400, put_message, put_issues};

const struct http_door *http_door_of_path(struct vb_view path)
{
    static const char v3[] = "/v3/";
    bool is_v3 = path.length >= sizeof(v3) - 1 && memcmp(path.data, v3, sizeof(v3) - 1) == 0;
    return is_v3 ? &http_door_v3 : &http_door_main;
}
