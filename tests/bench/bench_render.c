/* What renderer and archive writer cost by themselves, on one core: a million messages in 40,000
 * conversations from memory, through the CSV renderer, then through deflate and ZIP into a sink
 * that throws parts away. Prints processor time and MB/s; the yardstick is memcpy of the same
 * bytes. */
#include "verbatim/archive.h"
#include "verbatim/names.h"
#include "verbatim/render.h"

#include "sample.h"

static enum vb_status drop_part(void *context, uint32_t index, struct vb_body *body, bool last,
                                struct vb_error *err)
{
    (void)context, (void)index, (void)last, (void)err;
    body->release(body);
    return VB_OK;
}

static enum vb_status drop_records(void *context, const void *records, size_t length,
                                   struct vb_error *err)
{
    (void)context, (void)records, (void)length, (void)err;
    return VB_OK;
}

struct scene {
    struct vb_render_context context;
    const struct vb_renderer *renderer;
    uint64_t bytes;
    double sum; /* keeps the work from being optimised away */
};

static void render_conversation(struct scene *scene, unsigned number, struct vb_buffer *out)
{
    struct vb_error err = {0};
    struct sample s;
    begin_sample(&s, number);
    must(scene->renderer->begin_file(&scene->context, out, &err), &err);
    for (unsigned i = 0; i < MESSAGES; i++) {
        make_message(&s, i);
        must(scene->renderer->message(&scene->context, &s.conversation, &s.message, out, &err),
             &err);
    }
    scene->bytes += out->length;
}

static double time_renderer(struct scene *scene, struct vb_buffer *out)
{
    double start = cpu_seconds();
    scene->bytes = 0;
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        vb_buffer_reset(out);
        render_conversation(scene, i, out);
        size_t middle = out->length / 2;
        scene->sum += out->data[middle];
    }
    return cpu_seconds() - start;
}

/* From memory to memory, past every cache: what merely moving the rows would cost. */
static double time_memcpy(const struct scene *scene)
{
    size_t length = (size_t)64 << 20;
    char *from = malloc(length), *to = malloc(length);
    if (!from || !to)
        exit(1);
    memset(from, 'x', length);
    memset(to, 'y', length);
    double start = cpu_seconds();
    uint64_t copied = 0;
    for (; copied < 4 * scene->bytes; copied += length) {
        memcpy(to, from, length);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    double spent = cpu_seconds() - start;
    free(from);
    free(to);
    return spent * (double)scene->bytes / (double)copied;
}

/* Renders and archives; the caller takes off what rendering alone costs. */
static double time_archive(struct scene *scene, struct vb_buffer *out, uint64_t *ret_size)
{
    struct vb_error err = {0};
    struct vb_archive *archive = NULL;
    struct vb_namer *namer = NULL;
    char name[VB_NAME_BYTES + 1];
    struct vb_archive_options options = {.part_size = 6u << 20,
                                         .tables = {.begins = true},
                                         .sink = {.part = drop_part, .directory = drop_records}};
    double start = cpu_seconds();
    must(vb_archive_new(&options, &archive, &err), &err);
    must(vb_namer_new(scene->context.zone, scene->context.channel, ".csv", &namer, &err), &err);
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        struct vb_conversation c = {.id = VB_VIEW("1"),
                                    .created_at = (INT64_C(1775001600) + i * 60) * VB_SECOND,
                                    .contact_name = VB_VIEW("Jane Doe"),
                                    .count_in_second = 1};
        must(vb_namer_entry(namer, &c, name, &err), &err);
        vb_buffer_reset(out);
        render_conversation(scene, i, out);
        must(vb_archive_begin_entry(archive, vb_view_of(name),
                                    (struct vb_entry_time){c.created_at, 0}, &err),
             &err);
        must(vb_archive_write(archive, out->data, out->length, &err), &err);
        must(vb_archive_end_entry(archive, &err), &err);
    }
    must(vb_archive_end_segment(archive, &err), &err);
    *ret_size = vb_archive_totals(archive).size;
    vb_archive_free(archive);
    vb_namer_free(namer);
    return cpu_seconds() - start;
}

int main(void)
{
    struct vb_error err = {0};
    struct vb_buffer out;
    struct scene scene = {.renderer = vb_renderer_find(VB_VIEW("csv"), VB_VIEW("messages")),
                          .context.include = VB_INCLUDE_DEFAULT,
                          .context.channel = {.name = VB_VIEW("SMS Support"),
                                              .phone_number = VB_VIEW("+12025550123")}};
    uint64_t size = 0;
    must(vb_zone_new("America/New_York", &scene.context.zone, &err), &err);
    vb_buffer_init(&out, 1u << 20);
    double render = time_renderer(&scene, &out);
    double megabytes = (double)scene.bytes / 1e6;
    double copy = time_memcpy(&scene);
    double both = time_archive(&scene, &out, &size);
    printf("messages %u, rows %.1f MB, archive %.1f MB\n", CONVERSATIONS * MESSAGES, megabytes,
           (double)size / 1e6);
    printf("memcpy   %6.3f s %8.0f MB/s\n", copy, megabytes / copy);
    printf("renderer %6.3f s %8.0f MB/s, %.1f x memcpy\n", render, megabytes / render,
           render / copy);
    printf("archive  %6.3f s %8.0f MB/s, %.1f x memcpy\n", both - render,
           megabytes / (both - render), (both - render) / copy);
    vb_buffer_done(&out);
    vb_zone_free(scene.context.zone);
    return scene.sum < 0 ? 1 : 0;
}
