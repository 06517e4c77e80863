/* A look at what has changed: one ticket of one loop, by the worker's role since it is over all
 * workspaces. See api/events.h.
 *
 * Its result is copied into a batch, since all loops read it after the ticket has gone. Rows are
 * compared with those of the look before by a hash, so that what runs is told only when it got on.
 */
#include "viewer.h"

#include "database/array.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY VB_SECOND
/* Notes of changes are kept for ten minutes: half of it without a look, and something might be
 * missed. */
#define BLIND_MOST (5 * 60 * VB_SECOND)
#define TELL_EVERY (60 * VB_SECOND)
#define LISTS_MOST (256u << 10) /* bytes of an array that is asked with */

/* --- who is asked for --- */

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
                       char snapshot[VB_API_SNAPSHOT_MOST])
{
    pthread_mutex_lock(&events->mutex);
    bool is_due = events->count > 0 && !events->is_asking &&
                  (events->asked_at == 0 || now - events->asked_at >= LOOK_EVERY) &&
                  list_viewers(events, lists) == VB_OK;
    if (is_due) {
        events->is_asking = true;
        events->asked_at = now;
        events->asked++;
        memcpy(snapshot, events->snapshot, VB_API_SNAPSHOT_MOST);
    }
    pthread_mutex_unlock(&events->mutex);
    return is_due;
}

void vb_api_look_give_up(struct vb_api_events *events)
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
        for (size_t i = 0; field.data && i < field.length; i++)
            hash = (hash ^ (unsigned char)field.data[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static int by_job(const void *a, const void *b)
{
    return strcmp(((const struct vb_api_seen *)a)->job, ((const struct vb_api_seen *)b)->job);
}

/* Fills in what is news, and keeps what was seen for the next look. Under the mutex. */
static void compare(struct vb_api_events *events, struct vb_api_batch *batch, bool is_first)
{
    size_t count = (size_t)PQntuples(batch->rows);
    for (size_t row = 0; row < count; row++) {
        const struct vb_api_seen *now = &batch->seen[row];
        const struct vb_api_seen *before =
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
static bool take_in(struct vb_api_events *events, struct vb_api_batch *batch, int64_t now)
{
    struct vb_view snapshot = vb_pg_view(batch->rows, 0, CHANGES_SNAPSHOT);
    char text[VB_API_SNAPSHOT_MOST];
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
static struct vb_api_batch *make_batch(const PGresult *rows, size_t loops)
{
    size_t count = (size_t)PQntuples(rows);
    struct vb_api_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->left = loops;
    batch->rows = PQcopyResult(rows, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    batch->is_news = calloc(count, sizeof(*batch->is_news));
    batch->seen = calloc(count, sizeof(*batch->seen));
    if (!batch->rows || !batch->is_news || !batch->seen) {
        vb_api_batch_free(batch);
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
static bool publish(struct vb_api_events *events, struct vb_api_batch *batch)
{
    events->is_asking = false;
    if (!batch || events->count == 0 || !take_in(events, batch, vb_clock_monotonic())) {
        vb_api_batch_free(batch);
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
    struct vb_api_batch *batch = NULL;
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

void vb_api_look(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_site_loop *site = loop->site;
    char snapshot[VB_API_SNAPSHOT_MOST];
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
            vb_api_look_give_up(site->events);
    }
    vb_buffer_done(&lists.workspaces);
    vb_buffer_done(&lists.sessions);
    vb_buffer_done(&lists.keys);
}
