/* What a request wants of the audit: filters, and the place where its page begins.
 *
 * A value with texts of its own, borrowed by the steps that are made of it; one thread. Errors are
 * answers: 422 for a query that breaks a rule, 503 while there are no secrets to judge cursors by.
 */
#ifndef VERBATIM_API_MANAGE_AUDIT_FILTER_H
#define VERBATIM_API_MANAGE_AUDIT_FILTER_H

#include "api/api.h"
#include "http/query.h"

struct vb_audit_filter {
    int64_t limit;
    vb_instant after_at, first; /* behind which it begins, and with which it ends */
    int64_t after_id;
    const char *doors, *formats, *direct, *author; /* as parameters; NULL: any */
    char words[2][VB_HTTP_LIST];
    struct vb_http_query query;
    /* Of the statement, made anew by each vb_audit_filter_step. */
    char numbers[4][24];
    const char *values[9];
};

/* `has_pages`: `limit` and `cursor` are asked for as well. False: answered. */
bool vb_audit_filter_read(struct vb_http_exchange *exchange, bool has_pages,
                          struct vb_audit_filter *ret_filter);
void vb_audit_filter_done(struct vb_audit_filter *filter);

/* The page of at most so many entries behind the filter's place. */
struct vb_pg_step vb_audit_filter_step(struct vb_audit_filter *filter, const char *workspace,
                                       int64_t most);
/* Its place is behind this row of a page from now on. */
void vb_audit_filter_pass(struct vb_audit_filter *filter, const PGresult *rows, int row);
/* Writes the cursor of its place. */
void vb_audit_filter_put(struct vb_http_exchange *exchange, struct vb_json *json,
                         const struct vb_audit_filter *filter);

#endif
