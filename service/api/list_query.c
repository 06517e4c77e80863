/* See list_query.h. */
#include "list_query.h"

#include "export.h"

#include <jansson.h>

const char *const vb_list_formats[] = {"csv", "json", "ndjson", "html", "pdf", "xlsx", NULL};

bool vb_list_is_day(struct vb_view text)
{
    struct vb_date day;
    return vb_date_parse(text, &day) == VB_OK;
}

/* Nobody is called more than a name and an address may hold. */
bool vb_list_is_author(struct vb_view text)
{
    return text.length >= 1 && text.length <= 1000;
}

vb_instant vb_list_day_end(struct vb_zone *zone, struct vb_date day)
{
    return vb_zone_day_start(zone, vb_date_from_days(vb_date_to_days(day) + 1));
}

/* The problem's root is the text that it shows, and goes with the list. */
void vb_list_refuse(struct vb_http_exchange *exchange, const char *parameter, const char *rule,
                    const char *input)
{
    json_t *text = json_string(input);
    const struct vb_problem problem = {
        .type = "value_error", .member = parameter, .index = -1, .message = rule, .input = text};
    struct vb_problems problems;
    vb_problems_init(&problems);
    problems.place = "query";
    problems.root = text;
    vb_problems_add(&problems, &problem);
    vb_http_answer_problems(exchange, &problems);
    vb_problems_done(&problems);
}

/* The secrets have not been read once since the start. */
bool vb_list_can_begin(struct vb_http_exchange *exchange)
{
    if (exchange->loop->site->secrets.count > 0)
        return true;
    vb_http_answer_error_header(exchange, "Retry-After", "2");
    vb_http_answer_detail(exchange, 503, "The database is not available. Try again later.");
    return false;
}
