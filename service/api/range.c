/* Judging a specification's range. See api/range.h. */
#include "range.h"

#include <jansson.h>

/* NULL: answered. */
static struct vb_zone *zone_of(struct http_exchange *exchange)
{
    struct vb_error err = {0};
    struct vb_zone *zone = http_loop_zone(exchange->loop, exchange->access.time_zone, &err);
    if (!zone)
        http_answer_error(exchange, &err);
    return zone;
}

static void refuse(struct http_exchange *exchange, const struct vb_specification *specification,
                   const char *member, const char *message)
{
    const json_t *filter = json_object_get(specification->root, "filter");
    struct vb_problems problems;
    const struct vb_problem problem = {.type = "value_error",
                                       .within = "filter",
                                       .member = member,
                                       .index = -1,
                                       .message = message,
                                       .input = json_object_get(filter, member)};
    vb_problems_init(&problems);
    vb_problems_add(&problems, &problem);
    http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

/* A date beside an instant shows only in a zone which of them comes first. */
bool http_range_judge(struct http_exchange *exchange, const struct vb_specification *specification,
                      http_range_refused *refused)
{
    struct vb_zone *zone = zone_of(exchange);
    if (!zone)
        return false;
    vb_instant from = 0, to, now = vb_clock_now();
    const char *member = NULL, *message = NULL;
    if (vb_specification_range(specification, zone, now, &from, &to) != VB_OK) {
        member = "to";
        message = "Value error, to must be after from";
    } else if (from > now) {
        member = "from";
        message = "Value error, from is in the future";
    }
    if (member && refused)
        refused(exchange, member, message);
    else if (member)
        refuse(exchange, specification, member, message);
    return !member;
}

bool http_range_of(struct http_exchange *exchange, const struct vb_specification *specification,
                   vb_instant as_of, vb_instant *ret_from, vb_instant *ret_to)
{
    struct vb_zone *zone = zone_of(exchange);
    struct vb_error err;
    if (!zone)
        return false;
    if (vb_specification_range(specification, zone, as_of, ret_from, ret_to) == VB_OK)
        return true;
    (void)vb_fail(&err, VB_INVALID, "a range that was judged holds no instant");
    http_answer_error(exchange, &err);
    return false;
}
