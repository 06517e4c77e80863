/* The range of a specification in the workspace's zone, and its refusal, for every door that
 * exports.
 *
 * Owns nothing: zones are the loop's, and may go with its next one. The loop's thread. Errors are
 * answers: 422 for a range that is none, in the words of the specification unless the door has its
 * own; 500 for a zone that nobody knows.
 */
#ifndef VERBATIM_API_RANGE_H
#define VERBATIM_API_RANGE_H

#include "api.h"

#include "specification/specification.h"

/* Answers that the range is none; `member` is from or to. */
typedef void vb_api_range_refused(struct vb_http_exchange *exchange, const char *member,
                                  const char *message);

/* The refusal as a broken rule of the filter. */
void vb_api_range_answer(struct vb_http_exchange *exchange,
                         const struct vb_specification *specification, const char *member,
                         const char *message);
/* Before anything is looked up: an end that is not after the start, and a start in the future, are
 * answered. False: answered. */
bool vb_api_range_judge(struct vb_http_exchange *exchange,
                        const struct vb_specification *specification);
/* As of a moment, once that is known. False: answered. */
bool vb_api_range_of(struct vb_http_exchange *exchange,
                     const struct vb_specification *specification, vb_instant as_of,
                     vb_instant *ret_from, vb_instant *ret_to);

#endif
