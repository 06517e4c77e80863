/* See api/events.h.
 *
 * A look is one ticket of one loop, by the worker's role since it is over all workspaces. Its
 * result is copied once, by reference, into a batch; each loop takes the batches in their order and
 * the last one frees them. Rows are compared with those of the look before by a hash, so that what
 * runs is told only when it got on.
 *
 * Looks are numbered. A viewer is judged and served by those that were asked after it joined: what
 * became visible before is in the list that its page loads once it has heard `ready`.
 */
#include "events.h"

#include "export.h"

#include "database/array.h"
#include "http/stream.h"

#include "verbatim/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY VB_SECOND
#define WORD_EVERY (15 * VB_SECOND) /* so that proxies and peers know that somebody is there */
/* Notes of changes are kept for ten minutes: half of it without a look, and something might be
 * missed. */
#define BLIND_MOST (5 * 60 * VB_SECOND)
#define UNTAKEN_MOST (128u << 10) /* bytes of a viewer */
#define TELL_EVERY (60 * VB_SECOND)
#define SNAPSHOT_MOST 8192u
#define LISTS_MOST (256u << 10) /* bytes of an array that is asked with */
#define EVENT_MOST (1u << 20)
#define WHO (VB_UUID_TEXT + 33u) /* an id, a blank, a word of 32, the NUL */

/* `next` and `at` are its loop's; the rest of the links is under the mutex. The workspace is the
 * exchange's access's. */
struct vb_api_viewer {
    struct vb_http_exchange *exchange;
    struct vb_api_viewer *next, **at;
    struct vb_api_viewer *all_next, **all_at;
    uint64_t first; /* the first look that asks for it */
    int64_t said_at;
    bool is_ready, is_session;
    char who[WHO];
};

/* A row as it was at the last look. */
struct seen {
    char job[VB_UUID_TEXT];
    uint64_t hash;
};

struct batch {
    struct batch *next;
    uint64_t number;
    size_t left; /* loops that have not taken it */
    PGresult *rows;
    bool *is_news;     /* by row */
    struct seen *seen; /* by row, until it is compared; the hub's from then on */
    bool is_lost;      /* something may have been missed: everybody begins anew */
};

struct vb_api_events {
    pthread_mutex_t mutex;
    struct vb_api_viewer *viewers;
    size_t count;
    struct batch *first, **last;
    uint64_t asked; /* number of the last look */
    bool is_asking;
    int64_t asked_at, seen_at;    /* the last look, and the last that told something; 0: none */
    int64_t told_at;              /* in the log, that looks fail; 0: never */
    char snapshot[SNAPSHOT_MOST]; /* "": nobody has looked yet, since somebody is there */
    struct seen *seen;            /* sorted */
    size_t seen_count;
};

enum vb_status vb_api_events_new(struct vb_api_events **ret_events, struct vb_error *err)
{
    struct vb_api_events *events = calloc(1, sizeof(*events));
    if (!events)
        return vb_fail(err, VB_NO_MEMORY, "no memory for events");
    pthread_mutex_init(&events->mutex, NULL);
    events->last = &events->first;
    *ret_events = events;
    return VB_OK;
}

static void free_batch(struct batch *batch)
{
    if (!batch)
        return;
    PQclear(batch->rows);
    free(batch->is_news);
    free(batch->seen);
    free(batch);
}

void vb_api_events_free(struct vb_api_events *events)
{
    if (!events)
        return;
    while (events->first) {
        struct batch *batch = events->first;
        events->first = batch->next;
        free_batch(batch);
    }
    free(events->seen);
    pthread_mutex_destroy(&events->mutex);
    free(events);
}

/* --- viewers --- */

/* Under the mutex. Whoever comes next begins anew. */
static void forget(struct vb_api_events *events)
{
    events->snapshot[0] = '\0';
    events->seen_at = 0;
    events->seen_count = 0;
}

