/* The doctor's look at how the source is read: every kind of selection, with ids that are really
 * there.
 *
 * A sample of conversations gives the ids: the channel, contact and assistant that come up most
 * often in it, and the channel that comes up least, since a page for a rare one is what walks past
 * its neighbours.
 */
#include "doctor.h"

#include "database/pg.h"
#include "index.h"
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT "source plan"
/* Rows of the sample; choose() compares each with each, which is nothing at that size. */
#define SAMPLE 500u
#define LISTED_MOST 50u
#define DAY (86400 * VB_SECOND)
/* Conversations of a channel that are passed over once an export, at some 500,000 a second. */
#define SILENT_NO_MATTER 100000.0
#define MESSAGES_MOST 500u /* of one conversation */
#define REMEDY_CEILING 2048u
/* What else has rows of its own. What hangs on messages is looked up by each: lookups.c. */
#define FURTHER                                                                                    \
    (VB_COLUMNS_NOTES | VB_COLUMNS_EVENTS | VB_COLUMNS_SKILLS | VB_COLUMNS_PARTICIPANTS |          \
     VB_COLUMNS_REACTIONS | VB_COLUMNS_REVISIONS | VB_COLUMNS_NO_MESSAGES)
#define OUTER                                                                                      \
    (VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_CUSTOMER | VB_COLUMNS_MARKS |            \
     VB_COLUMNS_EXTRA)

enum field { ID, CREATED_AT, WORKSPACE, CHANNEL, CONTACT, ASSISTANT };

/* What a check selects by; ROWS are messages and what else has rows in a conversation, SILENCE a
 * channel's conversations with a message in a time that has not come: there are none, and
 * last_message_at says so without a look at them. */
enum kind {
    OF_CHANNEL,
    OF_RARE_CHANNEL,
    OF_SILENCE,
    OF_CONTACT,
    OF_ASSISTANT,
    OF_ALL,
    OF_IDS,
    ROWS
};

struct check {
    const char *name;
    enum kind kind;
    unsigned columns;
    bool ordered; /* by an index: else a few rows may be sorted */
    const char *remedy;
    /* Of the index that the remedy is about, in the contract's words. */
    const char *relation, *index[5];
};

#define WITHOUT "plain columns of one table, without casts, functions or joins (docs/connect.md)"
#define PLAIN "; in the view these are " WITHOUT
#define OR_PLAIN "; or let the view show " WITHOUT

#define PAGE_OF(column)                                                                            \
    "conversation",                                                                                \
    {                                                                                              \
        column, "created_at", "id"                                                                 \
    }

/* Remedies name indexes by the contract's columns, where those of the platform cannot be told. */
static const struct check checks[] = {
    {"one channel", OF_CHANNEL, 0, true, "index conversation (channel_id, created_at, id)" PLAIN,
     PAGE_OF("channel_id")},
    {"a rare channel", OF_RARE_CHANNEL, 0, true,
     "index conversation (channel_id, created_at, id)" PLAIN, PAGE_OF("channel_id")},
    {"one channel by activity",
     OF_SILENCE,
     0,
     false,
     "index conversation (channel_id, created_at, id, last_message_at), if such exports are "
     "made" PLAIN,
     "conversation",
     {"channel_id", "created_at", "id", "last_message_at"}},
    {"one contact", OF_CONTACT, 0, false, "index conversation (contact_id, created_at, id)" PLAIN,
     PAGE_OF("contact_id")},
    {"one assistant", OF_ASSISTANT, 0, true,
     "index conversation (assistant_id, created_at, id)" PLAIN, PAGE_OF("assistant_id")},
    {"everything", OF_ALL, 0, true, "index conversation (workspace_id, created_at, id)" PLAIN,
     PAGE_OF("workspace_id")},
    {"listed conversations",
     OF_IDS,
     0,
     false,
     "index conversation (id)" PLAIN,
     "conversation",
     {"id"}},
    {"conversations with details", OF_ALL, OUTER, false,
     "index contact (id), channel (id), assistant (id), and whatever the view looks tags, ratings "
     "and the like up by",
     PAGE_OF("workspace_id")},
    {"messages",
     ROWS,
     0,
     false,
     "index message (conversation_id, created_at, id), with position before id where the view has "
     "it" PLAIN,
     "message",
     {"conversation_id", "created_at", "position", "id"}},
    {"notes, events, skills",
     ROWS,
     FURTHER,
     false,
     "index note, event and skill_run (conversation_id, created_at)" PLAIN,
     NULL,
     {NULL}},
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
    case OF_SILENCE:
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
    if (check->kind == OF_CHANNEL || check->kind == OF_RARE_CHANNEL || check->kind == OF_SILENCE)
        selection->channel_id = value_of(sample, row, CHANNEL);
    else if (check->kind == OF_CONTACT)
        selection->contact_id = value_of(sample, row, CONTACT);
    else if (check->kind == OF_ASSISTANT)
        selection->assistant_id = value_of(sample, row, ASSISTANT);
    bool is_first = check->kind == OF_IDS || check->kind == OF_SILENCE;
    return vb_contract_page_query(contract, selection, is_first ? NULL : &low, VB_PLAN_PAGE,
                                  ret_query, err);
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
    if (check->kind == OF_SILENCE) {
        selection.activity = true;
        selection.from = selection.to;
        selection.as_of = selection.to + DAY;
        selection.to = selection.as_of;
    }
    return build_page(contract, check, &selection, sample, ret_query, err);
}

/* --- what was found --- */

/* What a page looks up by its id. */
static const char *const looked_up[] = {"contact", "assistant", "channel"};
static const char *const by_id[] = {"id", NULL};

/* The relation of the contract that the plan's trouble is in, and the columns of its index. False:
 * a table that only a column of some view asks. */
