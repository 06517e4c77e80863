/* The doctor's look at how the source is read: every kind of selection, with ids that are really
 * there.
 *
 * A sample of conversations gives the ids: the channel, contact and assistant that come up most
 * often in it, and the channel that comes up least, since a page for a rare one is what walks past
 * its neighbours.
 */
#include "doctor.h"

#include "database/pg.h"
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT "source plan"
/* Rows of the sample; choose() compares each with each, which is nothing at that size. */
#define SAMPLE 500u
#define LISTED_MOST 50u
#define MESSAGES_MOST 500u /* of one conversation */
#define FURTHER                                                                                    \
    (VB_COLUMNS_NOTES | VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS | VB_COLUMNS_CITATIONS |             \
     VB_COLUMNS_MEDIA)
#define OUTER (VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_CUSTOMER)

enum field { ID, CREATED_AT, WORKSPACE, CHANNEL, CONTACT, ASSISTANT };

/* What a check selects by; ROWS are messages and what hangs on them. */
enum kind { OF_CHANNEL, OF_RARE_CHANNEL, OF_CONTACT, OF_ASSISTANT, OF_ALL, OF_IDS, ROWS };

struct check {
    const char *name;
    enum kind kind;
    unsigned columns;
    bool ordered; /* by an index: else a few rows may be sorted */
    const char *remedy;
};

#define PLAIN                                                                                      \
    "; in the view these are plain columns of one table, without casts, functions or joins "       \
    "(docs/connect.md)"

/* Remedies name indexes by the contract's columns; behind a view stand the platform's own names. */
static const struct check checks[] = {
    {"one channel", OF_CHANNEL, 0, true, "index conversation (channel_id, created_at, id)" PLAIN},
    {"a rare channel", OF_RARE_CHANNEL, 0, true,
     "index conversation (channel_id, created_at, id)" PLAIN},
    {"one contact", OF_CONTACT, 0, false, "index conversation (contact_id, created_at, id)" PLAIN},
    {"one assistant", OF_ASSISTANT, 0, true,
     "index conversation (assistant_id, created_at, id)" PLAIN},
    {"everything", OF_ALL, 0, true, "index conversation (workspace_id, created_at, id)" PLAIN},
    {"listed conversations", OF_IDS, 0, false, "index conversation (id)" PLAIN},
    {"conversations with details", OF_ALL, OUTER, false,
     "index contact (id), channel (id), assistant (id), and whatever the view looks tags, ratings "
     "and the like up by"},
    {"messages", ROWS, 0, true,
     "index message (conversation_id, created_at, id), with position before id where the view has "
     "it" PLAIN},
    {"notes, events, skills, citations, attachments", ROWS, FURTHER, false,
     "index note, event and skill_run (conversation_id, created_at), citation and attachment "
     "(conversation_id, message_id)" PLAIN},
};

/* Rows of the sample, and what was chosen from it: numbers of rows, -1 for none. A row has its own
 * workspace: a sample may be of several. */
struct sample {
    PGresult *rows;
    int channel, rare, contact, assistant;
};

/* NULL for no such row as well. */
static const char *value_of(const struct sample *sample, int row, enum field field)
{
    bool null = row < 0 || PQgetisnull(sample->rows, row, (int)field);
    return null ? NULL : PQgetvalue(sample->rows, row, (int)field);
}

/* Within the row's workspace: ids of two workspaces may be equal. */
static int count_equal(const struct sample *sample, int row, enum field field)
{
    int count = 0;
    for (int i = 0; i < PQntuples(sample->rows); i++) {
        const char *other = value_of(sample, i, field);
        bool near = strcmp(value_of(sample, i, WORKSPACE), value_of(sample, row, WORKSPACE)) == 0;
        count += near && other && strcmp(other, value_of(sample, row, field)) == 0;
    }
    return count;
}

/* The row whose value comes up most often in its workspace, or least; -1 where none has one. */
static int choose(const struct sample *sample, enum field field, bool most)
{
    int chosen = -1, best = 0;
    for (int row = 0; row < PQntuples(sample->rows); row++) {
        if (!value_of(sample, row, field))
            continue;
        int count = count_equal(sample, row, field);
        if (chosen < 0 || (most ? count > best : count < best)) {
            chosen = row;
            best = count;
        }
    }
    return chosen;
}

/* The caller clears the rows. */
static enum vb_status take_sample(PGconn *source, const struct vb_contract *contract,
                                  struct sample *ret_sample, struct vb_error *err)
{
    struct vb_source_query query = {0};
    enum vb_status status = vb_contract_some_query(contract, SAMPLE, &query, err);
    if (status != VB_OK)
        return status;
    struct sample sample = {
        .rows = PQexecParams(source, query.sql, query.count, NULL, query.values, NULL, NULL, 0)};
    vb_source_query_done(&query);
    if (PQresultStatus(sample.rows) != PGRES_TUPLES_OK) {
        status = vb_postgres_fail(err, source, sample.rows);
        PQclear(sample.rows);
        return status;
    }
    sample.channel = choose(&sample, CHANNEL, true);
    sample.rare = choose(&sample, CHANNEL, false);
    sample.contact = choose(&sample, CONTACT, true);
    sample.assistant = choose(&sample, ASSISTANT, true);
    *ret_sample = sample;
    return VB_OK;
}