/* The exchange ends, however it does. */
static void free_viewer(void *state)
{
    struct vb_api_viewer *viewer = state;
    struct vb_api_events *events = viewer->exchange->loop->site->events;
    if (viewer->at) {
        *viewer->at = viewer->next;
        if (viewer->next)
            viewer->next->at = viewer->at;
    }
    pthread_mutex_lock(&events->mutex);
    if (viewer->all_at) {
        *viewer->all_at = viewer->all_next;
        if (viewer->all_next)
            viewer->all_next->all_at = viewer->all_at;
        if (--events->count == 0)
            forget(events);
    }
    pthread_mutex_unlock(&events->mutex);
    free(viewer);
}

/* False: there are enough. *ret_is_ready: looks are under way, so nothing is missed from here on. */
static bool enter(struct vb_api_events *events, struct vb_api_viewer *viewer, bool *ret_is_ready)
{
    pthread_mutex_lock(&events->mutex);
    bool is_let_in = events->count < VB_API_VIEWERS_MOST;
    if (is_let_in) {
        events->count++;
        viewer->first = events->asked + 1;
        viewer->all_next = events->viewers;
        viewer->all_at = &events->viewers;
        if (viewer->all_next)
            viewer->all_next->all_at = &viewer->all_next;
        events->viewers = viewer;
        *ret_is_ready = events->snapshot[0] != '\0';
    }
    pthread_mutex_unlock(&events->mutex);
    return is_let_in;
}

/* One that cannot take it comes again, and begins anew. */
static void say(struct vb_api_viewer *viewer, struct vb_view text, int64_t now)
{
    viewer->said_at = now;
    if (vb_http_push(viewer->exchange, text) != VB_OK)
        vb_http_connection_break(viewer->exchange->connection);
}

static void say_ready(struct vb_api_viewer *viewer, int64_t now)
{
    viewer->is_ready = true;
    say(viewer, VB_VIEW("event: ready\nretry: 2000\ndata: {}\n\n"), now);
}

static struct vb_api_viewer *make_viewer(struct vb_http_exchange *exchange, const char *word)
{
    struct vb_api_viewer *viewer = calloc(1, sizeof(*viewer));
    if (!viewer)
        return NULL;
    const struct vb_api_credential *credential = &exchange->request->credential;
    viewer->exchange = exchange;
    viewer->is_session = credential->is_session;
    (void)snprintf(viewer->who, sizeof(viewer->who), "%s %.32s", credential->id, word);
    exchange->state = viewer;
    exchange->free_state = free_viewer;
    return viewer;
}

void vb_api_events_join(struct vb_http_exchange *exchange, const char *word)
{
    struct vb_api_site_loop *site = exchange->loop->site;
    struct vb_api_viewer *viewer = make_viewer(exchange, word);
    bool is_ready = false;
    if (!viewer) {
        vb_http_answer_status(exchange, VB_NO_MEMORY, "a viewer");
        return;
    }
    if (!enter(site->events, viewer, &is_ready)) {
        vb_http_answer_error_header(exchange, "Retry-After", "30");
        vb_http_answer_detail(exchange, 503, "Too many lists are followed. Try again later.");
        return;
    }
    viewer->next = site->viewers;
    viewer->at = &site->viewers;
    if (viewer->next)
        viewer->next->at = &viewer->next;
    site->viewers = viewer;
    vb_http_answer_push(exchange, "text/event-stream", UNTAKEN_MOST);
    if (is_ready)
        say_ready(viewer, vb_clock_monotonic());
    else
        viewer->said_at = vb_clock_monotonic();
}

/* --- a look --- */

/* Lists that are asked with. */
struct lists {
    struct vb_buffer workspaces, sessions, keys;
};

