/* The keeper: says every third of a lease that this process still works, and hears of new work.
 *
 * One thread with one connection. A beat is one statement for all segments of the process. LISTEN
 * is a hint: without it the threads poll. A notification that names a job says that its work ended
 * from outside: the next beat goes out at once, so that whoever works on it stops, and the janitor
 * looks. Where nothing can be heard, the keeper asks for that while something is held.
 *
 * The lease. While a segment's lease_until lies ahead, nobody takes it over. What this guards is
 * work, not bytes: the bytes are guarded by the fence (queue/fence.c), which asks for the epoch and
 * never for the time. So a lease that ends too early, or a clock that jumps, costs a stretch done
 * twice. Only the database's clock writes and judges lease_until; a process compares its own
 * monotonic clock with itself, from the moment a beat was sent. That is before the database read
 * its clock, so what we believe to hold ends before what others believe.
 *
 * A beat. (1) What the threads hold is gathered under the crew's mutex. (2) `free` locks those rows
 * that are ours by epoch and process, and passes over what somebody else has locked: a stuck
 * transaction costs its own segment a beat, and no other. (3) `beaten` moves their leases ahead and
 * notes the progress. (4) The answer says of each whether it is ours, and whether it was beaten.
 * One that is not in it is lost: taken over, absorbed, ended. One that is in it but was not beaten
 * stays as it was, and its silence goes on. (5) The process's own row follows: others judge by it
 * whether an archive of this store and deflate can be gone on with.
 *
 * Lost answers. A beat that may have been carried out has made the lease longer than we think,
 * which harms nobody. It is repeated soon, on a new connection if need be. After two thirds of a
 * lease without one that was answered, the threads stop by themselves (vb_lease_stop) and hand back
 * what they can; the last third is what they have for that. What they cannot hand back is claimed
 * by others when its time is over.
 *
 * Somebody else in between. While a beat is under way its segment may be handed back, and the same
 * thread may hold another one: the epoch in the answer tells which of them is meant.
 *
 * A change must not break: beaten_at is the time of sending; a beat waits for no lock; the keeper
 * ends after the workers, whose last hand-backs need its beats.
 */
#include "crew.h"
#include "database/args.h"
#include "queue/presence.h"

#include "verbatim/liveness.h"
#include "verbatim/log.h"
#include "verbatim/thread.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BEAT_CEILING (64u * 1024u)
/* Over its sleep, a third of the lease: what it does itself takes microseconds. */
#define SILENCE (60 * VB_SECOND)
#define ASK_EVERY VB_SECOND /* a cancel is to be through within two */

struct vb_keeper {
    struct vb_crew *crew;
    struct vb_pg *pg;
    struct vb_thread thread;
    struct vb_liveness liveness;
    int wake;           /* eventfd: written once to stop */
    bool hurries;       /* a job was ended: the beat does not wait for its time */
    PGconn *listens_on; /* compared only: another connection has to LISTEN again */
};

/* Columns as arrays: job, position, epoch, conversations, messages, bytes. */
#define BEAT_COLUMNS 6
#define LEASES_MOST (VB_WORKERS_MOST + 1) /* with the express thread */
struct beat {
    struct vb_buffer arrays[BEAT_COLUMNS];
    struct vb_lease *leases[LEASES_MOST];
    int64_t epochs[LEASES_MOST]; /* as gathered */
    size_t count;
};

/* Counts of a segment whose parts are recorded are its record's, not this thread's: it may only be
 * completing. $1: process, $2: lease in microseconds, $3 to $8: BEAT_COLUMNS. */
static const char beat_segments[] =
    "WITH mine AS ("
    "SELECT *"
    " FROM unnest($3::uuid[], $4::integer[], $5::bigint[], $6::bigint[],"
    "  $7::bigint[], $8::bigint[])"
    " AS m(job_id, part_first, claim_epoch, conversations, messages, bytes)),"
    "free AS MATERIALIZED ("
    "SELECT s.job_id, s.part_first"
    " FROM verbatim.segment AS s JOIN mine USING (job_id, part_first, claim_epoch)"
    " WHERE s.process_id = $1 AND s.status = 'running'"
    " ORDER BY s.job_id, s.part_first"
    " FOR UPDATE OF s SKIP LOCKED),"
    "beaten AS ("
    "UPDATE verbatim.segment AS s"
    " SET lease_until = clock_timestamp() + $2::bigint * interval '1 microsecond',"
    " conversations = CASE WHEN s.parts IS NULL THEN m.conversations ELSE s.conversations END,"
    " messages = CASE WHEN s.parts IS NULL THEN m.messages ELSE s.messages END, bytes = m.bytes"
    " FROM free JOIN mine AS m USING (job_id, part_first)"
    " WHERE s.job_id = free.job_id AND s.part_first = free.part_first"
    " RETURNING s.claim_epoch) "
    "SELECT s.claim_epoch, EXISTS (SELECT FROM beaten AS b WHERE b.claim_epoch = s.claim_epoch)"
    " FROM verbatim.segment AS s JOIN mine USING (job_id, part_first, claim_epoch)"
    " WHERE s.process_id = $1 AND s.status = 'running'";

