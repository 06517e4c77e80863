/* The threads that send the mails of verbatim.outbox.
 *
 * One claims, composes, keeps the claims alive and records; it alone has a connection to the
 * database. It hands each mail to one of a few senders, which talk to the mail server and may wait
 * there for minutes. A place is filled, sent and emptied in turn; whose turn it is stands in its
 * state, under the outbox's mutex.
 *
 * So that a slow recipient holds up nobody else, a recipient has one mail at a time under way, and
 * a domain leaves one connection to the others. A mail that was accepted is recorded until the
 * database takes it, so only a crash in between sends it again.
 */
#include "outbox.h"
#include "errand.h"
#include "verbatim/hash.h"
#include "verbatim/metrics.h"
#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY (2 * VB_SECOND)
#define RECORD_PAUSE (VB_SECOND / 5) /* before what was not recorded is tried again, doubled */
#define FIRST_PAUSE 2.0              /* seconds from a failure to the retry, doubled up to: */
#define LONGEST_PAUSE 600.0
/* After a message that may have arrived; as long as errand.c keeps it from being claimed. */
#define UNANSWERED_PAUSE 3600.0
#define NOTE_EVERY (60 * VB_SECOND) /* that there is somebody who sends mails */

enum place_state {
    PLACE_FREE, /* the outbox's thread's, as when it has ended */
    PLACE_BUSY, /* its sender's, but for what both may touch */
    PLACE_ENDED
};

struct place {
    struct vb_outbox *outbox;
    struct vb_thread thread;
    enum place_state state; /* under the mutex */
    struct vb_errand errand;
    struct vb_buffer message;
    atomic_bool handed_over; /* see mail.h */
    atomic_bool lost;        /* somebody else has claimed the row */
    bool noted;              /* in the row, that it is handed over */
    bool told;               /* in log and counters, how it ended */
    int64_t renew_at;        /* monotonic */
    enum vb_status status;   /* how it ended, with the error's words */
    struct vb_error err;
};

struct vb_outbox {
    const struct vb_service *service;
    struct vb_mail_sender sender;
    struct vb_pg *pg;
    struct vb_pulse pulse;
    struct vb_thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a place was filled, or the end has come */
    struct place places[VB_ERRANDS_MOST];
    size_t count;
    int64_t note_at;      /* monotonic: when to say again that we are there */
    int64_t record_pause; /* 0: all that ended is recorded */
};

/* --- senders --- */

static bool asked(void *context)
{
    struct place *place = context;
    return vb_pulse_stopping(&place->outbox->pulse) || atomic_load(&place->lost);
}

static void send_mail(struct place *place)
{
    const struct vb_outbox *outbox = place->outbox;
    struct vb_mail_server server = vb_mail_server_of(outbox->service->options, &outbox->sender);
    server.stop = asked;
    server.stop_context = place;
    vb_error_clear(&place->err);
    place->status = vb_mail_deliver(&server, outbox->sender.address, place->errand.recipient,
                                    (struct vb_view){place->message.data, place->message.length},
                                    &place->handed_over, &place->err);
}

/* False at the end of the process. */
static bool wait_for_mail(struct place *place)
{
    struct vb_outbox *outbox = place->outbox;
    pthread_mutex_lock(&outbox->mutex);
    while (place->state != PLACE_BUSY && !vb_pulse_stopping(&outbox->pulse))
        pthread_cond_wait(&outbox->changed, &outbox->mutex);
    bool found = place->state == PLACE_BUSY;
    pthread_mutex_unlock(&outbox->mutex);
    return found;
}

static void set_state(struct place *place, enum place_state state)
{
    pthread_mutex_lock(&place->outbox->mutex);
    place->state = state;
    pthread_cond_broadcast(&place->outbox->changed);
    pthread_mutex_unlock(&place->outbox->mutex);
}

static enum place_state state_of(struct place *place)
{
    pthread_mutex_lock(&place->outbox->mutex);
    enum place_state state = place->state;
    pthread_mutex_unlock(&place->outbox->mutex);
    return state;
}

