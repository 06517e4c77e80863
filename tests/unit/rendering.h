/* Whole files rendered for tests: stories of conversations, lists as PostgreSQL sends them, and a
 * driver that may empty the output between any two calls, as the worker does. */
#ifndef VB_TEST_RENDERING_H
#define VB_TEST_RENDERING_H

#include "verbatim/render.h"

#include <stdlib.h>
#include <string.h>

#define AT (INT64_C(1775618683123456)) /* 2026-04-08 03:24:43.123456 UTC */
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct story {
    struct vb_conversation conversation;
    const struct vb_message *messages;
    size_t message_count;
    const struct vb_extra *extras;
    size_t extra_count;
};

/* A text[] in binary. The bytes live in `store`, to be freed by its owner; NULL texts are SQL
 * NULL. */
static inline struct vb_text_list list_of(struct vb_buffer *store, const struct vb_view *texts,
                                          size_t count)
{
    vb_buffer_init(store, 1u << 20);
    for (size_t i = 0; i < count; i++) {
        uint32_t length = texts[i].data ? (uint32_t)texts[i].length : UINT32_MAX;
        char prefix[] = {(char)(length >> 24), (char)(length >> 16), (char)(length >> 8),
                         (char)length};
        assert_int_equal(vb_buffer_append(store, prefix, 4), VB_OK);
        if (texts[i].data)
            assert_int_equal(vb_buffer_append(store, texts[i].data, texts[i].length), VB_OK);
    }
    return (struct vb_text_list){{store->data, store->length}, count};
}

struct rendering {
    struct vb_buffer out, whole;
    unsigned draining; /* 0: only at the end; else the state of the dice */
};

static inline void drain(struct rendering *r, bool always)
{
    if (!always && (r->draining == 0 || rand_r(&r->draining) % 3 != 0))
        return;
    assert_int_equal(vb_buffer_append(&r->whole, r->out.data, r->out.length), VB_OK);
    vb_buffer_reset(&r->out);
}

static inline void must(enum vb_status status, const struct vb_error *err)
{
    if (status != VB_OK)
        fail_msg("%s", err->text);
}

static inline void render_extras(struct rendering *r, const struct vb_renderer *renderer,
                                 const struct vb_render_context *context, const struct story *s)
{
    struct vb_error err = {0};
    for (size_t i = 0; i < s->extra_count && renderer->extra; i++) {
        must(renderer->extra(context, &s->conversation, &s->extras[i], &r->out, &err), &err);
        drain(r, false);
    }
}

static inline void render_story(struct rendering *r, const struct vb_renderer *renderer,
                                const struct vb_render_context *context, const struct story *s,
                                bool first)
{
    struct vb_error err = {0};
    bool early = renderer->columns(context->include) & VB_COLUMNS_NOTES_FIRST;
    must(renderer->conversation(context, &s->conversation, first, &r->out, &err), &err);
    drain(r, false);
    if (early)
        render_extras(r, renderer, context, s);
    for (size_t i = 0; i < s->message_count; i++) {
        must(renderer->message(context, &s->conversation, &s->messages[i], &r->out, &err), &err);
        drain(r, false);
    }
    if (!early)
        render_extras(r, renderer, context, s);
    must(renderer->end_conversation(context, &s->conversation, &r->out, &err), &err);
    drain(r, false);
}

/* The whole file. `draining` 0 empties the output once; any other number at random. The text is
 * NUL-terminated and to be freed with vb_buffer_done. */
static inline struct vb_buffer render_file(const struct vb_renderer *renderer,
                                           const struct vb_render_context *context,
                                           const struct story *stories, size_t count,
                                           unsigned draining)
{
    struct vb_error err = {0};
    struct rendering r = {.draining = draining};
    vb_buffer_init(&r.out, 16u << 20);
    vb_buffer_init(&r.whole, 64u << 20);
    must(renderer->begin_file(context, &r.out, &err), &err);
    for (size_t i = 0; i < count; i++)
        render_story(&r, renderer, context, &stories[i], i == 0);
    must(renderer->end_file(context, &r.out, &err), &err);
    drain(&r, true);
    vb_buffer_done(&r.out);
    return r.whole;
}

#endif
