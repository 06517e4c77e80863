/* A window of media under way, taken in order. See media.h.
 *
 * A ring of slots. Web servers answer in any order, each into its slot's spool; an object of a
 * bucket is fetched when it is the first, while the others go on. What is tried and for how long is
 * decided in web.c and objects.c.
 *
 * Nothing that depends on the order of answers may reach the archive: what a medium came to is told
 * at its turn, and where a fetch ahead of its turn failed for want of disk it is begun anew then,
 * as if nothing had been fetched beside it.
 */
#include "common.h"
#include "objects.h"
#include "web.h"

#include "verbatim/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SLICE (VB_SECOND / 5)    /* how late a stop may be heard */
#define TEXTS_AHEAD (64u * 1024) /* of the URLs and types that wait */
#define TEXTS_CEILING (128u * 1024 * 1024)

struct slot {
    struct vb_fetch *fetch;
    struct vb_buffer texts;  /* URL and type, each with a NUL */
    struct vb_medium medium; /* its texts lie there */
    bool is_object;
    bool began_first; /* nothing else was on the disk */
};

struct vb_fetcher {
    struct vb_media *media;
    struct vb_web *web;
    struct vb_objects *objects;
    bool (*stop)(void *context);
    void *stop_context;
    uint64_t wanted;  /* bytes of media, in all */
    uint64_t largest; /* so far */
    size_t texts;     /* bytes of those that wait */
    bool alone;       /* none but the first may begin */
    size_t size, first, count;
    struct slot slots[];
};

static struct slot *slot_at(struct vb_fetcher *fetcher, size_t place)
{
    return &fetcher->slots[(fetcher->first + place) % fetcher->size];
}

/* Of a fetch that is not the first: together they have a bound. */
static bool has_room(void *context, const struct vb_fetch *fetch, size_t length)
{
    struct vb_fetcher *fetcher = context;
    uint64_t ahead = length;
    if (fetcher->count > 0 && slot_at(fetcher, 0)->fetch == fetch)
        return true;
    for (size_t i = 1; i < fetcher->count; i++)
        ahead += vb_fetch_spool(slot_at(fetcher, i)->fetch)->size;
    return ahead <= VB_MEDIA_AHEAD;
}

/* While an object is fetched the others go on. */
static bool stop_objects(void *context)
{
    struct vb_fetcher *fetcher = context;
    (void)vb_fetcher_look(fetcher);
    return fetcher->stop(fetcher->stop_context);
}

static enum vb_status open_slots(struct vb_fetcher *fetcher, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < fetcher->size && status == VB_OK; i++) {
        vb_buffer_init(&fetcher->slots[i].texts, TEXTS_CEILING);
        status = vb_fetch_new(fetcher->web, &fetcher->slots[i].fetch, err);
    }
    return status;
}

enum vb_status vb_fetcher_new(struct vb_media *media, bool (*stop)(void *context),
                              void *stop_context, struct vb_fetcher **ret_fetcher,
                              struct vb_error *err)
{
    size_t size = (size_t)media->options->media_fetches;
    struct vb_fetcher *fetcher = calloc(1, sizeof *fetcher + size * sizeof fetcher->slots[0]);
    if (!fetcher)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    fetcher->media = media;
    fetcher->size = size;
    fetcher->stop = stop;
    fetcher->stop_context = stop_context;
    fetcher->wanted = UINT64_MAX;
    const struct vb_web_options web = {.allow = media->allow,
                                       .patience = media->options->media_timeout,
                                       .fetches = size,
                                       .at_one_host = (size_t)media->options->media_host_fetches,
                                       .has_room = has_room,
                                       .room_context = fetcher};
    const struct vb_objects_options objects = {.allow = media->allow,
                                               .options = media->options,
                                               .credentials = media->credentials,
                                               .stop = stop_objects,
                                               .stop_context = fetcher};
    enum vb_status status = vb_web_new(&web, &fetcher->web, err);
    if (status == VB_OK)
        status = vb_objects_new(&objects, &fetcher->objects, err);
    if (status == VB_OK)
        status = open_slots(fetcher, err);
    if (status == VB_OK)
        *ret_fetcher = fetcher;
    else
        vb_fetcher_free(fetcher);
    return status;
}

