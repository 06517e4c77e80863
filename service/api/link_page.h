/* What a person sees who opened a short link that leads nowhere: a small page, where the client is
 * a browser; JSON, as everywhere, where it is a program.
 *
 * Holds no word of who asked or of what the link belonged to. Nothing is owned; the loop's thread.
 * Answers the exchange; what cannot be written is answered as an error.
 */
#ifndef VERBATIM_API_LINK_PAGE_H
#define VERBATIM_API_LINK_PAGE_H

#include "api.h"

enum vb_link_trouble {
    VB_LINK_UNKNOWN, /* 404: no link, or its export was deleted */
    VB_LINK_REVOKED, /* 410 */
    VB_LINK_EXPIRED, /* 410 */
    VB_LINK_GONE,    /* 410: the file is not kept any longer */
    VB_LINK_AWAY,    /* 503: the database, or the way to the file */
    VB_LINK_TROUBLES
};
void vb_link_page_answer(struct vb_http_exchange *exchange, enum vb_link_trouble trouble);

#endif
