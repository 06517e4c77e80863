/* What each renderer costs by itself, on one core, beside CSV of messages in the same run: a
 * million messages in 40,000 conversations from memory into a buffer that is emptied like the
 * worker's. The rounds of all renderers are interleaved and the best of each counts, so that a busy
 * machine hits them alike. The time to make the messages is measured apart and taken off. */
#include "verbatim/render.h"

#include "sample.h"

#define ROUNDS 5
#define FLUSH (64u * 1024u)

struct contender {
    const char *format, *layout;
    const struct vb_renderer *renderer;
    double best; /* seconds */
    uint64_t bytes;
};

static struct contender contenders[] = {
    {.format = "csv", .layout = "messages"},
    {.format = "json"},
    {.format = "ndjson"},
    {.format = "html"},
    {.format = "json", .layout = "turns"},
    {.format = "csv", .layout = "conversations"},
    {.format = "csv", .layout = "leads"},
};
#define CONTENDERS (sizeof contenders / sizeof *contenders)

static unsigned sum; /* keeps the work from being optimised away */

static uint64_t flush(struct vb_buffer *out, size_t below)
{
    size_t length = out->length;
    if (length <= below)
        return 0;
    sum += (unsigned char)out->data[length / 2];
    vb_buffer_reset(out);
    return length;
}

static uint64_t render_one(const struct vb_renderer *renderer,
                           const struct vb_render_context *context, struct sample *s, bool first,
                           struct vb_buffer *out)
{
    struct vb_error err = {0};
    uint64_t bytes = 0;
    must(renderer->conversation(context, &s->conversation, first, out, &err), &err);
    for (unsigned i = 0; i < MESSAGES; i++) {
        make_message(s, i);
        must(renderer->message(context, &s->conversation, &s->message, out, &err), &err);
        bytes += flush(out, FLUSH);
    }
    must(renderer->end_conversation(context, &s->conversation, out, &err), &err);
    return bytes;
}

static void run_round(struct contender *contender, const struct vb_render_context *context,
                      struct vb_buffer *out)
{
    struct vb_error err = {0};
    struct sample s;
    double start = cpu_seconds();
    contender->bytes = 0;
    must(contender->renderer->begin_file(context, out, &err), &err);
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        begin_sample(&s, i);
        contender->bytes += render_one(contender->renderer, context, &s, i == 0, out);
    }
    must(contender->renderer->end_file(context, out, &err), &err);
    contender->bytes += flush(out, 0);
    double spent = cpu_seconds() - start;
    if (contender->best == 0 || spent < contender->best)
        contender->best = spent;
}

/* The same loop without a renderer. */
static double time_making(void)
{
    struct sample s;
    double start = cpu_seconds();
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        begin_sample(&s, i);
        for (unsigned k = 0; k < MESSAGES; k++) {
            make_message(&s, k);
            sum += (unsigned char)s.message.id.data[35];
            __asm__ volatile("" : : "r"(&s) : "memory");
        }
    }
    return cpu_seconds() - start;
}

static void print(const struct contender *c, double making)
{
    double messages = CONVERSATIONS * MESSAGES, yardstick = contenders[0].best - making;
    double own = c->best - making;
    printf("%-6s %-13s %7.1f MB %6.0f MB/s %6.2f million messages/s, %.2f of csv messages\n",
           c->format, c->layout ? c->layout : "", (double)c->bytes / 1e6,
           (double)c->bytes / 1e6 / own, messages / 1e6 / own, yardstick / own);
}

int main(void)
{
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_state state;
    struct vb_render_context context = {.include = VB_INCLUDE_DEFAULT, .state = &state};
    double making = 0;
    must(vb_zone_new("America/New_York", &context.zone, &err), &err);
    vb_render_state_init(&state);
    vb_buffer_init(&out, 1u << 20);
    for (int round = 0; round < ROUNDS; round++) {
        double spent = time_making();
        making = making == 0 || spent < making ? spent : making;
        for (size_t i = 0; i < CONTENDERS; i++) {
            struct contender *c = &contenders[i];
            c->renderer = vb_renderer_find(vb_view_of(c->format), vb_view_of(c->layout));
            run_round(c, &context, &out);
        }
    }
    for (size_t i = 0; i < CONTENDERS; i++)
        print(&contenders[i], making);
    vb_buffer_done(&out);
    vb_render_state_done(&state);
    vb_zone_free(context.zone);
    return sum == 1 ? 1 : 0;
}
