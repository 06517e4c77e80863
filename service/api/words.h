/* The words of a door, and the specification's: a door builds the specification from its own body,
 * and what is said about that is told in the door's words again. What the door does not name keeps
 * the specification's name.
 *
 * Constant tables, any thread; the order is the exchange's, on the loop's thread. Errors are
 * answers.
 */
#ifndef VERBATIM_API_WORDS_H
#define VERBATIM_API_WORDS_H

#include "site.h"

#include "specification/problems.h"

#include <jansson.h>

/* Where a member of the specification stands in the door's body. */
struct vb_api_word {
    const char *path;            /* "select.assistant_id" */
    const char *within, *member; /* as in struct vb_problem */
    const char *noun;            /* of what an id names; NULL: it names nothing */
};
/* A rule that names members. */
struct vb_api_saying {
    const char *specification, *door;
};
struct vb_api_words {
    const struct vb_api_word *words; /* up to one without a path */
    const struct vb_api_saying *sayings;
};

/* Answers one broken rule of the specification, in the door's words where it has some. */
void vb_api_words_refuse(struct vb_http_exchange *exchange, const struct vb_problem *problem);
/* Orders `built` (taken over; NULL: no memory) in the exchange's order, or answers every rule that
 * was broken: those in `problems`, and those of the specification. The door has `words`. */
void vb_api_words_order(struct vb_http_exchange *exchange, json_t *built,
                        struct vb_problems *problems);

#endif
