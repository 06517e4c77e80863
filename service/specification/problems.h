/* All that is wrong with the JSON body of a request, rule by rule, as clients of FastAPI know such
 * lists.
 *
 * At most a hundred problems are kept; further ones are counted. Some 15 KB, so it stands in its
 * owner's struct or on the heap. Filled in place and never moved: the texts of paths stand in the
 * list itself.
 *
 * The owner inits it and is always done with it; it owns the document that its inputs point into.
 * One thread. Only loading fails: VB_INVALID, the list saying why, or VB_NO_MEMORY. Views and
 * inputs live until vb_problems_done.
 */
#ifndef VERBATIM_SPECIFICATION_PROBLEMS_H
#define VERBATIM_SPECIFICATION_PROBLEMS_H

#include "verbatim/json.h"

struct json_t;

/* One broken rule. Strings are static, the document's or the list's. */
struct vb_problem {
    const char
        *type; /* as FastAPI's clients know it: "missing", "value_error", "extra_forbidden", ... */
    const char *within;  /* the member that holds it, such as "select"; NULL: the body itself */
    const char *member;  /* NULL: the body as a whole */
    int index;           /* in the member's list; -1: the member as a whole */
    const char *path;    /* all three, "select.conversation_ids.3"; "" for the body as a whole */
    const char *message; /* the rule */
    const struct json_t *input;
};

#define VB_PROBLEMS 100u /* listed at most: unknown members only would be answered a hundredfold */
#define VB_PROBLEM_PATH 96u
struct vb_problems {
    struct vb_problem items[VB_PROBLEMS];
    size_t count; /* may be larger than the list */
    char paths[VB_PROBLEMS][VB_PROBLEM_PATH];
    struct json_t *root; /* what `input` points into; owned */
    char text[160];      /* of malformed JSON */
    const char *place;   /* what the paths lead into: "body", or "query" */
};

void vb_problems_init(struct vb_problems *problems);
void vb_problems_done(struct vb_problems *problems);
size_t vb_problems_listed(const struct vb_problems *problems);
/* `problem`: type, within, member, index, message and input; the path is made here. */
void vb_problems_add(struct vb_problems *problems, const struct vb_problem *problem);
/* Parses a body into *ret_root (a new reference, to be handed to its reader). VB_INVALID: the list
 * says why; VB_NO_MEMORY. */
enum vb_status vb_problems_load(struct vb_problems *problems, struct vb_view body,
                                struct json_t **ret_root) vb_must_check;
/* {"detail": [{"type", "loc": [PLACE, ...], "msg", "input"}, ...]} */
void vb_problems_put(struct vb_json *json, const struct vb_problems *problems);

#endif
