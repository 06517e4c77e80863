/* Transcripts on one core: one conversation of 100,000 messages, and many short ones. Pages and
 * messages a second, bytes a page, and the memory that the process has come to, which the giant
 * must not raise above what a short one took by more than a few bytes a page. */
#include "verbatim/render.h"

#include "sample.h"

#include <sys/resource.h>

#define GIANT 100000u
#define SHORT 2000u
#define FLUSH (64u * 1024u)

struct tally {
    uint64_t bytes, pages;
};

static double peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* Pages are counted where cairo announces them; a word cut by a flush is missed. */
static void flush(struct vb_buffer *out, size_t below, struct tally *tally)
{
    static const char word[] = "/Type /Page %";
    if (out->length <= below)
        return;
    const char *at = out->data, *end = out->data + out->length;
    while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1))) {
        tally->pages++;
        at++;
    }
    tally->bytes += out->length;
    vb_buffer_reset(out);
}

static void render(const struct vb_render_context *context, unsigned number, unsigned messages,
                   struct vb_buffer *out, struct tally *tally)
{
    const struct vb_renderer *pdf = vb_renderer_find(VB_VIEW("pdf"), vb_view_of(NULL));
    struct vb_error err = {0};
    struct sample s;
    begin_sample(&s, number);
    must(pdf->begin_file(context, out, &err), &err);
    must(pdf->conversation(context, &s.conversation, true, out, &err), &err);
    for (unsigned i = 0; i < messages; i++) {
        make_message(&s, i);
        must(pdf->message(context, &s.conversation, &s.message, out, &err), &err);
        flush(out, FLUSH, tally);
    }
    must(pdf->end_conversation(context, &s.conversation, out, &err), &err);
    must(pdf->end_file(context, out, &err), &err);
    flush(out, 0, tally);
}

static void print(const char *what, double start, double messages, const struct tally *tally)
{
    double spent = cpu_seconds() - start;
    printf("%-28s %6llu pages, %5.0f pages/s, %7.0f messages/s, %6.0f bytes/page, peak %.1f MiB\n",
           what, (unsigned long long)tally->pages, (double)tally->pages / spent, messages / spent,
           (double)tally->bytes / (double)tally->pages, peak());
}

int main(void)
{
    struct vb_error err = {0};
    struct vb_buffer out;
    struct vb_render_state state;
    struct vb_render_context context = {.include = VB_INCLUDE_DEFAULT, .state = &state};
    struct tally first = {0}, many = {0}, giant = {0};
    must(vb_zone_new("America/New_York", &context.zone, &err), &err);
    vb_render_state_init(&state);
    vb_buffer_init(&out, 64u << 20);
    double start = cpu_seconds();
    render(&context, 0, MESSAGES, &out, &first);
    print("the first, fonts included", start, MESSAGES, &first);
    start = cpu_seconds();
    for (unsigned i = 1; i <= SHORT; i++)
        render(&context, i, MESSAGES, &out, &many);
    print("2,000 of 25 messages", start, (double)SHORT * MESSAGES, &many);
    start = cpu_seconds();
    render(&context, 0, GIANT, &out, &giant);
    print("one of 100,000 messages", start, GIANT, &giant);
    vb_buffer_done(&out);
    vb_render_state_done(&state);
    vb_zone_free(context.zone);
    return 0;
}
