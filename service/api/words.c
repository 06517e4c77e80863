/* From a door's body to an order, and back to the door's words. See api/words.h. Runs on the loop's
 * thread.
 *
 * Problems of the door's own body and those of the specification built from it go into one list, so
 * a caller learns all of them at once.
 */
#include "words.h"

#include "order.h"

#include <stdio.h>
#include <string.h>

/* NULL: the door has no word for it. */
static const struct vb_api_word *find_word(const struct vb_api_words *words, const char *path)
{
    for (const struct vb_api_word *word = words->words; word->path; word++)
        if (strcmp(word->path, path) == 0)
            return word;
    return NULL;
}

/* Messages name members too, and are compared as a whole. */
static const char *find_saying(const struct vb_api_words *words, const char *message)
{
    for (const struct vb_api_saying *saying = words->sayings; saying->specification; saying++)
        if (strcmp(saying->specification, message) == 0)
            return saying->door;
    return message;
}

/* The member itself, without the place in its list. */
static void path_of(const struct vb_problem *problem, char path[VB_PROBLEM_PATH])
{
    (void)snprintf(path, VB_PROBLEM_PATH, "%s%s%s", problem->within ? problem->within : "",
                   problem->within && problem->member ? "." : "",
                   problem->member ? problem->member : "");
}

/* What is wrong with a specification, noted as what is wrong with the door's body. Inputs stay
 * borrowed. */
static void translate(const struct vb_api_words *words, const struct vb_problems *specification,
                      struct vb_problems *ret_problems)
{
    for (size_t i = 0; i < vb_problems_listed(specification); i++) {
        char path[VB_PROBLEM_PATH];
        struct vb_problem problem = specification->items[i];
        path_of(&problem, path);
        const struct vb_api_word *word = find_word(words, path);
        if (word) {
            problem.within = word->within;
            problem.member = word->member;
        }
        problem.message = find_saying(words, problem.message);
        vb_problems_add(ret_problems, &problem);
    }
}

/* --- what only the source or the clock can tell --- */

/* `path` may end with a place in a list: "select.conversation_ids.3". */
static void answer_missing(struct vb_http_exchange *exchange, const char *path)
{
    const struct vb_api_word *word = exchange->request->route->door->words->words;
    char detail[128];
    size_t length = 0;
    for (; word->path; word++) {
        length = strlen(word->path);
        if (strncmp(word->path, path, length) == 0 && (!path[length] || path[length] == '.'))
            break;
    }
    if (word->path && word->noun)
        (void)snprintf(detail, sizeof(detail), "No %s found for %s%s%s%s.", word->noun,
                       word->within ? word->within : "", word->within ? "." : "", word->member,
                       path + length);
    else
        (void)snprintf(detail, sizeof(detail), "Nothing found for %s.", path);
    vb_http_answer_detail(exchange, 404, detail);
}

void vb_api_words_refuse(struct vb_http_exchange *exchange, const struct vb_problem *problem)
{
    const struct vb_api_words *words = exchange->request->route->door->words;
    struct vb_problems specification, problems;
    vb_problems_init(&specification);
    vb_problems_init(&problems);
    vb_problems_add(&specification, problem);
    if (words)
        translate(words, &specification, &problems);
    vb_http_answer_problems(exchange, words ? &problems : &specification);
    vb_problems_done(&specification);
    vb_problems_done(&problems);
}

/* As vb_api_range_answer, in the door's words. */
static void answer_refused(struct vb_http_exchange *exchange, const char *member,
                           const char *message)
{
    const struct vb_api_order *order = exchange->state;
    const json_t *filter = json_object_get(order->wish.resolution.specification.root, "filter");
    const struct vb_problem problem = {.type = "value_error",
                                       .within = "filter",
                                       .member = member,
                                       .index = -1,
                                       .message = message,
                                       .input = json_object_get(filter, member)};
    vb_api_words_refuse(exchange, &problem);
}

/* An order is begun only where neither list holds anything. */
void vb_api_words_order(struct vb_http_exchange *exchange, json_t *built,
                        struct vb_problems *problems)
{
    struct vb_api_order *order = exchange->state;
    struct vb_problems broken;
    enum vb_status status =
        vb_specification_from(built, &order->wish.resolution.specification, &broken);
    if (status == VB_INVALID)
        translate(exchange->request->route->door->words, &broken, problems);
    if (!order->missing)
        order->missing = answer_missing;
    order->refused = answer_refused;
    if (status != VB_OK && status != VB_INVALID)
        vb_http_answer_status(exchange, status, "the specification");
    else if (problems->count > 0)
        vb_http_answer_problems(exchange, problems);
    else
        vb_api_order_begin(exchange);
    vb_problems_done(&broken);
}