static void *run_sender(void *context)
{
    struct place *place = context;
    vb_log_set(VB_LOG_THREAD, "mail");
    while (wait_for_mail(place)) {
        send_mail(place);
        set_state(place, PLACE_ENDED);
        vb_pulse_wake(&place->outbox->pulse);
    }
    return NULL;
}

/* --- what became of a mail --- */

/* Jitter of a quarter, so that mails refused together do not come back together. */
static double pause_after(const struct vb_errand *errand)
{
    double pause = FIRST_PAUSE;
    for (long i = strtol(errand->attempt, NULL, 10); i > 1 && pause < LONGEST_PAUSE; i--)
        pause *= 2;
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    return pause * (0.75 + vb_random_unit() / 2);
}

/* Given up: a refused recipient, a dead link, a mail that cannot be composed, and one that was
 * handed over often enough. All else is tried until the link dies. Whoever was stopped leaves the
 * mail to the next process at once, unless it may have arrived. */
static struct vb_errand_end end_of(struct place *place)
{
    bool handed_over = atomic_load(&place->handed_over), stopped = place->status == VB_STOPPED;
    struct vb_errand_end end = {.unanswered = (int)handed_over - (int)place->noted};
    if (place->status == VB_OK) {
        end.sent = true;
        return end;
    }
    end.text = stopped && !handed_over ? "the process was stopped" : place->err.text;
    end.final = place->status == VB_INVALID || place->status == VB_END ||
                place->status == VB_LIMIT ||
                (handed_over && place->errand.unanswered + 1 >= VB_ERRAND_UNANSWERED_MOST);
    end.pause = handed_over ? UNANSWERED_PAUSE : stopped ? 0 : pause_after(&place->errand);
    return end;
}

static void tell(struct place *place, const struct vb_errand_end *end)
{
    if (place->told || (place->status == VB_STOPPED && !atomic_load(&place->handed_over)))
        return;
    place->told = true;
    vb_count(end->sent ? VB_COUNT_MAILS_SENT : VB_COUNT_MAILS_FAILED, 1);
    if (end->sent)
        vb_info("mail sent, attempt %s", place->errand.attempt);
    else
        vb_warn("mail %s, attempt %s: %s", end->final ? "given up" : "not sent yet",
                place->errand.attempt, end->text);
}

static void empty(struct place *place)
{
    vb_errand_done(&place->errand);
    vb_buffer_reset(&place->message);
    place->noted = place->told = false;
    set_state(place, PLACE_FREE);
}

/* Tried until the database takes it or the process ends: what is not recorded is sent again. */
static void settle(struct vb_outbox *outbox, struct place *place)
{
    struct vb_error err;
    const struct vb_errand_end end = end_of(place);
    vb_log_set(VB_LOG_JOB, place->errand.job_id);
    vb_log_set(VB_LOG_WORKSPACE, place->errand.workspace);
    tell(place, &end);
    if (vb_errand_record(outbox->pg, &place->errand, &end, &err) == VB_OK) {
        empty(place);
    } else {
        vb_warn("what became of a mail is not recorded yet: %s", err.text);
        int64_t pause = outbox->record_pause * 2;
        outbox->record_pause = pause < RECORD_PAUSE     ? RECORD_PAUSE
                               : pause > 5 * LOOK_EVERY ? 5 * LOOK_EVERY
                                                        : pause;
    }
    vb_log_set(VB_LOG_JOB, NULL);
    vb_log_set(VB_LOG_WORKSPACE, NULL);
}

static void settle_all(struct vb_outbox *outbox)
{
    int64_t before = outbox->record_pause;
    outbox->record_pause = 0;
    for (size_t i = 0; i < outbox->count; i++)
        if (state_of(&outbox->places[i]) == PLACE_ENDED) {
            if (outbox->record_pause == 0)
                outbox->record_pause = before;
            settle(outbox, &outbox->places[i]);
        }
}

/* --- claims --- */

/* A claim lasts for minutes. What is renewed often is what is noticed early, if somebody took it.
 */
static int64_t renew_every(const struct vb_outbox *outbox)
{
    return outbox->service->options->lease / 3;
}

