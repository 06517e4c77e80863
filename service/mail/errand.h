/* A row of verbatim.outbox that this process has claimed: from the claim to what became of it.
 * Private to this folder.
 *
 * Claiming moves the row's not_before ahead (a lease), in a statement of its own; no transaction is
 * open while the mail server is talked to. The attempt's number is the fence: who was overtaken
 * records nothing.
 *
 * An errand is its claimer's, a plain value that owns its result; vb_errand_done empties it. The
 * connection and all calls are the claiming thread's; another may read the errand meanwhile.
 * Errors are the database's, and of composing VB_INVALID and VB_LIMIT. Texts live as long as the
 * errand.
 */
#ifndef VERBATIM_MAIL_ERRAND_H
#define VERBATIM_MAIL_ERRAND_H

#include "database/pg.h"
#include "mail.h"
#include "settings/service.h"

/* Handovers without an answer, after which a mail is left to whoever looks at it: it has most
 * likely arrived, more than once. */
#define VB_ERRAND_UNANSWERED_MOST 3

struct vb_errand {
    PGresult *row;
    char id[24], attempt[12];
    const char *recipient, *job_id, *workspace;
    int64_t unanswered;
    int link; /* its number */
    vb_instant finished_at, expires_at;
    bool finished;
    bool dead; /* by the database's clock the link has expired */
    bool revoked;
};

/* What is at work already: a recipient has one mail under way, a domain leaves one of the
 * connections to the others. */
#define VB_ERRANDS_MOST 16 /* smtp_connections */
struct vb_errands_held {
    const struct vb_errand *each[VB_ERRANDS_MOST];
    size_t count, connections;
};

/* The row that is due for the longest time; or one whose process says no beats any more, or that
 * a claim of ours took whose answer was lost. VB_AGAIN: there is none. */
enum vb_status vb_errand_claim(struct vb_pg *pg, const struct vb_service *service,
                               const struct vb_errands_held *held, struct vb_errand *ret_errand,
                               struct vb_error *err) vb_must_check;
void vb_errand_done(struct vb_errand *errand);

/* Claims it for longer; with `handed_over` also notes that its message is with the server, so that
 * nobody repeats it at once should we die. *ret_held false: somebody else has it by now. */
enum vb_status vb_errand_renew(struct vb_pg *pg, const struct vb_errand *errand, bool handed_over,
                               bool *ret_held, struct vb_error *err) vb_must_check;

/* What became of it. */
struct vb_errand_end {
    bool sent;
    bool final;       /* given up */
    int unanswered;   /* so many more handovers without an answer */
    double pause;     /* seconds until it is due again */
    const char *text; /* why it was not sent; NULL where it was */
};
enum vb_status vb_errand_record(struct vb_pg *pg, const struct vb_errand *errand,
                                const struct vb_errand_end *end,
                                struct vb_error *err) vb_must_check;

/* Appends the mail. Its Message-ID and date are the job's: a mail that is sent twice is the same
 * bytes, and seen once by most readers. */
enum vb_status vb_errand_compose(struct vb_pg *pg, const char *base_url,
                                 const struct vb_mail_sender *sender,
                                 const struct vb_errand *errand, struct vb_buffer *message,
                                 struct vb_error *err) vb_must_check;
#define VB_ERRAND_MESSAGE (256u << 10) /* bytes that it has at most */

#endif