/* Each once: `texts` has room for all. */
static enum vb_status put_array(struct vb_buffer *out, const char **texts, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < kept && strcmp(texts[k], texts[i]) != 0)
            k++;
        if (k == kept)
            texts[kept++] = texts[i];
    }
    return vb_pg_array_put(out, texts, kept);
}

/* The id before the blank. */
static const char *id_of(const struct vb_api_viewer *viewer, char text[VB_UUID_TEXT])
{
    size_t length = strcspn(viewer->who, " ");
    (void)snprintf(text, VB_UUID_TEXT, "%.*s", (int)length, viewer->who);
    return text;
}

/* Under the mutex: the viewers' texts are there as long as they are listed. */
static enum vb_status list_viewers(const struct vb_api_events *events, struct lists *lists)
{
    static const size_t most = VB_API_VIEWERS_MOST;
    const char *workspaces[VB_API_VIEWERS_MOST], *sessions[VB_API_VIEWERS_MOST],
        *keys[VB_API_VIEWERS_MOST];
    size_t count = 0, session_count = 0, key_count = 0;
    char(*ids)[VB_UUID_TEXT] = calloc(most, sizeof(*ids));
    if (!ids)
        return VB_NO_MEMORY;
    for (const struct vb_api_viewer *viewer = events->viewers; viewer && count < most;
         viewer = viewer->all_next) {
        const char *id = id_of(viewer, ids[count]);
        workspaces[count++] = viewer->exchange->request->access.workspace;
        if (viewer->is_session)
            sessions[session_count++] = id;
        else
            keys[key_count++] = id;
    }
    enum vb_status status = put_array(&lists->workspaces, workspaces, count);
    if (status == VB_OK)
        status = put_array(&lists->sessions, sessions, session_count);
    if (status == VB_OK)
        status = put_array(&lists->keys, keys, key_count);
    free(ids);
    return status;
}

/* One loop at a time, and no more often than once a second. */
static bool claim_look(struct vb_api_events *events, int64_t now, struct lists *lists,
                       char snapshot[SNAPSHOT_MOST])
{
    pthread_mutex_lock(&events->mutex);
    bool is_due = events->count > 0 && !events->is_asking &&
                  (events->asked_at == 0 || now - events->asked_at >= LOOK_EVERY) &&
                  list_viewers(events, lists) == VB_OK;
    if (is_due) {
        events->is_asking = true;
        events->asked_at = now;
        events->asked++;
        memcpy(snapshot, events->snapshot, SNAPSHOT_MOST);
    }
    pthread_mutex_unlock(&events->mutex);
    return is_due;
}

static void give_up_look(struct vb_api_events *events)
{
    pthread_mutex_lock(&events->mutex);
    events->is_asking = false;
    pthread_mutex_unlock(&events->mutex);
}

