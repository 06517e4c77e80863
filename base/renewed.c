/* See renewed.h. A slot is published by the count; its text is swapped in one store. */
#include "verbatim/renewed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8

struct text {
    struct text *before; /* what it has replaced */
    char words[];
};

static struct slot {
    const char *original;
    _Atomic(struct text *) latest;
} slots[SLOTS];
static atomic_size_t count;

static struct slot *find(const char *original)
{
    size_t known = atomic_load_explicit(&count, memory_order_acquire);
    for (size_t i = 0; i < known; i++)
        if (slots[i].original == original)
            return &slots[i];
    return NULL;
}

const char *vb_renewed_text(const char *original)
{
    struct slot *slot = original ? find(original) : NULL;
    return slot ? atomic_load(&slot->latest)->words : original;
}

enum vb_status vb_renewed_put(const char *original, const char *text, struct vb_error *err)
{
    size_t known = atomic_load(&count), size = strlen(text) + 1;
    struct slot *slot = find(original);
    if (!slot && known == SLOTS)
        return vb_fail(err, VB_LIMIT, "too many texts are replaced");
    struct text *fresh = malloc(sizeof *fresh + size);
    if (!fresh)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a text that is replaced");
    memcpy(fresh->words, text, size);
    fresh->before = slot ? atomic_load(&slot->latest) : NULL;
    if (slot) {
        atomic_store(&slot->latest, fresh);
        return VB_OK;
    }
    slots[known].original = original;
    atomic_store(&slots[known].latest, fresh);
    atomic_store_explicit(&count, known + 1, memory_order_release);
    return VB_OK;
}

void vb_renewed_done(void)
{
    for (size_t i = atomic_exchange(&count, 0); i-- > 0;)
        for (struct text *text = atomic_load(&slots[i].latest), *before; text; text = before) {
            before = text->before;
            explicit_bzero(text->words, strlen(text->words));
            free(text);
        }
}