void vb_fetcher_free(struct vb_fetcher *fetcher)
{
    if (!fetcher)
        return;
    for (size_t i = 0; i < fetcher->size; i++) {
        vb_fetch_free(fetcher->slots[i].fetch);
        vb_buffer_done(&fetcher->slots[i].texts);
    }
    vb_web_free(fetcher->web);
    vb_objects_free(fetcher->objects);
    free(fetcher);
}

/* --- asking --- */

bool vb_fetcher_has_place(const struct vb_fetcher *fetcher, size_t texts)
{
    if (fetcher->count == 0)
        return true;
    return fetcher->count < fetcher->size && fetcher->texts + texts <= TEXTS_AHEAD;
}

static void begin(struct vb_fetcher *fetcher, struct slot *slot, bool first)
{
    slot->began_first = first;
    if (!slot->is_object)
        vb_fetch_begin(slot->fetch, fetcher->media->logins, &slot->medium,
                       fetcher->media->options->media_file_limit);
}

enum vb_status vb_fetcher_ask(struct vb_fetcher *fetcher, const struct vb_medium *medium,
                              struct vb_error *err)
{
    struct slot *slot = slot_at(fetcher, fetcher->count);
    struct vb_view declared = medium->declared;
    size_t url = strlen(medium->url) + 1;
    enum vb_status status = vb_buffer_append(&slot->texts, medium->url, url);
    if (status == VB_OK && declared.length > 0)
        status = vb_buffer_append(&slot->texts, declared.data, declared.length);
    if (status != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    fetcher->texts += slot->texts.length;
    slot->medium = (struct vb_medium){slot->texts.data, {slot->texts.data + url, declared.length}};
    slot->is_object = strncasecmp(medium->url, "s3://", strlen("s3://")) == 0;
    begin(fetcher, slot, fetcher->count == 0);
    fetcher->count++;
    return VB_OK;
}

void vb_fetcher_want(struct vb_fetcher *fetcher, uint64_t bytes)
{
    fetcher->wanted = bytes;
}

/* --- going on --- */

/* What the medium takes of the bytes that are wanted, as far as is known; as a guess, the
 * largest so far. */
static uint64_t expect(const struct vb_fetcher *fetcher, const struct slot *slot)
{
    struct vb_error ignored;
    int64_t told = vb_fetch_told_size(slot->fetch);
    uint64_t had = vb_fetch_spool(slot->fetch)->size;
    if (!slot->is_object && vb_fetch_has_ended(slot->fetch))
        return vb_fetch_result(slot->fetch, &ignored) == VB_OK ? had : 0;
    if (told >= 0)
        return (uint64_t)told;
    return had > fetcher->largest ? had : fetcher->largest;
}

/* Requests for which it is time, in order. Returns how long nothing needs to be begun. */
static int64_t start(struct vb_fetcher *fetcher)
{
    int64_t now = vb_clock_monotonic(), next = now + SLICE;
    uint64_t before = 0;
    size_t count = fetcher->alone ? 1 : fetcher->count;
    for (size_t i = 0; i < count && (i == 0 || before < fetcher->wanted); i++) {
        struct slot *slot = slot_at(fetcher, i);
        int64_t due = slot->is_object ? INT64_MAX : vb_fetch_start(slot->fetch, now);
        next = due < next ? due : next;
        before += expect(fetcher, slot);
    }
    return next > now ? next - now : 0;
}

bool vb_fetcher_look(struct vb_fetcher *fetcher)
{
    struct vb_error ignored; /* told by vb_fetcher_take */
    if (fetcher->count == 0 || vb_media_allow_is_empty(fetcher->media->allow))
        return fetcher->count > 0;
    (void)start(fetcher);
    if (vb_web_turn(fetcher->web, 0, &ignored) != VB_OK)
        return true;
    (void)start(fetcher);
    return !slot_at(fetcher, 0)->is_object && vb_fetch_has_ended(slot_at(fetcher, 0)->fetch);
}

/* --- taking --- */

static enum vb_status wait_for(struct vb_fetcher *fetcher, struct slot *slot, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    vb_fetch_go_on(slot->fetch);
    while (status == VB_OK) {
        int64_t wait = start(fetcher);
        if (vb_fetch_has_ended(slot->fetch))
            break;
        if (fetcher->stop(fetcher->stop_context))
            return vb_fail(err, VB_STOPPED, "stopped while fetching media");
        status = vb_web_turn(fetcher->web, wait, err);
    }
    return status == VB_OK ? vb_fetch_result(slot->fetch, err) : status;
}

/* The disk was full, and what is fetched ahead may have filled it. */
static enum vb_status take_alone(struct vb_fetcher *fetcher, struct slot *slot,
                                 struct vb_error *err)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < fetcher->count && status == VB_OK; i++) {
        struct slot *each = slot_at(fetcher, i);
        vb_fetch_drop(each->fetch);
        status = vb_spool_reset(vb_fetch_spool(each->fetch), err);
        begin(fetcher, each, i == 0);
    }
    fetcher->alone = true;
    if (status == VB_OK)
        status = wait_for(fetcher, slot, err);
    fetcher->alone = false;
    return status;
}

