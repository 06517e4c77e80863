/* The main contract's body: its own members, checked by the rules that all bodies share, and the
 * specification that they stand for. See request.h. Pure.
 *
 * The door translates and decides nothing: its body becomes a document of INTERFACE 7, and from
 * there on no code knows which door it came through. Values are shared with the body's document by
 * reference, so nothing is copied.
 */
#include "request.h"

#include "body_check.h"

#include <string.h>

/* Rules between members are judged for what is there; a date that is broken has been listed
 * already. */
static void check_between(struct vb_body_check *check, const struct vb_export_request *request,
                          bool has_dates)
{
    if (has_dates && vb_date_compare(request->end, request->start) < 0)
        vb_body_problem(check, "value_error", "end_date",
                        "Value error, end_date must be on or after start_date",
                        vb_body_member(check, "end_date"));
    bool by_id = vb_body_member(check, "channel_id"),
         by_phone = vb_body_member(check, "phone_number");
    if (by_id && by_phone)
        vb_body_problem(check, "value_error", NULL,
                        "Value error, provide exactly one of channel_id and phone_number",
                        check->object);
    if (!by_id && !by_phone)
        vb_body_problem(check, "value_error", NULL,
                        "Value error, either channel_id or phone_number must be provided",
                        check->object);
}

static void check_all(struct vb_body_check *check, struct vb_export_request *request)
{
    static const char *const names[] = {"start_date",      "end_date",     "channel_id",
                                        "phone_number",    "channel_type", "notification_email",
                                        "csv_profile",     "delimiter",    "csv_quote",
                                        "byte_order_mark", "activity"};
    if (!vb_body_is_object(check))
        return;
    const char *start = vb_body_required_text(check, "start_date", &vb_body_date);
    const char *end = vb_body_required_text(check, "end_date", &vb_body_date);
    request->channel_id = vb_body_text(check, "channel_id", &vb_body_any);
    request->phone_number = vb_body_text(check, "phone_number", &vb_body_phone);
    request->channel_type = vb_body_text(check, "channel_type", &vb_body_channel_type);
    request->notification_email = vb_body_text(check, "notification_email", &vb_body_mail);
    request->csv_profile = vb_body_text(check, "csv_profile", &vb_body_csv_profile);
    /* Flags are taken over as they stand, by make_document. */
    (void)vb_body_flag(check, "activity");
    (void)vb_body_flag(check, "byte_order_mark");
    request->delimiter = vb_body_text(check, "delimiter", &vb_body_delimiter);
    request->csv_quote = vb_body_text(check, "csv_quote", &vb_body_csv_quote);
    bool has_dates = start && end && vb_date_parse(vb_view_of(start), &request->start) == VB_OK &&
                     vb_date_parse(vb_view_of(end), &request->end) == VB_OK;
    check_between(check, request, has_dates);
    vb_body_unknown(check, names, sizeof names / sizeof names[0]);
}

enum vb_status vb_export_request_parse(struct vb_view body, struct vb_export_request *ret_request,
                                       struct vb_problems *ret_problems)
{
    struct vb_export_request request = {0};
    vb_problems_init(ret_problems);
    enum vb_status status = vb_problems_load(ret_problems, body, &request.root);
    if (status != VB_OK)
        return status;
    struct vb_body_check check = {.problems = ret_problems, .object = request.root};
    check_all(&check, &request);
    if (ret_problems->count > 0) {
        ret_problems->root = request.root;
        return VB_INVALID;
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

/* Shares the value with the request's document. True where there is none to share. */
static bool share(json_t *object, const char *name, const json_t *root, const char *from)
{
    json_t *value = json_object_get(root, from);
    return !value || json_is_null(value) || json_object_set(object, name, value) == 0;
}

/* A type beside a channel_id says nothing more, so it is not taken over. */
static json_t *make_document(const struct vb_export_request *request)
{
    const json_t *root = request->root;
    json_t *document = json_pack("{s:{}, s:{}}", "select", "filter");
    json_t *select = json_object_get(document, "select");
    json_t *filter = json_object_get(document, "filter");
    bool is_whole = document && share(select, "channel_id", root, "channel_id") &&
                    share(select, "phone_number", root, "phone_number") &&
                    (request->channel_id || share(select, "channel_type", root, "channel_type")) &&
                    share(filter, "from", root, "start_date") &&
                    share(filter, "to", root, "end_date") &&
                    share(filter, "activity", root, "activity") &&
                    share(document, "csv_profile", root, "csv_profile") &&
                    share(document, "delimiter", root, "delimiter") &&
                    share(document, "csv_quote", root, "csv_quote") &&
                    share(document, "byte_order_mark", root, "byte_order_mark") &&
                    share(document, "notification_email", root, "notification_email");
    if (is_whole)
        return document;
    json_decref(document);
    return NULL;
}

enum vb_status vb_export_request_specification(const struct vb_export_request *request,
                                               struct vb_specification *ret_specification,
                                               struct vb_problems *ret_problems)
{
    return vb_specification_from(make_document(request), ret_specification, ret_problems);
}
