/* The thread that sends the mails of verbatim.outbox, with a connection of its own.
 *
 * A row is claimed by moving its not_before ahead (a lease), in a statement of its own; no
 * transaction is open while the mail server is talked to. The attempt's number is the fence: who
 * was overtaken records nothing. A mail that was accepted is recorded until the database takes it,
 * so only a crash in between sends it again.
 *
 * A claim also notes the process. One whose beats (verbatim.process) have ended is taken over; a
 * claim younger than a process's lease is left alone, for it may be from before the first beat, or
 * from a process that is ending. What is noted as our own while we look for work is what a claim
 * took whose answer was lost.
 */
#include "outbox.h"
#include "database/args.h"
#include "database/pg.h"
#include "mail.h"
#include "storage/short_link.h"
#include "verbatim/columns.h"
#include "verbatim/hash.h"
#include "verbatim/metrics.h"
#include "verbatim/zone.h"

#include "verbatim/pulse.h"
#include "verbatim/thread.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY (2 * VB_SECOND)
#define FIRST_PAUSE 2.0 /* seconds from a failure to the retry, doubled up to: */
#define LONGEST_PAUSE 600.0
#define NOTE_EVERY (60 * VB_SECOND) /* that there is somebody who sends mails */
#define MESSAGE_MOST (256u << 10)

struct vb_outbox {
    const struct vb_service *service;
    struct vb_mail_sender sender;
    struct vb_pg *pg;
    struct vb_pulse pulse;
    struct vb_thread thread;
    int64_t note_at; /* monotonic: when to say again that we are there */
};

/* A claimed row and the job it tells of; strings live as long as the result. */
struct errand {
    PGresult *row;
    char id[24], attempt[12];
    const char *recipient, *job_id;
    int link; /* its number */
    vb_instant finished_at, expires_at;
    bool dead; /* by the database's clock the link has expired */
    bool revoked;
};

/* The oldest link that is not revoked: so a mail that is sent again carries the same one. */
#define LINK_ENDS "coalesce(j.link_ends[j.links_revoked + 1], j.link_expires_at)"
#define ERRAND_ROW(FIRST, NEXT)                                                                    \
    FIRST(COLUMN_ID, "c.outbox_id")                                                                \
    NEXT(COLUMN_ATTEMPT, "c.attempts")                                                             \
    NEXT(COLUMN_RECIPIENT, "c.recipient")                                                          \
    NEXT(COLUMN_JOB, "c.job_id")                                                                   \
    NEXT(COLUMN_LINK, "j.links_revoked + 1")                                                       \
    NEXT(COLUMN_FINISHED, "(extract(epoch FROM j.finished_at) * 1000000)::bigint")                 \
    NEXT(COLUMN_EXPIRES, "(extract(epoch FROM " LINK_ENDS ") * 1000000)::bigint")                  \
    NEXT(COLUMN_REVOKED, "j.links_revoked >= j.links")                                             \
    NEXT(COLUMN_DEAD, LINK_ENDS " <= now()")                                                       \
    NEXT(COLUMN_CHANNEL, "j.channel_name")                                                         \
    NEXT(COLUMN_PHONE, "j.channel_phone")                                                          \
    NEXT(COLUMN_CHANNEL_ID, "j.channel_id")                                                        \
    NEXT(COLUMN_START, "j.start_date")                                                             \
    NEXT(COLUMN_END, "j.end_date")                                                                 \
    NEXT(COLUMN_CONVERSATIONS, "j.conversations")                                                  \
    NEXT(COLUMN_MESSAGES, "j.messages")                                                            \
    NEXT(COLUMN_SIZE, "j.size")                                                                    \
    NEXT(COLUMN_ZONE, "j.time_zone")                                                               \
    NEXT(COLUMN_WORKSPACE, "j.workspace_id")                                                       \
    NEXT(COLUMN_STATUS, "j.status")                                                                \
    NEXT(COLUMN_FILE, "j.file_name")                                                               \
    NEXT(COLUMN_FORMAT, "coalesce(j.specification ->> 'format', 'csv')")                           \
    NEXT(COLUMN_TITLE,                                                                             \
         "coalesce(j.title, CASE WHEN j.specification #> '{select,conversation_ids}' IS NULL"      \
         " THEN j.workspace_name ELSE 'chosen conversations' END)")
#define ERRAND_ROW_LIST VB_COLUMN_LIST(ERRAND_ROW)
enum { VB_COLUMN_NAMES(ERRAND_ROW) ERRAND_COLUMNS };