static bool find_culprit(PGconn *source, const struct vb_contract *contract,
                         const struct check *check, const struct vb_plan *plan,
                         const char **ret_relation, const char *const **ret_columns)
{
    *ret_relation = check->relation;
    *ret_columns = check->index;
    if (!check->relation || !plan->relation[0] ||
        vb_doctor_index_is_of(source, contract, check->relation, plan->relation))
        return true;
    for (size_t i = 0; i < sizeof looked_up / sizeof looked_up[0]; i++)
        if (vb_doctor_index_is_of(source, contract, looked_up[i], plan->relation)) {
            *ret_relation = looked_up[i];
            *ret_columns = by_id;
            return true;
        }
    return false;
}

/* The statement to run if there is one, else in the contract's words. Borrowed from the buffer or
 * the check. */
static const char *remedy_of(PGconn *source, const struct vb_contract *contract,
                             const struct check *check, const struct vb_plan *plan,
                             struct vb_buffer *text)
{
    const char *relation, *const *columns;
    enum vb_status status;
    if (plan->verdict == VB_PLAN_GOOD)
        return NULL;
    if (!find_culprit(source, contract, check, plan, &relation, &columns)) {
        status = vb_buffer_printf(text, "index %s by what the view looks its rows up by",
                                  plan->relation);
        return status == VB_OK ? text->data : check->remedy;
    }
    if (!relation || !vb_doctor_index(source, contract, relation, columns, text))
        return check->remedy;
    status = vb_buffer_append_text(text, OR_PLAIN);
    return status == VB_OK ? text->data : check->remedy;
}

/* What is good is told with its figures too: whoever looks twice sees them grow. */
static void tell(struct vb_doctor *doctor, const struct check *check, const struct vb_plan *plan,
                 const char *remedy)
{
    bool is_little = check->kind == OF_SILENCE && plan->walked < SILENT_NO_MATTER;
    switch (plan->verdict == VB_PLAN_WALKS && is_little ? VB_PLAN_GOOD : plan->verdict) {
    case VB_PLAN_GOOD:
    case VB_PLAN_FILTERS: /* of look-ups alone */
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "%s: %.0f rows for %.0f",
                         check->name, plan->walked, plan->rows);
        break;
    case VB_PLAN_SCANS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy,
                         "%s: each page reads all of %s, for want of an index", check->name,
                         plan->relation);
        break;
    case VB_PLAN_SORTS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy,
                         "%s: each page is sorted, since no index gives its order", check->name);
        break;
    case VB_PLAN_WALKS:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy,
                         "%s: %.0f rows are walked for %.0f, most of them of %s", check->name,
                         plan->walked, plan->rows, plan->relation);
        break;
    case VB_PLAN_LATE:
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy,
                         "%s: one page took longer than " VB_PLAN_TIMEOUT, check->name);
        break;
    }
}

/* Messages that no index finds by their conversation are read by a look at all of them, a page of
 * conversations at a time: their statement would be another one, and its verdict this. */
static bool is_found_by_index(PGconn *source, const struct vb_contract *contract,
                              struct vb_plan *ret_plan, struct vb_error *err)
{
    struct vb_source_query query = {0};
    const char *mark = NULL;
    enum vb_status status =
        vb_contract_lookup_query(contract, "message", VB_LOOKUP_CONVERSATION, &query, &mark, err);
    if (status == VB_OK)
        status = vb_plan_lookup(source, &query, mark, ret_plan, err);
    vb_source_query_done(&query);
    return status != VB_OK || ret_plan->verdict == VB_PLAN_GOOD;
}

/* How few rows are sorted is no matter: what counts is how many are walked. */
static enum vb_status look_at(PGconn *source, const struct vb_contract *contract,
                              const struct check *check, const struct vb_source_query *query,
                              struct vb_plan *ret_plan, struct vb_error *err)
{
    if (check->kind != ROWS)
        return vb_plan_look(source, query, check->ordered, ret_plan, err);
    if (check->relation && !is_found_by_index(source, contract, ret_plan, err)) {
        ret_plan->verdict = VB_PLAN_SCANS;
        return VB_OK;
    }
    return vb_plan_run(source, query, ret_plan, err);
}

/* A failure here is an export's failure, so it is told as one. */
static void run(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract,
                const struct check *check, const struct sample *sample)
{
    struct vb_error err;
    struct vb_plan plan = {.verdict = VB_PLAN_GOOD};
    struct vb_source_query query = {0};
    struct vb_buffer text;
    vb_error_clear(&err);
    vb_buffer_init(&text, REMEDY_CEILING);
    enum vb_status status = build(source, contract, check, sample, &query, &err);
    if (status == VB_OK)
        status = look_at(source, contract, check, &query, &plan, &err);
    vb_source_query_done(&query);
    if (status == VB_OK)
        tell(doctor, check, &plan, remedy_of(source, contract, check, &plan, &text));
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run the view's query by hand as this user: an export would fail alike",
                         "%s: %s", check->name, err.text);
    vb_buffer_done(&text);
}

/* Nothing can be said of what the sample has no id of, nor of relations that are not there. Without
 * last_message_at an export by activity looks each conversation up, which no index spares. */
static bool is_possible(const struct vb_contract *contract, const struct check *check,
                        const struct sample *sample)
{
    struct vb_selection selection = {.columns = check->columns};
    if (check->kind == ROWS && !vb_contract_has_rows(contract, &selection))
        return false;
    if (check->kind == OF_SILENCE && !vb_contract_knows_activity(contract))
        return false;
    return row_of(sample, check->kind) >= 0;
}

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
        if (is_possible(contract, &checks[i], &sample))
            run(doctor, source, contract, &checks[i], &sample);
    PQclear(sample.rows);
}