/* FNV-1a over all that is shown of the export. */
static uint64_t hash_of(const PGresult *rows, int row)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int column = 0; column < EXPORT_COLUMNS; column++) {
        struct vb_view field = vb_pg_view(rows, row, column);
        hash = (hash ^ (field.data != NULL)) * UINT64_C(1099511628211);
        for (size_t i = 0; i < field.length; i++)
            hash = (hash ^ (unsigned char)field.data[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static int by_job(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->job, ((const struct seen *)b)->job);
}

/* Fills in what is news, and keeps what was seen for the next look. Under the mutex. */
static void compare(struct vb_api_events *events, struct batch *batch, bool is_first)
{
    size_t count = (size_t)PQntuples(batch->rows);
    for (size_t row = 0; row < count; row++) {
        const struct seen *now = &batch->seen[row];
        const struct seen *before =
            events->seen_count > 0
                ? bsearch(now, events->seen, events->seen_count, sizeof(*now), by_job)
                : NULL;
        batch->is_news[row] = !is_first && *now->job && (!before || before->hash != now->hash);
    }
    qsort(batch->seen, count, sizeof(*batch->seen), by_job);
    free(events->seen);
    events->seen = batch->seen;
    events->seen_count = count;
    batch->seen = NULL;
}

/* "XMIN:XMAX:...": of a database that went back to an earlier state, what was seen last is not
 * known any more. */
static bool goes_back(const char *snapshot, const char *before)
{
    const char *colon = strchr(snapshot, ':'), *colon_before = strchr(before, ':');
    return colon && colon_before &&
           strtoull(colon + 1, NULL, 10) < strtoull(colon_before + 1, NULL, 10);
}

/* Under the mutex. Without a snapshot at hand the look only begins; where something may have been
 * missed everybody is sent away. False: a snapshot that cannot be kept. */
static bool take_in(struct vb_api_events *events, struct batch *batch, int64_t now)
{
    struct vb_view snapshot = vb_pg_view(batch->rows, 0, CHANGES_SNAPSHOT);
    char text[SNAPSHOT_MOST];
    if (snapshot.length == 0 || snapshot.length >= sizeof(text))
        return false;
    memcpy(text, snapshot.data, snapshot.length);
    text[snapshot.length] = '\0';
    bool is_first = events->snapshot[0] == '\0';
    batch->is_lost = !is_first && (now - events->seen_at > BLIND_MOST ||
                                   PQntuples(batch->rows) > VB_API_CHANGES_MOST ||
                                   goes_back(text, events->snapshot));
    compare(events, batch, is_first);
    memcpy(events->snapshot, text, sizeof(text));
    events->seen_at = now;
    return true;
}

/* Loops read it side by side and after the ticket has gone, so it is a copy. */
static struct batch *make_batch(const PGresult *rows, size_t loops)
{
    size_t count = (size_t)PQntuples(rows);
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->left = loops;
    batch->rows = PQcopyResult(rows, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    batch->is_news = calloc(count, sizeof(*batch->is_news));
    batch->seen = calloc(count, sizeof(*batch->seen));
    if (!batch->rows || !batch->is_news || !batch->seen) {
        free_batch(batch);
        return NULL;
    }
    for (size_t row = 0; row < count; row++) {
        struct vb_view job = vb_pg_view(rows, (int)row, CHANGES_JOB);
        if (job.length == VB_UUID_TEXT - 1)
            memcpy(batch->seen[row].job, job.data, job.length);
        batch->seen[row].hash = hash_of(rows, (int)row);
    }
    return batch;
}

/* Under the mutex; takes the batch over. A look whose viewers have all gone is nobody's. */
static bool publish(struct vb_api_events *events, struct batch *batch)
{
    events->is_asking = false;
    if (!batch || events->count == 0 || !take_in(events, batch, vb_clock_monotonic())) {
        free_batch(batch);
        return false;
    }
    batch->number = events->asked;
    *events->last = batch;
    events->last = &batch->next;
    return true;
}

/* Once in a while: the next look is a second away. A database that is away is told by the pool. */
static void tell_failure(struct vb_api_events *events, const char *why)
{
    int64_t now = vb_clock_monotonic();
    pthread_mutex_lock(&events->mutex);
    bool is_news = events->told_at == 0 || now - events->told_at > TELL_EVERY;
    if (is_news)
        events->told_at = now;
    pthread_mutex_unlock(&events->mutex);
    if (is_news)
        vb_warn("changes of exports are not heard of: %s", why);
}

static void on_looked(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_http_loop *loop = context;
    struct vb_http *http = loop->http;
    struct vb_api_events *events = loop->site->events;
    loop->site->events_ticket = NULL;
    struct batch *batch = NULL;
    if (outcome->status == VB_OK && PQntuples(outcome->results[1]) > 0 &&
        PQnfields(outcome->results[1]) == CHANGES_COLUMNS)
        batch = make_batch(outcome->results[1], http->loop_count);
    else if (outcome->status == VB_DATABASE)
        tell_failure(events, outcome->error.text);
    pthread_mutex_lock(&events->mutex);
    bool is_published = publish(events, batch);
    pthread_mutex_unlock(&events->mutex);
    for (size_t i = 0; i < http->loop_count && is_published; i++)
        vb_http_loop_wake(&http->loops[i]);
}

static void look(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_site_loop *site = loop->site;
    char snapshot[SNAPSHOT_MOST];
    struct lists lists;
    vb_buffer_init(&lists.workspaces, LISTS_MOST);
    vb_buffer_init(&lists.sessions, LISTS_MOST);
    vb_buffer_init(&lists.keys, LISTS_MOST);
    if (claim_look(site->events, now, &lists, snapshot)) {
        const char *const values[] = {lists.workspaces.data, *snapshot ? snapshot : NULL,
                                      lists.sessions.data, lists.keys.data};
        const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_AS_WORKER], NULL},
                                           {&vb_api_sql[VB_API_SQL_CHANGES], values}};
        if (vb_pg_pool_send(site->main_pool, steps, 2, on_looked, loop, &site->events_ticket,
                            NULL) != VB_OK)
            give_up_look(site->events);
    }
    vb_buffer_done(&lists.workspaces);
    vb_buffer_done(&lists.sessions);
    vb_buffer_done(&lists.keys);
}