/* A message that has been with the server for longer than a look is noted with the claim. */
static void keep_claim(struct vb_outbox *outbox, struct place *place)
{
    struct vb_error err;
    bool held = true, note = !place->noted && atomic_load(&place->handed_over);
    int64_t now = vb_clock_monotonic();
    if (!note && now < place->renew_at)
        return;
    if (vb_errand_renew(outbox->pg, &place->errand, note, &held, &err) != VB_OK) {
        vb_warn("the claim of a mail is not renewed: %s", err.text);
        return;
    }
    place->noted = place->noted || note;
    place->renew_at = now + renew_every(outbox);
    atomic_store(&place->lost, !held);
}

static void keep_claims(struct vb_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        if (state_of(&outbox->places[i]) == PLACE_BUSY)
            keep_claim(outbox, &outbox->places[i]);
}

static struct vb_errands_held held_of(const struct vb_outbox *outbox)
{
    struct vb_errands_held held = {.connections = outbox->count};
    for (size_t i = 0; i < outbox->count; i++)
        if (outbox->places[i].errand.row)
            held.each[held.count++] = &outbox->places[i].errand;
    return held;
}

/* What may still be sent, whole. VB_END: no mail any more. */
static enum vb_status prepare(struct vb_outbox *outbox, struct place *place, struct vb_error *err)
{
    const struct vb_errand *errand = &place->errand;
    if (errand->unanswered >= VB_ERRAND_UNANSWERED_MOST)
        return vb_fail(err, VB_END,
                       "the mail server took the message %lld times without an answer: it may have "
                       "arrived",
                       (long long)errand->unanswered);
    if (errand->revoked)
        return vb_fail(err, VB_END, "the link was revoked before the mail could be sent");
    if (!errand->finished || errand->dead)
        return vb_fail(err, VB_END, "the link expired before the mail could be sent");
    return vb_errand_compose(outbox->pg, outbox->service->options->base_url, &outbox->sender,
                             errand, &place->message, err);
}

/* Into a free place; false: nothing is due, or the database is away. */
static bool fill_place(struct vb_outbox *outbox, struct place *place)
{
    struct vb_error err;
    const struct vb_errands_held held = held_of(outbox);
    vb_error_clear(&err);
    enum vb_status status =
        vb_errand_claim(outbox->pg, outbox->service, &held, &place->errand, &err);
    if (status != VB_OK) {
        if (status != VB_AGAIN)
            vb_warn("the outbox cannot be read: %s", err.text);
        return false;
    }
    atomic_store(&place->handed_over, false);
    atomic_store(&place->lost, false);
    place->renew_at = vb_clock_monotonic() + renew_every(outbox);
    vb_error_clear(&place->err);
    place->status = prepare(outbox, place, &place->err);
    set_state(place, place->status == VB_OK ? PLACE_BUSY : PLACE_ENDED);
    if (place->status != VB_OK)
        settle(outbox, place);
    return true;
}

/* One more mail; false: nothing is due, or all are busy. */
static bool hand_out(struct vb_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        if (state_of(&outbox->places[i]) == PLACE_FREE)
            return fill_place(outbox, &outbox->places[i]);
    return false;
}

/* --- the outbox's thread --- */

/* A note that fails is made at the next look: nobody is refused for a day. */
static void note_presence(struct vb_outbox *outbox)
{
    struct vb_error err;
    const char *const parameters[] = {outbox->service->process_id};
    int64_t now = vb_clock_monotonic();
    if (now >= outbox->note_at &&
        vb_pg_exec(outbox->pg,
                   "WITH gone AS ("
                   "DELETE FROM verbatim.mailer WHERE seen_at < now() - interval '2 days')"
                   " INSERT INTO verbatim.mailer (process_id) VALUES ($1::uuid)"
                   " ON CONFLICT (process_id) DO UPDATE SET seen_at = now()",
                   1, parameters, NULL, &err) == VB_OK)
        outbox->note_at = now + NOTE_EVERY;
}

