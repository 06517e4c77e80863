/* The query string of a request, taken apart by a table of parameters: names and values decoded,
 * rules checked.
 *
 * `%XX` and '+' are decoded. Refused, each by its name: unknown and repeated parameters, missing
 * ones, values that break their rule, and whatever is no UTF-8 or holds a NUL. A list may be
 * repeated, and each of its values may be several with commas between them. Pieces without a
 * byte ("a=1&&b=2") are skipped; one without '=' has the empty value.
 *
 * Owns copies of the values until vb_http_query_done. One thread at a time. Errors: VB_INVALID with
 * all problems at once, VB_NO_MEMORY.
 */
#ifndef VERBATIM_HTTP_QUERY_H
#define VERBATIM_HTTP_QUERY_H

#include "specification/problems.h"

/* Most rows of a table. */
#define VB_HTTP_PARAMETERS 12u

/* One row of a route's table. */
struct vb_http_parameter {
    const char *name;
    bool required;
    bool is_number;      /* digits alone, from `least` to `most` */
    int64_t least, most; /* of a number */
    /* A list of words, each one of these: at most 32, ended by a NULL. NULL: no list. */
    const char *const *words;
    /* Of a text, NULL: any. `type` and `message` tell the rule, also that of a number or list. */
    bool (*holds)(struct vb_view text);
    const char *type, *message;
};

struct vb_http_value {
    const char *text; /* decoded, NUL-terminated, of a list the last one; NULL: not given */
    int64_t number;   /* of a list: a bit for each of its words, from the lowest on */
};

struct vb_http_query {
    struct vb_buffer texts;
    struct vb_http_value values[VB_HTTP_PARAMETERS]; /* by position in the table */
};

/* `ret_problems` is initialised here, and always its owner's to be done with. VB_INVALID: it lists
 * something, and the query holds nothing. VB_NO_MEMORY. */
enum vb_status vb_http_query_parse(struct vb_view query, const struct vb_http_parameter *table,
                                   size_t count, struct vb_http_query *ret_query,
                                   struct vb_problems *ret_problems) vb_must_check;
void vb_http_query_done(struct vb_http_query *query);

/* The words that a list named, as an array literal of PostgreSQL, "{red,blue}", in `text`; NULL: it
 * was not given. The words are ours, need no quotes and have room together. */
#define VB_HTTP_LIST 160u
const char *vb_http_value_list(const struct vb_http_value *value, const char *const *words,
                               char text[VB_HTTP_LIST]);

/* The same for an exchange; false: answered, in the shape of its door. */
struct vb_http_exchange;
bool vb_http_query_read(struct vb_http_exchange *exchange, const struct vb_http_parameter *table,
                        size_t count, struct vb_http_query *ret_query);

#endif