/* The lease is longer than any delivery may take. What is due goes first; then what somebody holds
 * who says no beats any more, or we ourselves. A row that was claimed within the last lease of a
 * process is left alone: its first beat may be under way. Instants come as microseconds. $1: our
 * process, $2: a process's lease in microseconds. */
/* clang-format off */
static const char claim_sql[] =
    "WITH next AS (SELECT coalesce("
    "  (SELECT outbox_id"
    "   FROM verbatim.outbox"
    "   WHERE sent_at IS NULL AND given_up_at IS NULL AND not_before <= now()"
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED),"
    "  (SELECT o.outbox_id"
    "   FROM verbatim.outbox AS o"
    "   WHERE sent_at IS NULL AND given_up_at IS NULL"
    "   AND (o.process_id = $1::uuid"
    "   OR (not_before - interval '5 minutes' < now() - " VB_PROCESS_LEASE
    "   AND " VB_PROCESS_IS_GONE "))"
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED)) AS outbox_id),"
    " claimed AS ("
    "UPDATE verbatim.outbox AS o"
    "  SET not_before = now() + interval '5 minutes', attempts = attempts + 1,"
    "  process_id = $1::uuid"
    "  FROM next"
    "  WHERE o.outbox_id = next.outbox_id"
    "  RETURNING o.outbox_id, o.attempts, o.recipient, o.job_id)"
    " SELECT " ERRAND_ROW_LIST
    " FROM claimed AS c JOIN verbatim.job AS j ON j.job_id = c.job_id";
/* clang-format on */

static const char *text_of(const struct errand *errand, int column)
{
    const char *value = vb_pg_value(errand->row, 0, column);
    return value ? value : "";
}

static int64_t number_of(const struct errand *errand, int column)
{
    return strtoll(text_of(errand, column), NULL, 10);
}

/* VB_AGAIN: nothing is due. */
static enum vb_status claim(struct vb_outbox *outbox, struct errand *errand, struct vb_error *err)
{
    struct vb_pg_args args = {0};
    vb_args_text(&args, outbox->service->process_id);
    vb_args_number(&args, outbox->service->options->lease);
    enum vb_status status = vb_args_query(outbox->pg, claim_sql, &args, &errand->row, err);
    if (status != VB_OK)
        return status;
    if (PQntuples(errand->row) == 0) {
        PQclear(errand->row);
        return VB_AGAIN;
    }
    snprintf(errand->id, sizeof errand->id, "%s", text_of(errand, COLUMN_ID));
    snprintf(errand->attempt, sizeof errand->attempt, "%s", text_of(errand, COLUMN_ATTEMPT));
    errand->recipient = text_of(errand, COLUMN_RECIPIENT);
    errand->job_id = text_of(errand, COLUMN_JOB);
    errand->link = (int)number_of(errand, COLUMN_LINK);
    errand->finished_at = number_of(errand, COLUMN_FINISHED);
    errand->expires_at = number_of(errand, COLUMN_EXPIRES);
    errand->revoked = strcmp(text_of(errand, COLUMN_REVOKED), "t") == 0;
    errand->dead = strcmp(text_of(errand, COLUMN_DEAD), "f") != 0; /* also without a link at all */
    return VB_OK;
}

static bool asked(void *context)
{
    return vb_pulse_stopping(&((struct vb_outbox *)context)->pulse);
}

/* A zone that this machine does not know leaves UTC, rather than no mail. */
static void fill_zone(struct vb_export_notice *notice, const char *name)
{
    struct vb_zone *zone = NULL;
    notice->time_zone = "UTC";
    notice->offset_seconds = 0;
    if (vb_zone_new(name, &zone, NULL) != VB_OK)
        return;
    notice->time_zone = name;
    notice->offset_seconds = vb_zone_offset(zone, notice->link_expires_at);
    vb_zone_free(zone);
}

static enum vb_status link_of(struct vb_outbox *outbox, const struct errand *errand,
                              struct vb_buffer *link, struct vb_error *err)
{
    struct vb_link_secrets secrets;
    enum vb_status status = vb_link_secrets_load(outbox->pg, &secrets, err);
    if (status != VB_OK)
        return status;
    status = vb_short_link_write(outbox->service->options->base_url, &secrets, errand->job_id,
                                 errand->link, link, err);
    explicit_bzero(&secrets, sizeof secrets);
    return status;
}

