/* Judging a specification's range. See api/range.h. Days are the workspace's, so nothing can be
 * judged before the key is known. */
#include "range.h"

#include <jansson.h>

void vb_api_range_answer(struct vb_http_exchange *exchange,
                         const struct vb_specification *specification, const char *member,
                         const char *message)
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
    vb_http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

bool vb_api_range_judge(struct vb_http_exchange *exchange,
                        const struct vb_specification *specification)
{
    struct vb_zone *zone = vb_api_zone(exchange);
    const char *member, *message;
    if (!zone)
        return false;
    if (vb_specification_judge_range(specification, zone, vb_clock_now(), &member, &message))
        return true;
    vb_api_range_answer(exchange, specification, member, message);
    return false;
}

bool vb_api_range_of(struct vb_http_exchange *exchange,
                     const struct vb_specification *specification, vb_instant as_of,
                     vb_instant *ret_from, vb_instant *ret_to)
{
    struct vb_zone *zone = vb_api_zone(exchange);
    struct vb_error err;
    if (!zone)
        return false;
    if (vb_specification_range(specification, zone, as_of, ret_from, ret_to) == VB_OK)
        return true;
    (void)vb_fail(&err, VB_INVALID, "a range that was judged holds no instant");
    vb_http_answer_error(exchange, &err);
    return false;
}
