/* Tickets: see ticket.h. One block of memory each, with its texts behind it, so that a request may
 * end, and take its own texts along, before its statements are sent. */
#include "ticket.h"

#include <stdlib.h>
#include <string.h>

/* A queue: `last` points to where the next one is hung. */
void vb_pg_list_init(struct ticket_list *list)
{
    list->first = NULL;
    list->last = &list->first;
    list->count = list->sharers = 0;
}

void vb_pg_list_add(struct ticket_list *list, struct vb_pg_ticket *ticket)
{
    ticket->next = NULL;
    *list->last = ticket;
    list->last = &ticket->next;
    list->count++;
    list->sharers += ticket->sharers;
}

struct vb_pg_ticket *vb_pg_list_cut(struct ticket_list *list)
{
    struct vb_pg_ticket *ticket = list->first;
    if (ticket) {
        list->first = ticket->next;
        if (!list->first)
            list->last = &list->first;
        list->count--;
        list->sharers -= ticket->sharers;
    }
    return ticket;
}

void vb_pg_list_join(struct ticket_list *list, struct ticket_list *more)
{
    if (!more->first)
        return;
    *list->last = more->first;
    list->last = more->last;
    list->count += more->count;
    list->sharers += more->sharers;
    vb_pg_list_init(more);
}

bool vb_pg_ticket_is_wanted(const struct vb_pg_ticket *ticket)
{
    for (const struct vb_pg_ticket *each = ticket->followers; each; each = each->next)
        if (each->done)
            return true;
    return ticket->done != NULL;
}

/* The callback may send more tickets, also on this link. */
void vb_pg_ticket_finish(struct vb_pg_ticket *ticket)
{
    struct vb_pg_outcome *outcome = &ticket->outcome;
    if (ticket->done)
        ticket->done(ticket->context, outcome);
    for (struct vb_pg_ticket *each = ticket->followers, *next; each; each = next) {
        if (each->done)
            each->done(each->context, outcome);
        next = each->next;
        free(each);
    }
    for (size_t i = 0; i < VB_PG_STEPS; i++)
        PQclear(outcome->results[i]);
    free(ticket);
}

void vb_pg_ticket_reset(struct vb_pg_ticket *ticket)
{
    for (size_t i = 0; i < VB_PG_STEPS; i++)
        PQclear(ticket->outcome.results[i]);
    ticket->outcome = (struct vb_pg_outcome){0};
    ticket->answered = 0;
}

/* Partial results are dropped: a callback sees all of them or none. */
void vb_pg_ticket_fail(struct vb_pg_ticket *ticket, const char *reason)
{
    vb_pg_ticket_reset(ticket);
    ticket->outcome.status = vb_fail(&ticket->outcome.error, VB_DATABASE_AWAY, "%s", reason);
}

void vb_pg_ticket_drop(struct vb_pg_ticket *ticket)
{
    if (ticket)
        ticket->done = NULL;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Bytes of all values, and of statements without a name, with their NULs. */
static size_t texts_size(const struct vb_pg_step *steps, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!steps[i].statement->name)
            size += text_size(steps[i].statement->sql);
        for (int k = 0; k < steps[i].statement->count; k++)
            size += text_size(steps[i].values[k]);
    }
    return size;
}

static const char *keep_text(char **at, const char *text)
{
    size_t size = text_size(text);
    char *kept = size > 0 ? memcpy(*at, text, size) : NULL;
    *at += size;
    return kept;
}

struct vb_pg_ticket *vb_pg_ticket_new(const struct vb_pg_step *steps, size_t count)
{
    struct vb_pg_ticket *ticket = calloc(1, sizeof(*ticket) + texts_size(steps, count));
    if (!ticket)
        return NULL;
    char *at = ticket->bytes;
    ticket->count = count;
    ticket->sharers = 1;
    for (size_t i = 0; i < count; i++) {
        struct vb_pg_statement *statement = &ticket->statements[i];
        *statement = *steps[i].statement;
        if (!statement->name)
            statement->sql = keep_text(&at, statement->sql);
        for (int k = 0; k < statement->count; k++)
            ticket->values[i][k] = keep_text(&at, steps[i].values[k]);
    }
    return ticket;
}
