/* Checking of export requests: one table of fields, then the rules between fields.
 *
 * jansson parses (it refuses doubled names, NUL, invalid UTF-8, and nesting beyond 2,048); everything it says is
 * `json_invalid`. A null for an optional field counts as absent, since clients of typed languages send it.
 */
#include "verbatim/export_request.h"

#include "verbatim/channel_type.h"
#include "verbatim/json.h"
#include "verbatim/mail.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS                                                                                   \
    100u /* listed at most: a body of unknown fields only would be answered a hundredfold */

/* The 422 being written. */
struct problems {
    struct vb_json json;
    size_t count;
};

static bool is_date(struct vb_view text)
{
    struct vb_date date;
    return vb_date_parse(text, &date) == VB_OK;
}

/* ^\+[1-9]\d{1,14}$ */
static bool is_phone(struct vb_view text)
{
    if (text.length < 3 || text.length > 16 || text.data[0] != '+' || text.data[1] == '0')
        return false;
    for (size_t i = 1; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

static bool is_profile(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("safe")) || vb_view_equals(text, VB_VIEW("excel")) ||
           vb_view_equals(text, VB_VIEW("raw"));
}

static bool is_anything(struct vb_view text)
{
    return text.data != NULL;
}

enum field_index { START, END, CHANNEL, PHONE, TYPE, MAIL, PROFILE, FIELDS };

static const struct field {
    const char *name;
    bool required;
    bool (*holds)(struct vb_view text);
    const char *type, *message;
} fields[FIELDS] = {
    [START] = {"start_date", true, is_date, "date_parsing",
               "Input should be a valid date in the form YYYY-MM-DD"},
    [END] = {"end_date", true, is_date, "date_parsing",
             "Input should be a valid date in the form YYYY-MM-DD"},
    /* An id of the wrong form is not refused but not found. */
    [CHANNEL] = {"channel_id", false, is_anything, "", ""},
    [PHONE] = {"phone_number", false, is_phone, "string_pattern_mismatch",
               "String should match pattern '^\\+[1-9]\\d{1,14}$'"},
    [TYPE] = {"channel_type", false, vb_channel_type_known, "enum",
              "Input should be 'sms', 'whatsapp', 'messenger', 'instagram' or 'line'"},
    [MAIL] = {"notification_email", false, vb_mail_address_valid, "value_error",
              "value is not a valid email address"},
    [PROFILE] = {"csv_profile", false, is_profile, "enum",
                 "Input should be 'safe', 'excel' or 'raw'"},
};

/* --- writing the list --- */

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

/* `name` NULL: the body as a whole. */
static void add_problem(struct problems *problems, const char *type, const char *name,
                        const char *message, const json_t *input)
{
    if (problems->count++ >= PROBLEMS)
        return;
    struct vb_json *json = &problems->json;
    vb_json_begin_object(json);
    vb_json_member_text(json, "type", type);
    vb_json_name(json, "loc");
    vb_json_begin_array(json);
    vb_json_text(json, "body");
    if (name)
        vb_json_text(json, name);
    vb_json_end_array(json);
    vb_json_member_text(json, "msg", message);
    put_input(json, input);
    vb_json_end_object(json);
}

static void begin_problems(struct problems *problems, struct vb_buffer *out)
{
    problems->count = 0;
    vb_json_init(&problems->json, out);
    vb_json_begin_object(&problems->json);
    vb_json_name(&problems->json, "detail");
    vb_json_begin_array(&problems->json);
}

static enum vb_status end_problems(struct problems *problems)
{
    vb_json_end_array(&problems->json);
    vb_json_end_object(&problems->json);
    enum vb_status status = vb_json_status(&problems->json);
    return status != VB_OK ? status : problems->count > 0 ? VB_INVALID : VB_OK;
}

/* --- the rules --- */

static json_t *given(const json_t *root, enum field_index index)
{
    json_t *value = json_object_get(root, fields[index].name);
    return json_is_null(value) && !fields[index].required ? NULL : value;
}

/* The text of a field that is there and holds; NULL otherwise, with a problem noted where it is one. */
static const char *check_field(struct problems *problems, const json_t *root,
                               enum field_index index)
{
    const struct field *field = &fields[index];
    const json_t *value = given(root, index);
    if (!value) {
        if (field->required)
            add_problem(problems, "missing", field->name, "Field required", root);
        return NULL;
    }
    if (!json_is_string(value)) {
        add_problem(problems, "string_type", field->name, "Input should be a valid string", value);
        return NULL;
    }
    struct vb_view text = {json_string_value(value), json_string_length(value)};
    if (!field->holds(text)) {
        add_problem(problems, field->type, field->name, field->message, value);
        return NULL;
    }
    return text.data;
}

static void check_unknown(struct problems *problems, json_t *root)
{
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < FIELDS; i++)
            is_known |= strcmp(name, fields[i].name) == 0;
        if (!is_known)
            add_problem(problems, "extra_forbidden", name, "Extra inputs are not permitted", value);
    }
}

