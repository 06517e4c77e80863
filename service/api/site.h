/* The API as a site of the HTTP server: what it keeps beside each loop and each exchange, its start
 * and stop.
 *
 * A struct vb_api owns the server, the connectors, the watch over the storage and the threads that
 * stream, until vb_site_stop, which frees it; the service and the table outlive it. What stands
 * beside a loop belongs to the loop's thread, what stands beside an exchange lives and is used
 * again with it. Everything else here is read-only once it has started. Errors of the start: those
 * of its parts, all of which have ended then.
 */
#ifndef VERBATIM_API_SITE_H
#define VERBATIM_API_SITE_H

#include "access.h"
#include "route.h"
#include "settings/service.h"
#include "specification/resolve.h"
#include "storage/storage.h"
#include "trace.h"

#include "verbatim/uuid.h"
#include "verbatim/zone.h"

struct vb_direct_pool;
struct vb_storage_watch;
struct vb_api_source_watch;
struct vb_api_throttle;
struct vb_api_events;
struct vb_api_viewer;
struct vb_api_tally;

/* A zone that was used lately. */
struct vb_api_zone {
    char name[64];
    struct vb_zone *zone;
};

/* A body that several requests get, while the results it was made of are theirs. */
struct vb_api_shown {
    uint64_t number; /* of those results; 0: none is held */
    struct vb_buffer target, body;
};
#define VB_API_SHOWN (64u << 10) /* bytes; a larger one is made for each */

/* What the first loop has read for all of them. */
struct vb_api_known {
    pthread_mutex_t mutex;
    int64_t at; /* monotonic; 0: nothing yet */
    struct vb_link_secrets secrets;
    bool no_mail;
    atomic_bool mail_is_missed; /* somebody asked who sends mails, and was told nobody; any loop */
};

struct vb_api_site_loop {
    const struct vb_service *service;
    const struct vb_api_table *table;
    const struct vb_pg_statement *source_statements;
    struct vb_direct_pool *streams;
    struct vb_storage_watch *watch;
    struct vb_api_source_watch *source_watch;
    struct vb_api_throttle *sign_ins;
    struct vb_api_events *events;
    struct vb_api_viewer *viewers; /* of this loop (api/events.c) */
    struct vb_api_tally *tally;
    uint64_t batch_taken;
    struct vb_pg_ticket *events_ticket;
    struct vb_pg_pool *main_pool, *source_pool;
    struct vb_pg_pool *count_pool;  /* the source as well, for what may take long */
    struct vb_pg_pool *search_pool; /* the same, for what somebody waits for who is typing */
    size_t notes;            /* to the audit, on their way: a loop that stops waits for them */
    struct vb_api_end *ends; /* those of them that wait for their next try (api/audit_end.c) */
    struct vb_api_known *known;
    int64_t secrets_asked, secrets_at; /* 0: never */
    struct vb_link_secrets secrets;
    /* Read with them: no process sends mails. What the process started with says nothing of it. */
    bool no_mail, mail_is_known;
    struct vb_pg_ticket *secrets_ticket;
    struct vb_api_zone zones[16];
    size_t zone_turn;
    struct vb_api_shown list; /* api/export_list.c */
    struct {
        char id[16];
        int64_t at;
    } touched[256]; /* keys whose last use was noted lately */
};

struct vb_api_site_request {
    const struct vb_api_route *route;             /* NULL: none, or not found yet */
    struct vb_buffer arguments[VB_API_ARGUMENTS]; /* decoded, NUL-terminated */
    struct vb_api_credential credential;
    struct vb_api_trace trace;
    struct vb_access access; /* once vb_api_enter has found the key good */
    bool is_poll;            /* entered by a statement without the rest of `access` */
    /* A file that goes out, for the audit at its end: `length` bytes of it. */
    struct {
        char job[VB_UUID_TEXT];
        bool is_by_link, is_part;
        uint64_t length;
    } download;
    void (*on_entered)(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome);
};

/* The zone of the workspace of who asks, kept for the next request. NULL: 503 was answered, naming
 * it; other processes may know it. Good until the next one is asked for: the loop keeps few. */
struct vb_zone *vb_api_zone(struct vb_http_exchange *exchange);

struct vb_api;
/* Adds the connections that a process with this site may hold at most. */
void vb_site_connections(struct vb_connections *sum);
enum vb_status vb_site_start(const struct vb_service *service, const struct vb_api_table *table,
                             const struct vb_http_times *times, unsigned connections,
                             struct vb_api **ret_api, struct vb_error *err) vb_must_check;
/* Others turn away from now on, and until the stop all goes on (vb_http_leave). */
void vb_site_leave(struct vb_api *api);
void vb_site_request_stop(struct vb_api *api);
/* Waits for answers under way, some seconds at most. NULL is a no-op. */
void vb_site_stop(struct vb_api *api);

/* --- between the site and its parts beside the loops (api/pools.c) --- */
enum vb_status vb_api_pools_init(struct vb_http_loop *loop, struct vb_pg_connector *main,
                                 struct vb_pg_connector *source,
                                 struct vb_error *err) vb_must_check;
void vb_api_pools_tick(struct vb_http_loop *loop, int64_t now);
void vb_api_pools_done(struct vb_api_site_loop *site);
void vb_api_pools_connections(struct vb_connections *sum);

#endif