/* Primary keys, no lock and no write: it goes out every second. */
static const char count_ours[] =
    "SELECT count(*)"
    " FROM unnest($2::uuid[], $3::integer[], $4::bigint[])"
    " AS m(job_id, part_first, claim_epoch)"
    " JOIN verbatim.segment AS s USING (job_id, part_first, claim_epoch)"
    " WHERE s.process_id = $1 AND s.status = 'running'";

/* The answer takes as long as the database takes; that is no silence of ours. */
static enum vb_status ask_database(struct vb_keeper *keeper, const char *statement,
                                   struct vb_pg_args *args, PGresult **ret_result,
                                   struct vb_error *err)
{
    vb_liveness_rest(&keeper->liveness);
    enum vb_status status = vb_args_query(keeper->pg, statement, args, ret_result, err);
    vb_liveness_beat(&keeper->liveness);
    return status;
}

/* Under the crew's mutex: a worker may be giving the lease up at this moment. */
static enum vb_status add_lease(struct beat *beat, struct vb_lease *lease)
{
    const char *comma = beat->count > 0 ? "," : "{";
    const uint64_t conversations = lease->conversations, messages = lease->messages;
    const uint64_t bytes = lease->bytes;
    enum vb_status status[BEAT_COLUMNS] = {
        vb_buffer_printf(&beat->arrays[0], "%s%s", comma, lease->job_id),
        vb_buffer_printf(&beat->arrays[1], "%s%u", comma, lease->part_first),
        vb_buffer_printf(&beat->arrays[2], "%s%lld", comma, (long long)lease->epoch),
        vb_buffer_printf(&beat->arrays[3], "%s%llu", comma, (unsigned long long)conversations),
        vb_buffer_printf(&beat->arrays[4], "%s%llu", comma, (unsigned long long)messages),
        vb_buffer_printf(&beat->arrays[5], "%s%llu", comma, (unsigned long long)bytes),
    };
    beat->leases[beat->count] = lease;
    beat->epochs[beat->count++] = lease->epoch;
    for (int i = 0; i < BEAT_COLUMNS; i++)
        if (status[i] != VB_OK)
            return status[i];
    return VB_OK;
}

/* What is held at this moment. There are no more threads than the arrays have places: the option
 * says so. */
static enum vb_status gather(struct vb_crew *crew, struct beat *beat)
{
    enum vb_status status = VB_OK;
    pthread_mutex_lock(&crew->mutex);
    for (size_t i = 0; i < crew->lease_count && status == VB_OK; i++)
        if (crew->leases[i].held)
            status = add_lease(beat, &crew->leases[i]);
    pthread_mutex_unlock(&crew->mutex);
    for (int i = 0; i < BEAT_COLUMNS && status == VB_OK && beat->count > 0; i++)
        status = vb_buffer_append_byte(&beat->arrays[i], '}');
    return status;
}

/* A lease may have changed hands inside the process since it was gathered: the epoch tells. */
static void note_answer(struct vb_crew *crew, struct vb_lease *lease, int64_t epoch,
                        const PGresult *result, int64_t sent_at)
{
    bool known = false, beaten = false;
    for (int row = 0; row < PQntuples(result); row++)
        if (vb_row_number(result, row, 0) == epoch) {
            known = true;
            beaten = vb_row_true(result, row, 1);
        }
    pthread_mutex_lock(&crew->mutex);
    if (lease->held && lease->epoch == epoch) {
        if (!known)
            lease->lost = true;
        if (beaten)
            lease->beaten_at = sent_at;
    }
    pthread_mutex_unlock(&crew->mutex);
}

/* The time of sending counts, not of the answer: a slow answer must not lengthen what we believe to
 * hold. */