/* --- what a loop's viewers are told --- */

static bool has_text(const struct vb_words *words, struct vb_view text)
{
    for (size_t i = 0; i < words->count; i++)
        if (vb_view_equals(vb_view_of(words->items[i]), text))
            return true;
    return false;
}

static bool array_has(struct vb_view bytes, struct vb_view text)
{
    struct vb_pg_array array = vb_pg_array_of(bytes);
    struct vb_view each;
    while (vb_pg_array_next(&array, &each))
        if (each.data && vb_view_equals(each, text))
            return true;
    return false;
}

/* As KEY_SEES of api/sql.c: an editor sees what is of exactly its audience. */
static bool sees(const struct vb_access *access, const PGresult *rows, int row)
{
    if (!vb_view_equals(vb_pg_view(rows, row, CHANGES_WORKSPACE), vb_view_of(access->workspace)))
        return false;
    if (!access->is_restricted)
        return true;
    struct vb_view audience = vb_pg_view(rows, row, CHANGES_AUDIENCE), each;
    struct vb_pg_array array = vb_pg_array_of(audience);
    if (!audience.data)
        return false;
    while (vb_pg_array_next(&array, &each))
        if (!has_text(&access->audience, each))
            return false;
    for (size_t i = 0; i < access->audience.count; i++)
        if (!array_has(audience, vb_view_of(access->audience.items[i])))
            return false;
    return true;
}

/* One event is one line of data: JSON has line feeds between its words at most. */
static enum vb_status put_event(struct vb_buffer *out, const char *name,
                                const struct vb_buffer *json)
{
    enum vb_status status = vb_buffer_printf(out, "event: %s\ndata: ", name);
    size_t from = out->length;
    if (status == VB_OK)
        status = vb_buffer_append(out, json->data, json->length);
    for (size_t i = from; i < out->length; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    return status == VB_OK ? vb_buffer_append_text(out, "\n\n") : status;
}

/* As this viewer may see it, and everybody of its workspace whose role has the same rights. */
static enum vb_status render(struct vb_http_exchange *exchange, const PGresult *rows, int row,
                             struct vb_buffer *out)
{
    struct vb_json json = vb_http_json(exchange);
    struct vb_error err = {0};
    enum vb_status status = VB_OK;
    bool is_gone = vb_pg_null(rows, row, EXPORT_ID);
    if (is_gone) {
        vb_json_begin_object(&json);
        vb_json_name(&json, "export_id");
        vb_json_view(&json, vb_pg_view(rows, row, CHANGES_JOB));
        vb_json_end_object(&json);
    } else {
        status = vb_api_export_put(exchange, &json, &(struct vb_api_export){rows, row}, &err);
    }
    if (status == VB_OK)
        status = vb_json_status(&json);
    return status == VB_OK ? put_event(out, is_gone ? "gone" : "export", json.out) : status;
}

/* Written once for those who may download and once for those who may not. */
static void tell_row(struct vb_api_site_loop *site, const struct batch *batch, int row, int64_t now)
{
    struct vb_buffer texts[2];
    vb_buffer_init(&texts[0], EVENT_MOST);
    vb_buffer_init(&texts[1], EVENT_MOST);
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next) {
        const struct vb_access *access = &viewer->exchange->request->access;
        struct vb_buffer *text = &texts[vb_role_may(access->role, VB_RIGHT_DOWNLOAD)];
        if (viewer->first > batch->number || !sees(access, batch->rows, row))
            continue;
        if (text->length == 0 && render(viewer->exchange, batch->rows, row, text) != VB_OK)
            vb_http_connection_break(viewer->exchange->connection);
        else
            say(viewer, (struct vb_view){text->data, text->length}, now);
    }
    vb_buffer_done(&texts[0]);
    vb_buffer_done(&texts[1]);
}

