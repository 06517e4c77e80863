/* Handlers of the routes, and what they share: the key's check, and waiting for the database.
 *
 * All of it runs on the loop's thread; handlers never wait, they ask and are called back. A
 * handler's own state hangs on its exchange (exchange->state), and is freed with it, also when the
 * client leaves in the middle: no callback comes after that. Errors are answers: each function here
 * that cannot do its part has answered, and its caller has nothing more to do.
 */
#ifndef VERBATIM_API_API_H
#define VERBATIM_API_API_H

#include "site.h"
#include "sql.h"

/* The handlers of the routes that are no door's own. */
void vb_api_create_begin(struct vb_http_exchange *exchange);
void vb_api_job_begin(struct vb_http_exchange *exchange);
void vb_api_native_create_begin(struct vb_http_exchange *exchange);
void vb_api_preview_begin(struct vb_http_exchange *exchange);
void vb_api_export_list_begin(struct vb_http_exchange *exchange);
void vb_api_export_events_begin(struct vb_http_exchange *exchange);
void vb_api_export_read_begin(struct vb_http_exchange *exchange);
void vb_api_export_cancel_begin(struct vb_http_exchange *exchange);
void vb_api_export_delete_begin(struct vb_http_exchange *exchange);
void vb_api_export_download_begin(struct vb_http_exchange *exchange);
void vb_api_alive_begin(struct vb_http_exchange *exchange);
void vb_api_ready_begin(struct vb_http_exchange *exchange);
void vb_api_metrics_begin(struct vb_http_exchange *exchange);
void vb_api_link_revoke_begin(struct vb_http_exchange *exchange);
void vb_api_link_issue_begin(struct vb_http_exchange *exchange);
void vb_api_short_link_begin(struct vb_http_exchange *exchange);
void vb_api_file_begin(struct vb_http_exchange *exchange);
void vb_api_openapi_begin(struct vb_http_exchange *exchange);
void vb_api_docs_begin(struct vb_http_exchange *exchange);
void vb_api_docs_slash_begin(struct vb_http_exchange *exchange);
void vb_api_docs_script_begin(struct vb_http_exchange *exchange);

/* --- who asks (api/key.c) --- */

/* How a handler comes in: the key is judged, and what the handler needs first is read, in one round
 * trip. */
struct vb_api_entry {
    /* Of exchange->request->access only key, role and is_restricted are filled, and the audience is
     * compared by the statements of `more`, which are polls (api/sql.h). Not for doors that take
     * the workspace from the key. */
    bool is_poll;
    const struct vb_pg_step *more; /* behind it, in the same transaction, with the workspace set */
    size_t count;
    bool writes; /* `more` changes rows: waiting for locks is limited */
    /* It may be one of several that look together (database/pool.h); `many` as there. Polls only:
     * each is judged by its own key, and finds its own rows. */
    bool is_shared;
    int many;
    /* Called once exchange->request->access is filled. Result 0 is empty, 1 is the key's one row,
     * then those of `more`. */
    void (*then)(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome);
};
/* Judges the request by its route, in the contract's order: 401 (no good key), 403 (scope, then
 * role), 404 (another workspace). Refusals and a database that is away are answered here. Steps of
 * `more` are sent before the key is judged: what they change must depend on it by itself. */
void vb_api_enter(struct vb_http_exchange *exchange, const struct vb_api_entry *entry);

/* The key that the request has shown elsewhere than in its head, before it enters. */
void vb_api_take_key(struct vb_http_exchange *exchange, struct vb_view key);
/* 401, in the same words whatever was wrong with the key. */
void vb_api_refuse_key(struct vb_http_exchange *exchange);
/* Whether a request that needs to be from a page of our own is (api/own_page.h); false: 403 was
 * answered. */
bool vb_api_own_page(struct vb_http_exchange *exchange);
/* The cookie of a session, which stands for its key below /api/ where no key is shown. */
#define VB_API_SESSION_COOKIE "verbatim_session"