static enum vb_status send_beat(struct vb_keeper *keeper, struct beat *beat, struct vb_error *err)
{
    struct vb_crew *crew = keeper->crew;
    struct vb_pg_args args = {0};
    PGresult *result = NULL;
    vb_args_text(&args, crew->claimer.process_id);
    vb_args_number(&args, crew->claimer.lease);
    for (int i = 0; i < BEAT_COLUMNS; i++)
        vb_args_text(&args, beat->arrays[i].data);
    int64_t sent_at = vb_clock_monotonic();
    enum vb_status status = ask_database(keeper, beat_segments, &args, &result, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < beat->count; i++)
        note_answer(crew, beat->leases[i], beat->epochs[i], result, sent_at);
    PQclear(result);
    return VB_OK;
}

static void beat_init(struct beat *beat)
{
    *beat = (struct beat){.count = 0};
    for (int i = 0; i < BEAT_COLUMNS; i++)
        vb_buffer_init(&beat->arrays[i], BEAT_CEILING);
}

static void beat_done(struct beat *beat)
{
    for (int i = 0; i < BEAT_COLUMNS; i++)
        vb_buffer_done(&beat->arrays[i]);
}

/* The process's own row last: others ask by it whether a deflate like theirs is alive. */
static enum vb_status beat_all(struct vb_keeper *keeper, struct vb_error *err)
{
    struct beat beat;
    beat_init(&beat);
    enum vb_status status = gather(keeper->crew, &beat);
    if (status != VB_OK)
        vb_fail(err, status, "no memory for a heartbeat");
    else if (beat.count > 0)
        status = send_beat(keeper, &beat, err);
    beat_done(&beat);
    if (status != VB_OK)
        return status;
    const struct vb_claimer *claimer = &keeper->crew->claimer;
    const struct vb_presence presence = {.process_id = claimer->process_id,
                                         .storage = claimer->storage,
                                         .fingerprint = claimer->fingerprint,
                                         .worker_threads = (int64_t)keeper->crew->lease_count - 1,
                                         .lease = claimer->lease,
                                         .serves = keeper->crew->service->serves};
    vb_liveness_rest(&keeper->liveness);
    status = vb_presence_beat(keeper->pg, &presence, err);
    vb_liveness_beat(&keeper->liveness);
    return status;
}

/* A claim that ended by itself meanwhile costs a beat for nothing. What fails here, the next beat
 * tells. */
static bool something_ended(struct vb_keeper *keeper)
{
    struct vb_pg_args args = {0};
    struct beat beat;
    PGresult *result = NULL;
    bool ended = false;
    beat_init(&beat);
    if (gather(keeper->crew, &beat) == VB_OK && beat.count > 0) {
        vb_args_text(&args, keeper->crew->claimer.process_id);
        for (int i = 0; i < 3; i++)
            vb_args_text(&args, beat.arrays[i].data);
        if (ask_database(keeper, count_ours, &args, &result, NULL) == VB_OK)
            ended = vb_row_number(result, 0, 0) < (int64_t)beat.count;
    }
    PQclear(result);
    beat_done(&beat);
    return ended;
}

/* Behind a pooler no session is ours to listen on. */
static enum vb_status listen_again(struct vb_keeper *keeper, struct vb_error *err)
{
    vb_liveness_rest(&keeper->liveness);
    enum vb_status status = vb_pg_connect(keeper->pg, err);
    if (status != VB_OK || !vb_pg_has_session(keeper->pg) ||
        vb_pg_connection(keeper->pg) == keeper->listens_on)
        return status;
    status = vb_pg_exec(keeper->pg, "LISTEN " VB_QUEUE_CHANNEL, 0, NULL, NULL, err);
    if (status != VB_OK)
        return status;
    keeper->listens_on = vb_pg_connection(keeper->pg);
    keeper->crew->listening = true;
    vb_crew_wake(keeper->crew); /* what came while nobody listened */
    return VB_OK;
}

/* Takes what has arrived; true when the connection is lost. */
static bool take_notifications(struct vb_keeper *keeper)
{
    PGconn *connection = vb_pg_connection(keeper->pg);
    bool heard = false;
    if (!connection)
        return true;
    bool lost = PQconsumeInput(connection) != 1;
    for (PGnotify *notify = PQnotifies(connection); notify; notify = PQnotifies(connection)) {
        heard = true;
        keeper->hurries |= notify->extra[0] != '\0';
        PQfreemem(notify);
    }
    if (heard)
        vb_crew_wake(keeper->crew);
    if (keeper->hurries)
        vb_pulse_wake(keeper->crew->service->janitor);
    return lost;
}