static void check_between(struct problems *problems, const json_t *root,
                          const struct vb_export_request *request, bool has_dates)
{
    if (has_dates && vb_date_compare(request->end, request->start) < 0)
        add_problem(problems, "value_error", "end_date",
                    "Value error, end_date must be on or after start_date",
                    json_object_get(root, "end_date"));
    bool by_id = given(root, CHANNEL), by_phone = given(root, PHONE);
    if (by_id && by_phone)
        add_problem(problems, "value_error", NULL,
                    "Value error, provide exactly one of channel_id and phone_number", root);
    if (!by_id && !by_phone)
        add_problem(problems, "value_error", NULL,
                    "Value error, either channel_id or phone_number must be provided", root);
}

static void check_all(struct problems *problems, struct vb_export_request *request)
{
    json_t *root = request->root;
    if (!json_is_object(root)) {
        add_problem(problems, "model_attributes_type", NULL, "Input should be a JSON object", root);
        return;
    }
    const char *start = check_field(problems, root, START);
    const char *end = check_field(problems, root, END);
    request->channel_id = check_field(problems, root, CHANNEL);
    request->phone_number = check_field(problems, root, PHONE);
    request->channel_type = check_field(problems, root, TYPE);
    request->notification_email = check_field(problems, root, MAIL);
    request->csv_profile = check_field(problems, root, PROFILE);
    bool has_dates = start && end && vb_date_parse(vb_view_of(start), &request->start) == VB_OK &&
                     vb_date_parse(vb_view_of(end), &request->end) == VB_OK;
    check_between(problems, root, request, has_dates);
    check_unknown(problems, root);
}

enum vb_status vb_export_request_parse(struct vb_view body, struct vb_export_request *ret_request,
                                       struct vb_buffer *out_answer)
{
    struct vb_export_request request = {0};
    struct problems problems;
    begin_problems(&problems, out_answer);
    json_error_t error;
    if (body.length == 0) {
        add_problem(&problems, "missing", NULL, "Field required", NULL);
    } else {
        request.root =
            json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (request.root)
            check_all(&problems, &request);
        else
            add_problem(&problems, "json_invalid", NULL, error.text, NULL);
    }
    enum vb_status status = end_problems(&problems);
    if (status != VB_OK) {
        vb_export_request_done(&request);
        return status;
    }
    *ret_request = request;
    return VB_OK;
}

void vb_export_request_done(struct vb_export_request *request)
{
    if (request)
        json_decref(request->root);
    if (request)
        *request = (struct vb_export_request){0};
}

enum vb_status vb_export_request_specification(const struct vb_export_request *request,
                                               const char *csv_profile, struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_begin_object(&json);
    vb_json_name(&json, "select");
    vb_json_begin_object(&json);
    if (request->channel_id)
        vb_json_member_text(&json, "channel_id", request->channel_id);
    if (request->phone_number)
        vb_json_member_text(&json, "phone_number", request->phone_number);
    if (request->phone_number && request->channel_type)
        vb_json_member_text(&json, "channel_type", request->channel_type);
    vb_json_end_object(&json);
    vb_json_name(&json, "filter");
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "from",
                        json_string_value(json_object_get(request->root, "start_date")));
    vb_json_member_text(&json, "to", json_string_value(json_object_get(request->root, "end_date")));
    vb_json_end_object(&json);
    vb_json_member_text(&json, "format", "csv");
    vb_json_member_text(&json, "layout", "messages");
    vb_json_member_text(&json, "files", "per_conversation");
    vb_json_member_text(&json, "csv_profile", csv_profile);
    if (request->notification_email)
        vb_json_member_text(&json, "notification_email", request->notification_email);
    vb_json_end_object(&json);
    return vb_json_status(&json);
}
