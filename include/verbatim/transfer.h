/* One transfer over libcurl that can be stopped: curl_easy_perform hears of a stop once a second,
 * this within 200 ms.
 *
 * No limits of its own: those are the handle's options. `multi` and `easy` are the caller's, belong
 * to the calling thread and are not in use elsewhere. Errors are libcurl's; CURLE_OUT_OF_MEMORY
 * also where the multi handle fails. `multi` keeps the connections from one transfer to the next.
 */
#ifndef VERBATIM_TRANSFER_H
#define VERBATIM_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

/* CURLE_ABORTED_BY_CALLBACK: `stop` (may be NULL) said so, before or during the transfer; its
 * connection is closed then. */
CURLcode vb_transfer(CURLM *multi, CURL *easy, bool (*stop)(void *context), void *context);

/* Sets an option unless one before it failed: `code` keeps the first failure. */
#define VB_TRANSFER_SET(code, easy, option, value)                                                 \
    do {                                                                                           \
        if ((code) == CURLE_OK)                                                                    \
            (code) = curl_easy_setopt(easy, option, value);                                        \
    } while (0)

#endif