/* Whose key or session has ended, or may something else: the page asks again, and is told. */
static void judge(struct vb_api_site_loop *site, const struct batch *batch, int64_t now)
{
    struct vb_view good = vb_pg_view(batch->rows, 0, CHANGES_GOOD);
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next) {
        if (viewer->first > batch->number)
            continue;
        if (batch->is_lost || !array_has(good, vb_view_of(viewer->who)))
            vb_http_push_end(viewer->exchange);
        else if (!viewer->is_ready)
            say_ready(viewer, now);
    }
}

/* The next batch that this loop has not seen; NULL: none. It stays until it is let go of. */
static struct batch *next_batch(struct vb_api_events *events, uint64_t behind)
{
    pthread_mutex_lock(&events->mutex);
    struct batch *batch = events->first;
    while (batch && batch->number <= behind)
        batch = batch->next;
    pthread_mutex_unlock(&events->mutex);
    return batch;
}

/* Batches are taken in order by each loop, so the first is free first. */
static void let_go(struct vb_api_events *events, struct batch *batch)
{
    pthread_mutex_lock(&events->mutex);
    batch->left--;
    while (events->first && events->first->left == 0) {
        struct batch *done = events->first;
        events->first = done->next;
        if (!events->first)
            events->last = &events->first;
        free_batch(done);
    }
    pthread_mutex_unlock(&events->mutex);
}

/* Rows by row, so that each viewer is told in the order in which things came about. */
static void tell(struct vb_api_site_loop *site, const struct batch *batch, int64_t now)
{
    judge(site, batch, now);
    for (int row = 0; row < PQntuples(batch->rows) && site->viewers; row++)
        if (batch->is_news[row])
            tell_row(site, batch, row, now);
}

static void say_a_word(struct vb_api_site_loop *site, int64_t now)
{
    for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next)
        if (now - viewer->said_at >= WORD_EVERY)
            say(viewer, VB_VIEW(":\n\n"), now);
}

void vb_api_events_tick(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_site_loop *site = loop->site;
    struct batch *batch;
    while ((batch = next_batch(site->events, site->batch_taken))) {
        site->batch_taken = batch->number;
        tell(site, batch, now);
        let_go(site->events, batch);
    }
    say_a_word(site, now);
    if (loop->is_draining)
        for (struct vb_api_viewer *viewer = site->viewers; viewer; viewer = viewer->next)
            vb_http_push_end(viewer->exchange);
    else if (!site->events_ticket)
        look(loop, now);
}

void vb_api_events_leave(struct vb_api_site_loop *site)
{
    if (!site->events_ticket)
        return;
    vb_pg_ticket_drop(site->events_ticket);
    site->events_ticket = NULL;
    give_up_look(site->events);
}
