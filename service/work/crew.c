/* The worker threads of a process together: their leases, what they wait for, how they are stopped.
 * See work/crew.h.
 *
 * One mutex guards what several threads write (leases, generation, the count of idle ones). A
 * generation that moved says "look again": who reads it before looking and waits on the value read
 * can miss no wake-up.
 *
 * A lease from the thread's side (keeper.c has the database's). It counts from the moment the claim
 * was sent, and is held until after the claim's last write, so that it is beaten while the segment
 * is being handed back. While it is held two things may end it: the keeper found the row to be
 * somebody else's (`lost`), or no beat got through in time. Both are read without the mutex,
 * between rows and between bytes on the wire, so a thread stops within what one row costs.
 *
 * There are two questions since a COMMIT that is open may itself be the reason why the row is not
 * found any more: a finish ends its own segment. Whoever has such a COMMIT asks for the time alone
 * (vb_lease_in_time) and finds out what became of it. All others ask vb_lease_good.
 */
#include "crew.h"

#include "verbatim/thread.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_TIME VB_SECOND

void vb_tuning_of(const struct vb_service *service, struct vb_tuning *ret_tuning)
{
    const struct vb_options *options = service->options;
    *ret_tuning = (struct vb_tuning){
        /* Some MB of rows at common sizes, and one round trip's delay a thousand conversations. */
        .page_conversations = 1000,
        .absorb_below = vb_storage_small_parts(service->storage) ? 0 : VB_PART_MINIMUM,
        .part_size = options->s3_part_size,
        .split_unit = options->s3_part_size,
        .segment_units = options->segment_parts > 0 ? (uint32_t)options->segment_parts : 1,
        .front_numbers = VB_FRONT_NUMBERS,
        .chunk = VB_CHUNK,
        .one_segment = options->s3_equal_parts,
    };
}

enum vb_status vb_crew_init(struct vb_crew *crew, const struct vb_service *service, size_t threads,
                            struct vb_error *err)
{
    *crew = (struct vb_crew){.service = service, .lease_count = threads};
    crew->claimer = (struct vb_claimer){
        .process_id = service->process_id,
        .storage = vb_storage_identity(service->storage),
        .fingerprint = vb_archive_fingerprint(),
        .lease = service->options->lease,
        .max_running = service->options->max_running,
        .store = service->storage,
    };
    vb_tuning_of(service, &crew->tuning);
    enum vb_status status = vb_media_new(service->options, &crew->media, err);
    if (status == VB_OK)
        status = vb_look_new(&crew->claimer.look, err);
    crew->leases = status == VB_OK ? calloc(threads, sizeof *crew->leases) : NULL;
    if (status == VB_OK && !crew->leases)
        status = vb_fail(err, VB_NO_MEMORY, "no memory for worker threads");
    if (status != VB_OK) {
        vb_look_free(crew->claimer.look);
        vb_media_free(crew->media);
        return status;
    }
    for (size_t i = 0; i < threads; i++)
        crew->leases[i].crew = crew;
    pthread_mutex_init(&crew->mutex, NULL); /* cannot fail without attributes */
    vb_condition_init(&crew->changed);
    return VB_OK;
}

void vb_crew_done(struct vb_crew *crew)
{
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->mutex);
    free(crew->leases);
    vb_look_free(crew->claimer.look);
    vb_media_free(crew->media);
}

void vb_crew_wake(struct vb_crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    /* Also without a waiter: who is just looking finds the number changed and looks once more. */
    crew->generation++;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->mutex);
}

uint64_t vb_crew_generation(struct vb_crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    uint64_t generation = crew->generation;
    pthread_mutex_unlock(&crew->mutex);
    return generation;
}

void vb_crew_wait(struct vb_crew *crew, uint64_t seen, int64_t microseconds)
{
    int64_t until = vb_clock_monotonic() + microseconds;
    bool in_time = true;
    pthread_mutex_lock(&crew->mutex);
    while (crew->generation == seen && !crew->stopping && in_time)
        in_time = vb_condition_wait(&crew->changed, &crew->mutex, until);
    pthread_mutex_unlock(&crew->mutex);
}

/* Whoever has its turn is given a while for the look, in which nobody else takes one. */
bool vb_crew_rest(struct vb_crew *crew, uint64_t seen, int64_t microseconds, bool had_turn)
{
    int64_t now = vb_clock_monotonic(), until = now + microseconds;
    pthread_mutex_lock(&crew->mutex);
    if (had_turn || until < crew->empty_until || crew->empty_until <= now)
        crew->empty_until = until;
    while (crew->generation == seen && !crew->stopping && vb_clock_monotonic() < crew->empty_until)
        (void)vb_condition_wait(&crew->changed, &crew->mutex, crew->empty_until);
    bool is_turn = crew->generation == seen && !crew->stopping;
    if (is_turn)
        crew->empty_until = vb_clock_monotonic() + LOOK_TIME;
    pthread_mutex_unlock(&crew->mutex);
    return is_turn;
}

void vb_crew_stop(struct vb_crew *crew)
{
    crew->stopping = true;
    vb_media_request_stop(crew->media);
    vb_crew_wake(crew);
}

void vb_crew_idle(struct vb_crew *crew, bool idle)
{
    pthread_mutex_lock(&crew->mutex);
    if (idle)
        crew->idle++;
    /* The express thread may have waited for this: from here on small jobs are its own. */
    else if (--crew->idle == 0) {
        crew->generation++;
        pthread_cond_broadcast(&crew->changed);
    }
    pthread_mutex_unlock(&crew->mutex);
}

unsigned vb_crew_idle_count(struct vb_crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    unsigned idle = crew->idle;
    pthread_mutex_unlock(&crew->mutex);
    return idle;
}

void vb_lease_hold(struct vb_lease *lease, const struct vb_claim *claim, int64_t sent_at)
{
    pthread_mutex_lock(&lease->crew->mutex);
    snprintf(lease->job_id, sizeof lease->job_id, "%s", claim->job.job_id);
    lease->part_first = claim->part_first;
    lease->epoch = claim->epoch;
    lease->conversations = 0;
    lease->messages = 0;
    lease->bytes = 0;
    lease->lost = false;
    lease->beaten_at = sent_at;
    lease->held = true;
    pthread_mutex_unlock(&lease->crew->mutex);
}

void vb_lease_drop(struct vb_lease *lease)
{
    pthread_mutex_lock(&lease->crew->mutex);
    lease->held = false;
    pthread_mutex_unlock(&lease->crew->mutex);
}

/* Two thirds: the last third is the time to stop in before another process may take over. Beats
 * come every third, so one of them may be lost. */
bool vb_lease_in_time(const struct vb_lease *lease)
{
    int64_t silence = vb_clock_coarse() - lease->beaten_at;
    return silence < lease->crew->claimer.lease / 3 * 2;
}

bool vb_lease_good(const struct vb_lease *lease)
{
    return !lease->lost && vb_lease_in_time(lease);
}

/* Asked between rows and between bytes on the wire: hence the coarse clock. */
bool vb_lease_stop(void *lease)
{
    const struct vb_lease *mine = lease;
    return mine->crew->stopping || !vb_lease_good(mine);
}