static struct vb_export_notice notice_of(const struct errand *errand, const char *link)
{
    const char *name = text_of(errand, COLUMN_CHANNEL), *phone = text_of(errand, COLUMN_PHONE);
    const char *id = text_of(errand, COLUMN_CHANNEL_ID), *title = text_of(errand, COLUMN_TITLE);
    bool is_channel = name[0] || phone[0] || id[0];
    struct vb_export_notice notice = {
        .label = is_channel ? NULL : "Conversations of",
        .channel = name[0]      ? name
                   : phone[0]   ? phone
                   : is_channel ? id
                   : title[0]   ? title
                                : "the workspace",
        .phone = phone,
        .start_date = text_of(errand, COLUMN_START),
        .end_date = text_of(errand, COLUMN_END),
        .conversations = number_of(errand, COLUMN_CONVERSATIONS),
        .messages = number_of(errand, COLUMN_MESSAGES),
        .size = number_of(errand, COLUMN_SIZE),
        .file_name = text_of(errand, COLUMN_FILE),
        .format = text_of(errand, COLUMN_FORMAT),
        .link = link,
        .link_expires_at = errand->expires_at,
    };
    fill_zone(&notice, text_of(errand, COLUMN_ZONE));
    return notice;
}

/* The Message-ID and the date are the job's: a mail that is sent twice is the same bytes, and seen
 * once by most readers. */
static enum vb_status compose(struct vb_outbox *outbox, const struct errand *errand,
                              struct vb_buffer *message, struct vb_error *err)
{
    struct vb_buffer link, subject, text, html;
    char message_id[VB_MAIL_ADDRESS + 64];
    vb_buffer_init(&link, 16384);
    vb_buffer_init(&subject, 2048);
    vb_buffer_init(&text, MESSAGE_MOST);
    vb_buffer_init(&html, MESSAGE_MOST);
    snprintf(message_id, sizeof message_id, "%s.mail%s", errand->job_id,
             strchr(outbox->sender.address, '@'));
    enum vb_status status = link_of(outbox, errand, &link, err);
    if (status == VB_OK) {
        struct vb_export_notice notice = notice_of(errand, link.data);
        status = vb_export_notice_write(&notice, &subject, &text, &html, err);
    }
    if (status == VB_OK) {
        const struct vb_mail mail = {
            &outbox->sender,         errand->recipient, message_id,
            errand->finished_at,     subject.data,      {text.data, text.length},
            {html.data, html.length}};
        status = vb_mail_compose(&mail, message, err);
    }
    vb_buffer_done(&link);
    vb_buffer_done(&subject);
    vb_buffer_done(&text);
    vb_buffer_done(&html);
    return status;
}

static enum vb_status deliver(struct vb_outbox *outbox, const struct errand *errand,
                              struct vb_error *err)
{
    struct vb_mail_server server = vb_mail_server_of(outbox->service->options, &outbox->sender);
    server.stop = asked;
    server.stop_context = outbox;
    struct vb_buffer message;
    vb_buffer_init(&message, MESSAGE_MOST);
    if (errand->revoked)
        return vb_fail(err, VB_END, "the link was revoked before the mail could be sent");
    if (strcmp(text_of(errand, COLUMN_STATUS), "finished") != 0 || errand->dead)
        return vb_fail(err, VB_END, "the link expired before the mail could be sent");
    enum vb_status status = compose(outbox, errand, &message, err);
    if (status == VB_OK)
        status = vb_mail_deliver(&server, outbox->sender.address, errand->recipient,
                                 (struct vb_view){message.data, message.length}, err);
    vb_buffer_done(&message);
    return status;
}

/* Tried until the database takes it or the process ends: what is not recorded is sent again. */
static void record_sent(struct vb_outbox *outbox, const struct errand *errand)
{
    struct vb_error err;
    const char *const parameters[] = {errand->id, errand->attempt};
    int64_t pause = VB_SECOND / 5;
    while (vb_pg_exec(outbox->pg,
                      "UPDATE verbatim.outbox"
                      " SET sent_at = now(), last_error = NULL, process_id = NULL"
                      " WHERE outbox_id = $1::bigint AND attempts = $2::integer",
                      2, parameters, NULL, &err) != VB_OK) {
        vb_warn("a sent mail is not recorded yet: %s", err.text);
        if (vb_pulse_wait(&outbox->pulse, pause))
            return;
        pause = pause < 10 * VB_SECOND ? pause * 2 : pause;
    }
}

