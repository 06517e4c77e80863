/* One look-up of a resolution: which statement, of what, and how its rows are taken. Inside of http_resolve. */
#ifndef VERBATIM_API_LOOKUP_H
#define VERBATIM_API_LOOKUP_H

#include "resolve.h"

struct http_lookup;
/* Keeps what was found in exchange->state's resolution. False: answered. */
typedef bool http_lookup_take(struct http_exchange *exchange, const struct http_lookup *lookup,
                              const PGresult *found);

struct http_lookup {
    size_t statement;   /* of the loop's source statements */
    const char *member; /* of the specification */
    const char *value;
    http_lookup_take *take;
};

http_lookup_take http_take_channel; /* the selected one */
http_lookup_take http_take_channels;
http_lookup_take http_take_any; /* it has to be there, no more */
http_lookup_take http_take_titled;
http_lookup_take http_take_person;
http_lookup_take http_take_conversations;
http_lookup_take http_take_now;

/* 404, in the door's words. */
void http_lookup_missing(struct http_exchange *exchange, const char *member);
void http_lookup_no_memory(struct http_exchange *exchange);
/* Whether the source has what the specification filters by. False: answered. */
bool http_lookup_possible(struct http_exchange *exchange);

#endif
