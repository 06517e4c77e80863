/* A transfer in slices, so that a stop is heard. See transfer.h.
 *
 * The multi interface for a single handle: curl_easy_perform would do, but calls back only once a
 * second while it waits. A multi handle that fails is out of memory or misused, so each of its
 * failures counts as want of memory, which may pass.
 */
#include "verbatim/transfer.h"

#define SLICE 200 /* milliseconds: how late a stop may be heard */

static bool is_asked(bool (*stop)(void *context), void *context)
{
    return stop && stop(context);
}

/* One handle alone is in the multi, so the first message is its end. A message is missing only
 * where the multi handle itself failed. */
static CURLcode run(CURLM *multi, bool (*stop)(void *context), void *context)
{
    int running = 1, left = 0;
    CURLMcode code = curl_multi_perform(multi, &running);
    while (code == CURLM_OK && running > 0) {
        if (is_asked(stop, context))
            return CURLE_ABORTED_BY_CALLBACK;
        code = curl_multi_poll(multi, NULL, 0, SLICE, NULL);
        if (code == CURLM_OK)
            code = curl_multi_perform(multi, &running);
    }
    const CURLMsg *end = code == CURLM_OK ? curl_multi_info_read(multi, &left) : NULL;
    return end ? end->data.result : CURLE_OUT_OF_MEMORY;
}

/* Taken out in the middle, the connection is closed; at the end it is kept. */
CURLcode vb_transfer(CURLM *multi, CURL *easy, bool (*stop)(void *context), void *context)
{
    if (is_asked(stop, context))
        return CURLE_ABORTED_BY_CALLBACK;
    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = run(multi, stop, context);
    curl_multi_remove_handle(multi, easy);
    return code;
}
