/* An open table of hashes that doubles; see name_numbers.h. Names are compared folded and
 * decomposed, as file systems do that ignore case or spelling.
 *
 * Linear probing at half full at most. 64 bits of FNV-1a over at most 4,096 names a second make two
 * names of one hash a matter of once in 10^12 seconds; what it would cost is a number too many. FNV
 * keeps nobody from making collisions on purpose; that would get its author's names numbers and
 * slow one second's names down.
 */
#include "name_numbers.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 32u

void vb_name_numbers_done(struct vb_name_numbers *numbers)
{
    free(numbers->slots);
    *numbers = (struct vb_name_numbers){0};
}

/* A table that grew goes back to the system: crowded seconds are rare. */
void vb_name_numbers_reset(struct vb_name_numbers *numbers)
{
    if (numbers->capacity > FIRST_CAPACITY)
        vb_name_numbers_done(numbers);
    else if (numbers->count > 0)
        memset(numbers->slots, 0, numbers->capacity * sizeof *numbers->slots);
    numbers->count = 0;
}

/* FNV-1a, 64 bits; never 0. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

/* g_utf8_normalize gives NULL for text that is not UTF-8, which names here never are. */
static uint64_t hash_name(struct vb_view name)
{
    char *folded = g_utf8_casefold(name.data, (gssize)name.length);
    char *plain = g_utf8_normalize(folded, -1, G_NORMALIZE_DEFAULT);
    uint64_t hash = hash_text(plain ? plain : folded);
    g_free(plain);
    g_free(folded);
    return hash;
}

/* The slot of the hash, or the free one where it belongs. Ends, since at least half of them are
 * free. */
static struct vb_name_number *find_slot(struct vb_name_number *slots, size_t capacity,
                                        uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static enum vb_status grow(struct vb_name_numbers *numbers)
{
    size_t capacity = numbers->capacity ? numbers->capacity * 2 : FIRST_CAPACITY;
    struct vb_name_number *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return VB_NO_MEMORY;
    for (size_t i = 0; i < numbers->capacity; i++)
        if (numbers->slots[i].hash != 0)
            *find_slot(slots, capacity, numbers->slots[i].hash) = numbers->slots[i];
    free(numbers->slots);
    numbers->slots = slots;
    numbers->capacity = capacity;
    return VB_OK;
}

/* It grows before the name is looked up, so a slot that was found stays where it is. */
enum vb_status vb_name_numbers_next(struct vb_name_numbers *numbers, struct vb_view name,
                                    uint32_t *ret_number)
{
    if (numbers->count * 2 >= numbers->capacity) {
        enum vb_status status = grow(numbers);
        if (status != VB_OK)
            return status;
    }
    uint64_t hash = hash_name(name);
    struct vb_name_number *slot = find_slot(numbers->slots, numbers->capacity, hash);
    if (slot->hash == 0) {
        *slot = (struct vb_name_number){hash, 1};
        numbers->count++;
    }
    *ret_number = slot->next++;
    return VB_OK;
}
