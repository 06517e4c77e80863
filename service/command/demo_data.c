/* verbatim demo-data. Into the source's database, since that is where conversations are; see
 * demo/data.h.
 *
 * No look at the schema `verbatim`: demo data may be made before or after `migrate`.
 */
#include "command.h"

#include "command/demo/data.h"
#include "verbatim/digits.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST INT64_C(100000000)

/* Positions of the command's flags in command.c. */
enum { CONVERSATIONS, MESSAGES, SEED, EVERYTHING };

/* Without `text` the value stays. */
static enum vb_status parse_count(const char *text, const char *flag, int64_t least,
                                  uint64_t *ret_value, struct vb_error *err)
{
    if (!text)
        return VB_OK;
    int64_t value;
    if (vb_digits_whole(vb_view_of(text), &value) != VB_OK || value < least || value > MOST)
        return vb_fail(err, VB_INVALID, "--%s is %s but must be a whole number from %lld to %lld",
                       flag, text, (long long)least, (long long)MOST);
    *ret_value = (uint64_t)value;
    return VB_OK;
}

enum vb_status vb_command_demo_data(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_demo_options options = {
        .connection_string = arguments->options.source_url ? arguments->options.source_url
                                                           : arguments->options.database_url,
        .schema = arguments->options.source_schema,
        .conversations = 2000,
        .messages_per_conversation = 12,
        .seed = 1,
        .everything = vb_argument(arguments, EVERYTHING) != NULL,
    };
    enum vb_status status = parse_count(vb_argument(arguments, CONVERSATIONS), "conversations", 1,
                                        &options.conversations, err);
    if (status == VB_OK)
        status = parse_count(vb_argument(arguments, MESSAGES), "messages-per-conversation", 1,
                             &options.messages_per_conversation, err);
    if (status == VB_OK)
        status = parse_count(vb_argument(arguments, SEED), "seed", 0, &options.seed, err);
    if (status == VB_OK)
        status = vb_demo_data(&options, err);
    if (status != VB_OK)
        return status;
    char text[256];
    snprintf(text, sizeof text,
             "workspace %s: %llu conversations with %llu messages each on average\n",
             VB_DEMO_WORKSPACE, (unsigned long long)options.conversations,
             (unsigned long long)options.messages_per_conversation);
    return vb_command_print(text, err);
}
