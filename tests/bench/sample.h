/* What the renderer benchmarks feed: conversations from memory, made the same way for each of
 * them. */
#ifndef VB_BENCH_SAMPLE_H
#define VB_BENCH_SAMPLE_H

#include "verbatim/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONVERSATIONS 40000u
#define MESSAGES 25u /* of each */

static inline double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void must(enum vb_status status, const struct vb_error *err)
{
    if (status == VB_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

/* Short and long, plain and quoted, of several scripts: what people write to each other. */
static const char *const texts[] = {
    "Hi, could you tell me when my order arrives?",
    "ok",
    "Sure! Your order left our warehouse this morning and should be with you on Thursday, between "
    "nine and noon. The driver will ring you half an hour before.",
    "He said \"tomorrow\", but nobody came.",
    "\xE8\xAB\x8B\xE5\x95\x8F\xE4\xBB\x80\xE9\xBA\xBC\xE6\x99\x82\xE5\x80\x99\xE5\x88\xB0\xE8\xB2"
    "\xA8",
    "Thanks \xF0\x9F\x99\x8F",
    "The address is 12 Long Lane\nLondon",
};

/* One conversation and the message that is its turn; ids are written into the struct. */
struct sample {
    char ids[2][40];
    unsigned number;
    struct vb_conversation conversation;
    struct vb_message message;
};

static inline void begin_sample(struct sample *s, unsigned number)
{
    static const char tags[] = "\0\0\0\3new\0\0\0\4lead";
    s->number = number;
    snprintf(s->ids[0], sizeof s->ids[0], "3fa85f64-5717-4562-b3fc-2c96%08x", number);
    memcpy(s->ids[1], "a1b2c3d4-1111-2222-3333-4444", 29);
    s->conversation = (struct vb_conversation){
        .id = vb_view_of(s->ids[0]),
        .created_at = (INT64_C(1775001600) + number * 60) * VB_SECOND,
        .contact_name = VB_VIEW("Jane Doe"),
        .contact_phone = VB_VIEW("+12025550123"),
        .contact_email = VB_VIEW("jane.doe@example.com"),
        .contact_id = VB_VIEW("0b4b0f0c-2f0e-4b0d-8a62-3f2a9a3c1d11"),
        .assistant_id = VB_VIEW("7d1f6a52-1111-4e07-9f3b-0f64f5f4c111"),
        .assistant_name = VB_VIEW("Robo"),
        .channel = {VB_VIEW("a1b2c3d4-0000-4000-8000-000000000001"), VB_VIEW("SMS Support"),
                    VB_VIEW("LOCAL"), VB_VIEW("+12025550100")},
        .status = VB_VIEW("closed"),
        .priority = VB_VIEW("normal"),
        .tags = {{tags, sizeof tags - 1}, 2},
        .count_in_second = 1};
}

static inline void make_message(struct sample *s, unsigned i)
{
    snprintf(s->ids[1] + 28, sizeof s->ids[1] - 28, "%08x", s->number * MESSAGES + i);
    s->message =
        (struct vb_message){.id = vb_view_of(s->ids[1]),
                            .created_at = s->conversation.created_at + i * 17 * VB_SECOND + 123456,
                            .direction = i % 2 ? VB_VIEW("outbound") : VB_VIEW("inbound"),
                            .speaker_type = i % 2 ? VB_VIEW("bot") : VB_VIEW("customer"),
                            .text = vb_view_of(texts[(s->number + i) % 7]),
                            .status = VB_VIEW("delivered")};
}

#endif
