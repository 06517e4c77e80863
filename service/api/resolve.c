/* Look-ups in the source by the loop's pool, and their answers. See api/resolve.h. What is asked,
 * and what the answers mean, is specification/resolve.h's; here are the pool and the shapes. */
#include "resolve.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- answers for most doors --- */

/* "No assistant found for select.assistant_id.": the same for what is unknown, foreign or out of
 * sight. */
static void answer_missing(struct vb_http_exchange *exchange, const char *member)
{
    const char *noun = strstr(member, "assistant")                            ? "assistant"
                       : strstr(member, "contact")                            ? "contact"
                       : strstr(member, "channel") || strstr(member, "phone") ? "channel"
                                                                              : "conversation";
    char detail[128];
    (void)snprintf(detail, sizeof detail, "No %s found for %s.", noun, member);
    vb_http_answer_detail(exchange, 404, detail);
}

/* By phone number and without a type: the caller chooses from what belongs to his workspace. */
static void answer_several(struct vb_http_exchange *exchange,
                           const struct vb_resolution *resolution)
{
    const PGresult *channels = resolution->channels;
    struct vb_json json = vb_http_json(exchange);
    vb_json_begin_object(&json);
    vb_json_name(&json, "detail");
    vb_json_begin_object(&json);
    vb_json_member_text(
        &json, "message",
        "Multiple channels match this phone number. Specify channel_type or channel_id.");
    vb_json_name(&json, "candidates");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < resolution->candidate_count; i++) {
        int row = resolution->candidates[i];
        vb_json_begin_object(&json);
        vb_json_member_text(&json, "channel_id", vb_api_text(channels, row, CHANNEL_ID));
        vb_json_member_text(&json, "channel_type", vb_api_text(channels, row, CHANNEL_TYPE));
        vb_json_member_text(&json, "name", vb_api_text(channels, row, CHANNEL_NAME));
        vb_json_end_object(&json);
    }
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    vb_json_end_object(&json);
    vb_http_answer_json(exchange, 409, &json);
}

/* The source has no such column: a broken rule of the filter. */
static void answer_unsupported(struct vb_http_exchange *exchange,
                               const struct vb_resolution *resolution)
{
    struct vb_problems problems;
    const struct vb_problem problem = {
        .type = "value_error",
        .member = "filter",
        .index = -1,
        .message = resolution->error.text,
        .input = json_object_get(resolution->specification.root, "filter")};
    vb_problems_init(&problems);
    vb_problems_add(&problems, &problem);
    vb_http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

void vb_api_resolve_answer(struct vb_http_exchange *exchange,
                           const struct vb_resolution *resolution, enum vb_resolved how,
                           vb_api_missing *missing)
{
    switch (how) {
    case VB_RESOLVED_MISSING:
        (missing ? missing : answer_missing)(exchange, resolution->member);
        break;
    case VB_RESOLVED_SEVERAL:
        answer_several(exchange, resolution);
        break;
    case VB_RESOLVED_CROWD:
        vb_http_answer_detail(exchange, 422,
                              "More than 1,000 contacts share this contact's e-mail or phone.");
        break;
    case VB_RESOLVED_UNSUPPORTED:
        answer_unsupported(exchange, resolution);
        break;
    case VB_RESOLVED:
    case VB_RESOLVED_FAILED:
        vb_http_answer_error(exchange, &resolution->error);
        break;
    }
}

/* --- asking --- */

static void on_looked_up(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_exchange *exchange = context;
    struct vb_api_lookup *lookup = exchange->state;
    if (!vb_api_ended(exchange, outcome))
        return;
    enum vb_resolved how = vb_resolve_feed(
        &lookup->resolution, exchange->loop->site->service->contract, outcome->results);
    if (how == VB_RESOLVED)
        lookup->found(exchange);
    else
        vb_api_resolve_answer(exchange, &lookup->resolution, how, lookup->missing);
}

/* The steps are copied when they are sent, so they end with this call. */
void vb_api_resolve(struct vb_http_exchange *exchange)
{
    struct vb_api_lookup *lookup = exchange->state;
    const struct vb_api_site_loop *site = exchange->loop->site;
    const struct vb_caller caller = vb_access_caller(&exchange->request->access);
    struct vb_resolve_steps steps;
    enum vb_resolved how = vb_resolve_ask(&lookup->resolution, site->service->contract, &caller,
                                          site->source_statements, &steps);
    if (how == VB_RESOLVED)
        vb_api_send(exchange, exchange->loop->site->source_pool, steps.steps, steps.count,
                    on_looked_up);
    else
        vb_api_resolve_answer(exchange, &lookup->resolution, how, lookup->missing);
    vb_resolve_steps_done(&steps);
}