static enum vb_status take(struct vb_fetcher *fetcher, struct slot *slot, struct vb_error *err)
{
    uint64_t most = fetcher->media->options->media_file_limit;
    if (slot->is_object)
        return vb_objects_get(fetcher->objects, &slot->medium, most, vb_fetch_spool(slot->fetch),
                              err);
    enum vb_status status = wait_for(fetcher, slot, err);
    return status == VB_IO && !slot->began_first ? take_alone(fetcher, slot, err) : status;
}

enum vb_status vb_fetcher_take(struct vb_fetcher *fetcher, const struct vb_spool **ret_spool,
                               struct vb_error *err)
{
    struct slot *slot = slot_at(fetcher, 0);
    struct vb_spool *spool = vb_fetch_spool(slot->fetch);
    /* A reason of its own: that the host is not on the list would be true, and would not help. */
    if (vb_media_allow_is_empty(fetcher->media->allow))
        return vb_fail(err, VB_NOT_FOUND, "no media are fetched here: media_allow is not set");
    enum vb_status status = take(fetcher, slot, err);
    if (status != VB_OK)
        return status;
    fetcher->largest = spool->size > fetcher->largest ? spool->size : fetcher->largest;
    *ret_spool = spool;
    return VB_OK;
}

/* An empty file keeps nothing of the disk, whatever comes next; one that cannot be emptied fails
 * the next medium. */
static void clear(struct vb_fetcher *fetcher, struct slot *slot)
{
    struct vb_error ignored;
    vb_fetch_drop(slot->fetch);
    if (vb_fetch_spool(slot->fetch)->size > 0)
        (void)!vb_spool_reset(vb_fetch_spool(slot->fetch), &ignored);
    fetcher->texts -= slot->texts.length;
    vb_buffer_reset(&slot->texts);
    if (slot->texts.capacity > TEXTS_AHEAD)
        vb_buffer_done(&slot->texts);
}

void vb_fetcher_done(struct vb_fetcher *fetcher)
{
    clear(fetcher, slot_at(fetcher, 0));
    fetcher->first = (fetcher->first + 1) % fetcher->size;
    fetcher->count--;
    /* There is room now for those that rest. */
    for (size_t i = 0; i < fetcher->count; i++)
        vb_fetch_go_on(slot_at(fetcher, i)->fetch);
}

void vb_fetcher_drop(struct vb_fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->count; i++)
        clear(fetcher, slot_at(fetcher, i));
    fetcher->count = fetcher->first = 0;
    fetcher->largest = 0;
    fetcher->wanted = UINT64_MAX;
}
