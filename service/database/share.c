/* Who shares with whom, and the array they send. See share.h.
 *
 * What tickets have in common is compared by a hash first: few wait, and of those few are alike. */
#include "share.h"

#include <string.h>

#define FNV_BEGIN UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

/* The value that each has for itself. */
static bool is_own(const struct vb_pg_ticket *ticket, size_t step, int value)
{
    return step + 1 == ticket->count && value + 1 == ticket->many;
}

static const char *own_value(const struct vb_pg_ticket *ticket)
{
    return ticket->many > 0 ? ticket->values[ticket->count - 1][ticket->many - 1] : NULL;
}

/* Of letters, digits and dashes an array needs no quotes. */
static bool is_plain(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    return length <= VB_PG_SHARE_ELEMENT &&
           (!text || strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz-") == length);
}

void vb_pg_share_begin(struct vb_pg_ticket *ticket, int many)
{
    uint64_t hash = FNV_BEGIN;
    ticket->many = many;
    ticket->is_shared = is_plain(own_value(ticket));
    for (size_t i = 0; i < ticket->count; i++) {
        const struct vb_pg_statement *statement = &ticket->statements[i];
        ticket->is_shared = ticket->is_shared && statement->name;
        hash = hash_bytes(hash, &statement->name, sizeof(statement->name));
        for (int k = 0; k < statement->count; k++) {
            const char *value = is_own(ticket, i, k) ? NULL : ticket->values[i][k];
            hash = value ? hash_bytes(hash, value, strlen(value) + 1) : hash * FNV_PRIME;
        }
    }
    ticket->likeness = hash;
}

static bool same_value(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Names are compared as pointers: a statement stands in one table. */
bool vb_pg_share_alike(const struct vb_pg_ticket *ticket, const struct vb_pg_ticket *other)
{
    if (!ticket->is_shared || !other->is_shared || ticket->likeness != other->likeness ||
        ticket->count != other->count || ticket->many != other->many)
        return false;
    for (size_t i = 0; i < ticket->count; i++) {
        if (ticket->statements[i].name != other->statements[i].name)
            return false;
        for (int k = 0; k < ticket->statements[i].count; k++)
            if (!is_own(ticket, i, k) && !same_value(ticket->values[i][k], other->values[i][k]))
                return false;
    }
    return true;
}

bool vb_pg_share_follow(struct ticket_list *list, struct vb_pg_ticket *ticket)
{
    for (struct vb_pg_ticket *leader = list->first; leader; leader = leader->next) {
        if (leader->sharers >= VB_PG_SHARERS || !vb_pg_share_alike(leader, ticket))
            continue;
        ticket->next = leader->followers;
        leader->followers = ticket;
        leader->sharers++;
        list->sharers++;
        return true;
    }
    return false;
}

struct vb_pg_ticket *vb_pg_share_leave(struct vb_pg_ticket *ticket)
{
    struct vb_pg_ticket *followers = ticket->followers;
    ticket->followers = NULL;
    ticket->sharers = 1;
    return followers;
}

static size_t put_element(char *text, size_t length, const char *element)
{
    if (!element || !*element)
        return length;
    if (length > 1)
        text[length++] = ',';
    while (*element)
        text[length++] = *element++;
    return length;
}

/* What nobody waits for any more is left out too. */
void vb_pg_share_array(const struct vb_pg_ticket *ticket, char ret_text[VB_PG_SHARE_TEXT])
{
    size_t length = 0;
    ret_text[length++] = '{';
    if (ticket->done)
        length = put_element(ret_text, length, own_value(ticket));
    for (const struct vb_pg_ticket *each = ticket->followers; each; each = each->next)
        if (each->done)
            length = put_element(ret_text, length, own_value(each));
    ret_text[length++] = '}';
    ret_text[length] = '\0';
}