static void *run(void *context)
{
    struct vb_outbox *outbox = context;
    vb_log_set(VB_LOG_THREAD, "outbox");
    while (!vb_pulse_stopping(&outbox->pulse)) {
        note_presence(outbox);
        settle_all(outbox);
        keep_claims(outbox);
        if (!hand_out(outbox))
            vb_pulse_wait(&outbox->pulse,
                          outbox->record_pause > 0 ? outbox->record_pause : LOOK_EVERY);
    }
    pthread_mutex_lock(&outbox->mutex);
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
    for (size_t i = 0; i < outbox->count; i++)
        vb_thread_join(&outbox->places[i].thread);
    for (size_t i = 0; i < outbox->count; i++)
        if (state_of(&outbox->places[i]) == PLACE_BUSY) { /* its sender had ended before */
            outbox->places[i].status = VB_STOPPED;
            set_state(&outbox->places[i], PLACE_ENDED);
        }
    settle_all(outbox);
    return NULL;
}

static void outbox_free(struct vb_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++) {
        vb_errand_done(&outbox->places[i].errand);
        vb_buffer_done(&outbox->places[i].message);
    }
    pthread_cond_destroy(&outbox->changed);
    pthread_mutex_destroy(&outbox->mutex);
    vb_pg_free(outbox->pg);
    vb_pulse_done(&outbox->pulse);
    free(outbox);
}

static struct vb_outbox *outbox_new(const struct vb_service *service)
{
    struct vb_outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return NULL;
    outbox->service = service;
    outbox->count = (size_t)service->options->smtp_connections;
    vb_pulse_init(&outbox->pulse);
    pthread_mutex_init(&outbox->mutex, NULL);
    pthread_cond_init(&outbox->changed, NULL);
    for (size_t i = 0; i < outbox->count; i++) {
        outbox->places[i].outbox = outbox;
        vb_buffer_init(&outbox->places[i].message, VB_ERRAND_MESSAGE);
    }
    return outbox;
}

/* Senders first: the outbox's thread joins them. */
static enum vb_status start_threads(struct vb_outbox *outbox, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < outbox->count && status == VB_OK; i++)
        status = vb_thread_start(&outbox->places[i].thread, "vb-mail", run_sender,
                                 &outbox->places[i], err);
    if (status == VB_OK)
        status = vb_thread_start(&outbox->thread, "vb-outbox", run, outbox, err);
    if (status == VB_OK)
        return VB_OK;
    vb_outbox_request_stop(outbox);
    for (size_t i = 0; i < outbox->count; i++)
        vb_thread_join(&outbox->places[i].thread);
    return status;
}

enum vb_status vb_outbox_start(const struct vb_service *service, struct vb_outbox **ret_outbox,
                               struct vb_error *err)
{
    const struct vb_pg_options options = {.connection_string = service->options->database_url,
                                          .application_name = "verbatim outbox",
                                          .role = VB_PG_WORKER,
                                          .prepared_statements =
                                              service->options->prepared_statements};
    struct vb_outbox *outbox = outbox_new(service);
    if (!outbox)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the outbox");
    enum vb_status status = vb_mail_sender_parse(service->options->mail_from, &outbox->sender, err);
    if (status == VB_OK)
        status = vb_pg_new(&options, &outbox->pg, err);
    if (status == VB_OK)
        status = start_threads(outbox, err);
    if (status != VB_OK) {
        outbox_free(outbox);
        return status;
    }
    *ret_outbox = outbox;
    return VB_OK;
}

struct vb_pulse *vb_outbox_pulse(struct vb_outbox *outbox)
{
    return &outbox->pulse;
}

void vb_outbox_connections(const struct vb_service *service, struct vb_connections *sum)
{
    (void)service;
    sum->database++;
}

/* Whoever waits for a mail to send is woken as well. */
void vb_outbox_request_stop(struct vb_outbox *outbox)
{
    if (!outbox)
        return;
    vb_pulse_request_stop(&outbox->pulse);
    pthread_mutex_lock(&outbox->mutex);
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
}

void vb_outbox_stop(struct vb_outbox *outbox)
{
    if (!outbox)
        return;
    vb_outbox_request_stop(outbox);
    vb_thread_join(&outbox->thread);
    outbox_free(outbox);
}