/* Whose ids a check uses. A selection by no id of its own takes the channel's row, for its
 * workspace. */
static int row_of(const struct sample *sample, enum kind kind)
{
    switch (kind) {
    case OF_RARE_CHANNEL:
        return sample->rare;
    case OF_CONTACT:
        return sample->contact;
    case OF_ASSISTANT:
        return sample->assistant;
    case OF_CHANNEL:
    case OF_ALL:
    case OF_IDS:
    case ROWS:
        return sample->channel;
    }
    return -1;
}

/* The page behind a conversation of the sample: a keyset page, as all but an export's first are. */
static enum vb_status build_page(const struct vb_contract *contract, const struct check *check,
                                 struct vb_selection *selection, const struct sample *sample,
                                 struct vb_source_query *ret_query, struct vb_error *err)
{
    int row = row_of(sample, check->kind);
    struct vb_cursor low = {.at = strtoll(value_of(sample, row, CREATED_AT), NULL, 10) - 1};
    const char *id = value_of(sample, row, ID);
    if (strlen(id) >= sizeof low.id)
        return vb_fail(err, VB_SOURCE, "conversation.id is longer than an id may be");
    memcpy(low.id, id, strlen(id) + 1);
    if (check->kind == OF_CHANNEL || check->kind == OF_RARE_CHANNEL)
        selection->channel_id = value_of(sample, row, CHANNEL);
    else if (check->kind == OF_CONTACT)
        selection->contact_id = value_of(sample, row, CONTACT);
    else if (check->kind == OF_ASSISTANT)
        selection->assistant_id = value_of(sample, row, ASSISTANT);
    return vb_contract_page_query(contract, selection, check->kind == OF_IDS ? NULL : &low,
                                  VB_PLAN_PAGE, ret_query, err);
}

/* The selection and its words live until the statement is built, and no longer. */
static enum vb_status build(PGconn *source, const struct vb_contract *contract,
                            const struct check *check, const struct sample *sample,
                            struct vb_source_query *ret_query, struct vb_error *err)
{
    const char *ids[LISTED_MOST];
    struct vb_words words = {.items = ids};
    struct vb_selection selection = {
        .workspace = value_of(sample, row_of(sample, check->kind), WORKSPACE),
        .columns = check->columns,
        .to = vb_clock_now(),
        .as_of = vb_clock_now(),
    };
    for (int i = 0; i < PQntuples(sample->rows) && words.count < LISTED_MOST; i++)
        if (value_of(sample, i, ID))
            ids[words.count++] = value_of(sample, i, ID);
    if (check->kind == ROWS)
        return vb_contract_rows_query(contract, source, &selection, &words, MESSAGES_MOST,
                                      ret_query, err);
    if (check->kind == OF_IDS)
        selection.conversation_ids = words;
    return build_page(contract, check, &selection, sample, ret_query, err);
}

/* What is good is told with its figures too: whoever looks twice sees them grow. */
static void tell(struct vb_doctor *doctor, const struct check *check, const struct vb_plan *plan)
{
    switch (plan->verdict) {
    case VB_PLAN_GOOD:
    case VB_PLAN_FILTERS: /* of look-ups alone */
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "%s: %.0f rows for %.0f",
                         check->name, plan->walked, plan->rows);
        break;
    case VB_PLAN_SCANS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, check->remedy,
                         "%s: each page reads all of %s, for want of an index", check->name,
                         plan->relation);
        break;
    case VB_PLAN_SORTS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, check->remedy,
                         "%s: each page is sorted, since no index gives its order", check->name);
        break;
    case VB_PLAN_WALKS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, check->remedy,
                         "%s: %.0f rows are walked for %.0f, most of them of %s", check->name,
                         plan->walked, plan->rows, plan->relation);
        break;
    case VB_PLAN_LATE:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, check->remedy,
                         "%s: one page took longer than " VB_PLAN_TIMEOUT, check->name);
        break;
    }
}

/* A failure here is an export's failure, so it is told as one. */
static void run(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract,
                const struct check *check, const struct sample *sample)
{
    struct vb_error err;
    struct vb_plan plan = {.verdict = VB_PLAN_GOOD};
    struct vb_source_query query = {0};
    vb_error_clear(&err);
    enum vb_status status = build(source, contract, check, sample, &query, &err);
    if (status == VB_OK)
        status = vb_plan_look(source, &query, check->ordered, &plan, &err);
    vb_source_query_done(&query);
    if (status == VB_OK)
        tell(doctor, check, &plan);
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run the view's query by hand as this user: an export would fail alike",
                         "%s: %s", check->name, err.text);
}

/* A kind without an id in the sample is left out: nothing could be said of it. */
void vb_doctor_plans(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract)
{
    struct vb_error err;
    struct sample sample = {0};
    vb_error_clear(&err);
    if (take_sample(source, contract, &sample, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run the view conversation by hand as this user", "%s", err.text);
        return;
    }
    if (sample.channel < 0)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "look again once there are conversations",
                         "there are no conversations to try with");
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && sample.channel >= 0; i++)
        if (row_of(&sample, checks[i].kind) >= 0)
            run(doctor, source, contract, &checks[i], &sample);
    PQclear(sample.rows);
}
