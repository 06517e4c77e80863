/* What a specification names, looked up in the source: the channel, the assistant, the contact, the conversations. And the
 * moment as of which it is read.
 *
 * For every door that exports, queued or at once. One round trip, whatever is named.
 */
#ifndef VERBATIM_API_RESOLVE_H
#define VERBATIM_API_RESOLVE_H

#include "api.h"

#include "specification/specification.h"

/* Columns of a channel's row; NULL where the source has none. */
enum { CHANNEL_ID, CHANNEL_NAME, CHANNEL_TYPE, CHANNEL_PHONE, CHANNEL_AS_OF, CHANNEL_SNAPSHOT };

/* Stands first in whatever exchange->state is. */
struct http_resolution {
    /* Set by the door. */
    struct vb_specification
        specification; /* owned; limited to what the key may see and to what was found */
    bool same_person;  /* the selected contact is everybody with its e-mail or phone */
    /* Called once everything is there; it has to answer. */
    void (*found)(struct http_exchange *exchange);
    /* Several channels have the number. NULL: the main contract's 409. */
    void (*several)(struct http_exchange *exchange, const int *rows, size_t count);
    /* `member`: "select.assistant_id". NULL: 404, naming the member. */
    void (*missing)(struct http_exchange *exchange, const char *member);
    /* Found. Texts live as long as this. */
    PGresult *channels; /* text results; NULL where no one channel is selected */
    int channel;        /* its row */
    char *title;        /* the assistant's or the contact's name; NULL: none */
    char *snapshot;
    vb_instant as_of;
};
void http_resolution_done(struct http_resolution *resolution);

/* Sends the look-ups for exchange->state's specification and takes exchange->access for who asks. What is missing, or is
 * another workspace's, or cannot be seen, is answered in the same way. */
void http_resolve(struct http_exchange *exchange);

/* Field of the selected channel; NULL for none. */
const char *http_resolution_channel(const struct http_resolution *resolution, int column);

#endif
