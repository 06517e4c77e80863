/* verbatim demo-data: fills the schema of the source contract, on the server where conversations are read. */
#include "command.h"

#include "verbatim/demo_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { CONVERSATIONS, MESSAGES, SEED };
#define CONVERSATIONS_MOST 100000000u
#define MESSAGES_MOST 10000000u
#define SEED_DEFAULT 1

/* Leaves the default where the flag was not given. */
static enum vb_status read_number(const struct vb_arguments *arguments, size_t flag,
                                  const char *name, uint64_t least, uint64_t most, uint64_t *number,
                                  struct vb_error *err)
{
    const char *text = vb_argument(arguments, flag);
    if (!text)
        return VB_OK;
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    /* strtoull takes blanks and signs, too */
    if (text[0] < '0' || text[0] > '9' || *end || errno == ERANGE || value < least || value > most)
        return vb_fail(err, VB_INVALID,
                       "--%s \"%s\": must be a number from %" PRIu64 " to %" PRIu64, name, text,
                       least, most);
    *number = value;
    return VB_OK;
}

enum vb_status vb_command_demo_data(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_demo_options demo = {.connection_string = arguments->options.source_url,
                                   .schema = arguments->options.source_schema,
                                   .seed = SEED_DEFAULT};
    enum vb_status status = read_number(arguments, CONVERSATIONS, "conversations", 1,
                                        CONVERSATIONS_MOST, &demo.conversations, err);
    if (status == VB_OK)
        status = read_number(arguments, MESSAGES, "messages-per-conversation", 1, MESSAGES_MOST,
                             &demo.messages_per_conversation, err);
    if (status == VB_OK)
        status = read_number(arguments, SEED, "seed", 0, UINT64_MAX, &demo.seed, err);
    return status == VB_OK ? vb_demo_data(&demo, err) : status;
}
