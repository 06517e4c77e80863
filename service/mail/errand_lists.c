/* What is held, as arrays of SQL for a claim. Names of mailboxes are compared as the claim does: in
 * lower case, by ASCII alone. */
#include "errand_row.h"

#include "database/array.h"

#include <string.h>

#define LIST_MOST (VB_ERRANDS_MOST * 600u)

static void lower(const char *text, char *out, size_t size)
{
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    out[i] = '\0';
}

static const char *domain_of(const char *recipient)
{
    const char *at = strchr(recipient, '@');
    return at ? at + 1 : "";
}

/* Of a domain, all connections but one; of one connection, that. */
static bool has_its_share(const struct vb_errands_held *held, char recipients[][VB_MAIL_ADDRESS],
                          size_t which)
{
    size_t count = 0;
    for (size_t i = 0; i < held->count; i++)
        count += strcmp(domain_of(recipients[i]), domain_of(recipients[which])) == 0;
    return count + 1 >= held->connections && held->connections > 1;
}

enum vb_status vb_errand_lists_fill(const struct vb_errands_held *held,
                                    struct vb_errand_lists *ret_lists)
{
    char recipients[VB_ERRANDS_MOST][VB_MAIL_ADDRESS];
    const char *ids[VB_ERRANDS_MOST], *names[VB_ERRANDS_MOST], *domains[VB_ERRANDS_MOST];
    size_t full = 0;
    vb_buffer_init(&ret_lists->ids, LIST_MOST);
    vb_buffer_init(&ret_lists->recipients, LIST_MOST);
    vb_buffer_init(&ret_lists->domains, LIST_MOST);
    for (size_t i = 0; i < held->count; i++) {
        lower(held->each[i]->recipient, recipients[i], sizeof recipients[i]);
        ids[i] = held->each[i]->id;
        names[i] = recipients[i];
    }
    for (size_t i = 0; i < held->count; i++)
        if (has_its_share(held, recipients, i))
            domains[full++] = domain_of(recipients[i]);
    enum vb_status status = vb_pg_array_put(&ret_lists->ids, ids, held->count);
    if (status == VB_OK)
        status = vb_pg_array_put(&ret_lists->recipients, names, held->count);
    return status == VB_OK ? vb_pg_array_put(&ret_lists->domains, domains, full) : status;
}

void vb_errand_lists_done(struct vb_errand_lists *lists)
{
    vb_buffer_done(&lists->ids);
    vb_buffer_done(&lists->recipients);
    vb_buffer_done(&lists->domains);
}