/* Sleeps until `until`, a hurry or a stop, waking the threads for what is heard. False: stop. */
static bool listen_until(struct vb_keeper *keeper, int64_t until)
{
    for (;;) {
        bool lost = take_notifications(keeper);
        int64_t left = until - vb_clock_monotonic();
        vb_liveness_beat(&keeper->liveness);
        PGconn *connection = vb_pg_connection(keeper->pg);
        struct pollfd waits[2] = {{.fd = keeper->wake, .events = POLLIN},
                                  {.fd = connection ? PQsocket(connection) : -1, .events = POLLIN}};
        if (lost) {
            vb_pg_disconnect(keeper->pg);
            keeper->listens_on = NULL;
            keeper->crew->listening = false;
            waits[1].fd = -1;
            if (left > VB_SECOND / 2) /* look for a new connection soon */
                left = VB_SECOND / 2;
        }
        if (left <= 0 || keeper->hurries)
            return true;
        if (poll(waits, 2, (int)(left / 1000) + 1) < 0 && errno != EINTR)
            vb_clock_sleep(VB_SECOND / 10);
        if (waits[0].revents)
            return false;
        if (lost)
            return true;
    }
}

/* The same for who cannot listen, and has to ask. */
static bool ask_until(struct vb_keeper *keeper, int64_t until)
{
    for (;;) {
        int64_t now = vb_clock_monotonic();
        int64_t next = now + ASK_EVERY < until ? now + ASK_EVERY : until;
        if (!listen_until(keeper, next))
            return false;
        if (next == until)
            return true;
        keeper->hurries = something_ended(keeper);
        if (keeper->hurries) {
            vb_pulse_wake(keeper->crew->service->janitor);
            return true;
        }
    }
}

static void *keep(void *context)
{
    struct vb_keeper *keeper = context;
    int64_t third = keeper->crew->claimer.lease / 3;
    bool failing = false;
    vb_log_set(VB_LOG_THREAD, "keeper");
    vb_liveness_join(&keeper->liveness, "the keeper of leases", third + SILENCE);
    for (int64_t next = vb_clock_monotonic();;) {
        struct vb_error err = {0};
        keeper->hurries = false;
        enum vb_status status = listen_again(keeper, &err);
        vb_liveness_beat(&keeper->liveness);
        if (status == VB_OK)
            status = beat_all(keeper, &err);
        if (status != VB_OK && !failing)
            vb_warn("no heartbeat: %s", err.text);
        if (status == VB_OK && failing)
            vb_info("heartbeat goes on");
        failing = status != VB_OK;
        if (failing) {
            keeper->crew->listening = false;
            keeper->listens_on = NULL;
        }
        /* On a fixed clock, so that late beats do not add up; after a failure again soon. */
        int64_t now = vb_clock_monotonic();
        if (failing)
            next = now + third / 8;
        else if (next <= now) /* a hurried beat comes besides */
            next = next + third > now ? next + third : now;
        bool deaf = !keeper->crew->listening && !failing;
        if (!(deaf ? ask_until(keeper, next) : listen_until(keeper, next)))
            break;
    }
    vb_liveness_leave(&keeper->liveness);
    return NULL;
}

enum vb_status vb_keeper_start(struct vb_crew *crew, struct vb_keeper **ret_keeper,
                               struct vb_error *err)
{
    const struct vb_options *options = crew->service->options;
    struct vb_pg_options pg = {.connection_string = options->database_url,
                               .application_name = "verbatim keeper",
                               .role = VB_PG_WORKER,
                               .prepared_statements = options->prepared_statements};
    struct vb_keeper *keeper = calloc(1, sizeof *keeper);
    assert(crew->lease_count <= LEASES_MOST);
    if (!keeper)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the keeper");
    keeper->crew = crew;
    keeper->wake = eventfd(0, EFD_CLOEXEC);
    enum vb_status status = vb_pg_new(&pg, &keeper->pg, err);
    if (status == VB_OK && keeper->wake < 0)
        status = vb_fail_system(err, VB_IO, errno, "eventfd");
    if (status == VB_OK)
        status = vb_thread_start(&keeper->thread, "vb-keeper", keep, keeper, err);
    if (status == VB_OK) {
        *ret_keeper = keeper;
        return VB_OK;
    }
    if (keeper->wake >= 0)
        close(keeper->wake);
    vb_pg_free(keeper->pg);
    free(keeper);
    return status;
}

void vb_keeper_stop(struct vb_keeper *keeper)
{
    if (!keeper)
        return;
    uint64_t one = 1;
    if (write(keeper->wake, &one, sizeof one) != (ssize_t)sizeof one)
        vb_error_log("the keeper cannot be woken");
    vb_thread_join(&keeper->thread);
    vb_presence_forget(keeper->pg, keeper->crew->claimer.process_id);
    close(keeper->wake);
    vb_pg_free(keeper->pg);
    free(keeper);
}
