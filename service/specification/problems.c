/* The list of broken rules: collecting, and its JSON. See problems.h.
 *
 * jansson parses (it refuses doubled names, NUL, invalid UTF-8, and nesting beyond 2,048);
 * everything it says is `json_invalid`, but for want of memory. The list has a ceiling, the count
 * has none, so that whoever sends a thousand wrong members gets a hundred problems and not a
 * megabyte.
 */
#include "problems.h"

#include "verbatim/json_load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not the whole struct: the paths are large and written before they are read. */
void vb_problems_init(struct vb_problems *problems)
{
    problems->count = 0;
    problems->root = NULL;
    problems->text[0] = '\0';
    problems->place = "body";
}

void vb_problems_done(struct vb_problems *problems)
{
    if (!problems)
        return;
    json_decref(problems->root);
    vb_problems_init(problems);
}

size_t vb_problems_listed(const struct vb_problems *problems)
{
    return problems->count < VB_PROBLEMS ? problems->count : VB_PROBLEMS;
}

/* A member's name is the caller's own text and may be long: the path is cut, the member is not. */
static void write_path(char path[VB_PROBLEM_PATH], const struct vb_problem *problem)
{
    const char *within = problem->within ? problem->within : "";
    const char *member = problem->member ? problem->member : "";
    const char *dot = problem->within && problem->member ? "." : "";
    int length = snprintf(path, VB_PROBLEM_PATH, "%s%s%s", within, dot, member);
    if (problem->index >= 0 && length > 0 && (size_t)length < VB_PROBLEM_PATH)
        (void)snprintf(path + length, VB_PROBLEM_PATH - (size_t)length, ".%d", problem->index);
}

void vb_problems_add(struct vb_problems *problems, const struct vb_problem *problem)
{
    size_t at = problems->count++;
    if (at >= VB_PROBLEMS)
        return;
    problems->items[at] = *problem;
    problems->items[at].path = problems->paths[at];
    write_path(problems->paths[at], problem);
}

/* Any JSON value is taken: that it is an object is a rule like others, with its own message. */
enum vb_status vb_problems_load(struct vb_problems *problems, struct vb_view body,
                                json_t **ret_root)
{
    if (body.length == 0) {
        vb_problems_add(problems, &(struct vb_problem){
                                      .type = "missing", .index = -1, .message = "Field required"});
        return VB_INVALID;
    }
    /* RFC 8259, 8.1: a byte order mark may be passed over. Programs of Windows write one. */
    if (body.length > 3 && memcmp(body.data, "\xef\xbb\xbf", 3) == 0)
        body = (struct vb_view){body.data + 3, body.length - 3};
    struct vb_error error;
    enum vb_status status =
        vb_json_load(body, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, ret_root, &error);
    if (status == VB_INVALID) {
        (void)snprintf(problems->text, sizeof(problems->text), "%.*s",
                       (int)sizeof(problems->text) - 1, error.text);
        vb_problems_add(
            problems,
            &(struct vb_problem){.type = "json_invalid", .index = -1, .message = problems->text});
    }
    return status;
}

/* What was sent comes back as it was understood, not byte for byte. Without memory it is null. */
static void put_input(struct vb_json *json, const json_t *input)
{
    char *text = input ? json_dumps(input, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    vb_json_name(json, "input");
    if (text)
        vb_json_raw(json, text);
    else
        vb_json_null(json);
    free(text);
}

static void put_problem(struct vb_json *json, const char *place, const struct vb_problem *problem)
{
    vb_json_begin_object(json);
    vb_json_member_text(json, "type", problem->type);
    vb_json_name(json, "loc");
    vb_json_begin_array(json);
    vb_json_text(json, place);
    if (problem->within)
        vb_json_text(json, problem->within);
    if (problem->member)
        vb_json_text(json, problem->member);
    if (problem->index >= 0)
        vb_json_integer(json, problem->index);
    vb_json_end_array(json);
    vb_json_member_text(json, "msg", problem->message);
    put_input(json, problem->input);
    vb_json_end_object(json);
}

/* The caller has named the status; this is the body alone. */
void vb_problems_put(struct vb_json *json, const struct vb_problems *problems)
{
    vb_json_begin_object(json);
    vb_json_name(json, "detail");
    vb_json_begin_array(json);
    for (size_t i = 0; i < vb_problems_listed(problems); i++)
        put_problem(json, problems->place, &problems->items[i]);
    vb_json_end_array(json);
    vb_json_end_object(json);
}