/* Jitter of a quarter, so that mails refused together do not come back together. */
static double pause_after(const struct errand *errand)
{
    double pause = FIRST_PAUSE;
    for (long i = strtol(errand->attempt, NULL, 10); i > 1 && pause < LONGEST_PAUSE; i--)
        pause *= 2;
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    return pause * (0.75 + vb_random_unit() / 2);
}

/* The attempt's number is the fence, here as well. */
static void record_failure(struct vb_outbox *outbox, const struct errand *errand, bool final,
                           double pause, const char *reason)
{
    struct vb_error err;
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.3f", pause);
    const char *const parameters[] = {errand->id, errand->attempt, reason, seconds,
                                      final ? "true" : "false"};
    if (vb_pg_exec(outbox->pg,
                   "UPDATE verbatim.outbox"
                   " SET last_error = $3, process_id = NULL,"
                   " not_before = now() + $4::float8 * interval '1 second',"
                   " given_up_at = CASE WHEN $5::boolean THEN now() END"
                   " WHERE outbox_id = $1::bigint AND attempts = $2::integer",
                   5, parameters, NULL, &err) != VB_OK)
        vb_warn("a mail's failure is not recorded: %s", err.text); /* its lease runs out */
}

/* Given up: a refused recipient, a dead link, a mail that cannot be composed. All else is tried
 * until the link dies. */
static void settle(struct vb_outbox *outbox, const struct errand *errand, enum vb_status status,
                   const struct vb_error *err)
{
    if (status == VB_OK) {
        record_sent(outbox, errand);
        vb_count(VB_COUNT_MAILS_SENT, 1);
        vb_info("mail sent, attempt %s", errand->attempt);
        return;
    }
    if (status == VB_STOPPED) { /* the next process takes it at once */
        record_failure(outbox, errand, false, 0, "the process was stopped");
        return;
    }
    bool final = status == VB_INVALID || status == VB_END || status == VB_LIMIT;
    vb_count(VB_COUNT_MAILS_FAILED, 1);
    vb_warn("mail %s, attempt %s: %s", final ? "given up" : "not sent yet", errand->attempt,
            err->text);
    record_failure(outbox, errand, final, pause_after(errand), err->text);
}

/* One row; false: nothing is due, or the database is away. */
static bool send_one(struct vb_outbox *outbox)
{
    struct errand errand;
    struct vb_error err;
    vb_error_clear(&err);
    enum vb_status status = claim(outbox, &errand, &err);
    if (status != VB_OK) {
        if (status != VB_AGAIN)
            vb_warn("the outbox cannot be read: %s", err.text);
        return false;
    }
    vb_log_set(VB_LOG_JOB, errand.job_id);
    vb_log_set(VB_LOG_WORKSPACE, text_of(&errand, COLUMN_WORKSPACE));
    status = deliver(outbox, &errand, &err);
    settle(outbox, &errand, status, &err);
    vb_log_set(VB_LOG_JOB, NULL);
    vb_log_set(VB_LOG_WORKSPACE, NULL);
    PQclear(errand.row);
    return true;
}

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
        if (!send_one(outbox))
            vb_pulse_wait(&outbox->pulse, LOOK_EVERY);
    }
    return NULL;
}

static void outbox_free(struct vb_outbox *outbox)
{
    vb_pg_free(outbox->pg);
    vb_pulse_done(&outbox->pulse);
    free(outbox);
}

enum vb_status vb_outbox_start(const struct vb_service *service, struct vb_outbox **ret_outbox,
                               struct vb_error *err)
{
    const struct vb_pg_options options = {.connection_string = service->options->database_url,
                                          .application_name = "verbatim outbox",
                                          .role = VB_PG_WORKER,
                                          .prepared_statements =
                                              service->options->prepared_statements};
    struct vb_outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the outbox");
    outbox->service = service;
    vb_pulse_init(&outbox->pulse);
    enum vb_status status = vb_mail_sender_parse(service->options->mail_from, &outbox->sender, err);
    if (status == VB_OK)
        status = vb_pg_new(&options, &outbox->pg, err);
    if (status == VB_OK)
        status = vb_thread_start(&outbox->thread, "vb-outbox", run, outbox, err);
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

void vb_outbox_request_stop(struct vb_outbox *outbox)
{
    if (outbox)
        vb_pulse_request_stop(&outbox->pulse);
}

void vb_outbox_stop(struct vb_outbox *outbox)
{
    if (!outbox)
        return;
    vb_pulse_request_stop(&outbox->pulse);
    vb_thread_join(&outbox->thread);
    outbox_free(outbox);
}