/* Whether the request shows this token as its bearer; its head is wiped then. */
bool vb_api_bearer_is(struct vb_http_exchange *exchange, const char *token);

/* 413 and 415, or `on_body` once the body is whole (api/receive.c). */
void vb_api_receive_json(struct vb_http_exchange *exchange,
                         void (*on_body)(struct vb_http_exchange *exchange));

/* Sends the steps to Verbatim's database for this exchange; `then` gets the exchange as its
 * context, must clear exchange->ticket (vb_api_ended does), and has to answer. Away: answered
 * here. */
void vb_api_send(struct vb_http_exchange *exchange, struct vb_pg_pool *pool,
                 const struct vb_pg_step *steps, size_t count, vb_pg_done *then);
/* Takes the ticket off; false: it failed, and was answered. */
bool vb_api_ended(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome);
/* The same for statements with a statement_timeout of `most` microseconds, sent at `sent_at`
 * (monotonic): out of time is 504 with the detail, also where the server heard of its own limit so
 * late that the connection was given up. */
bool vb_api_ended_in_time(struct vb_http_exchange *exchange, const struct vb_pg_outcome *outcome,
                          int64_t sent_at, int64_t most, const char *detail);

/* --- the audit (api/audit.c): a download by who asks, or by whoever holds a link; `sent` are its
 * bytes, NULL where they are not seen here --- */
void vb_api_audit_download(struct vb_http_exchange *exchange, const char *job_id,
                           const uint64_t *sent);
void vb_api_audit_link(struct vb_http_exchange *exchange, const char *job_id, bool is_part,
                       const uint64_t *sent);

/* --- files (api/files.c) --- */
/* Long enough for a client that was cut off to go on where it was sent: wget asks there again. No
 * longer than the link or the file that led there. */
#define VB_API_REDIRECT_SECONDS 3600
/* From now to `end`, 1 to VB_API_REDIRECT_SECONDS. */
int64_t vb_api_redirect_seconds(vb_instant end);
struct vb_api_file {
    const char *key;
    const char *job; /* whose file it is, for the audit; "": nobody knows, and nothing is noted */
    bool is_by_link; /* downloaded by whoever holds a link; else by who asks */
    int64_t seconds; /* how long a link of the object store lives */
    bool is_shown;   /* by the browser, walled off from everything of ours */
    /* Answers 404 and 503 in a form of its own; NULL: as JSON. */
    void (*refuse)(struct vb_http_exchange *exchange, int status);
};
/* How long a page that was opened may be loaded again. */
#define VB_API_VIEW_SECONDS 3600
/* Whether the query asks for the file to be shown; VB_INVALID: for neither that nor an attachment.
 * VB_NO_MEMORY. */
enum vb_status vb_api_file_is_shown(const struct vb_http_exchange *exchange,
                                    bool *ret_is_shown) vb_must_check;
/* The file, streamed or passed on to the object store. What is a download stands in the audit: the
 * way to the object store, or bytes that went out; not a HEAD, one byte, or an answer of which the
 * client took no more than the first few megabytes. */
void vb_api_file_answer(struct vb_http_exchange *exchange, const struct vb_api_file *file);

/* --- mails (api/mail.c) --- */
/* Whether a mail that is asked for will be sent by some process, as far as is known here. */
bool vb_api_mail_is_sent(const struct vb_api_site_loop *site);
/* An address of the usual form, or one that mail_from makes good (rules/mail_address.h). */
bool vb_api_mail_may_go_to(const struct vb_api_site_loop *site, const char *address);
/* The member `notification`: NULL, waiting, sent or failed as the job has it, or not_configured
 * where it waits for nobody. */
void vb_api_put_mail(const struct vb_api_site_loop *site, struct vb_json *json,
                     struct vb_view mail);

/* Field of a source result (text); NULL for SQL NULL. */
const char *vb_api_text(const PGresult *result, int row, int column);

#endif
