/* The doctor's look at rows that hang on conversations and messages: whether an index finds them.
 *
 * Notes, events and skills are looked up once a conversation; citations and attachments once a
 * message as well, and there an index of the conversation alone makes the time of a conversation
 * grow with the square of its length. Seen in the plan by itself: no such conversation has to exist
 * yet.
 */
#include "doctor.h"

#include "plan.h"

#include <stdio.h>

#define SUBJECT "source plan"

/* What the advice names: the relation, its word, and the columns of the index. */
struct lookup {
    const char *relation, *name;
    bool by_message;
    const char *index;
};

/* A relation that is looked up by messages too stands with true. */
static const struct lookup lookups[] = {
    {"note", "notes", false, "conversation_id, created_at"},
    {"event", "events", false, "conversation_id, created_at"},
    {"skill_run", "skills", false, "conversation_id, created_at"},
    {"citation", "citations", true, "conversation_id, message_id"},
    {"attachment", "attachments", true, "conversation_id, message_id"},
    {"participant", "participants", false, "conversation_id"},
    {"reaction", "reactions", false, "conversation_id"},
    {"revision", "revisions", false, "conversation_id, created_at"},
};

/* VB_NOT_FOUND: the source has no such relation, which is no fault. */
static enum vb_status look(PGconn *source, const struct vb_contract *contract,
                           const struct lookup *lookup, enum vb_source_lookup by,
                           struct vb_plan *ret_plan, struct vb_error *err)
{
    struct vb_source_query query = {0};
    const char *mark = NULL;
    enum vb_status status =
        vb_contract_lookup_query(contract, lookup->relation, by, &query, &mark, err);
    if (status == VB_OK)
        status = vb_plan_lookup(source, &query, mark, ret_plan, err);
    vb_source_query_done(&query);
    return status;
}

/* Of two indexes of one column each the planner may show either, so the message's is also tried by
 * itself. That it fails there changes nothing: the first verdict stands. */
static enum vb_status look_by_message(PGconn *source, const struct vb_contract *contract,
                                      const struct lookup *lookup, struct vb_plan *ret_plan,
                                      struct vb_error *err)
{
    struct vb_plan plan = {0}, alone = {0};
    enum vb_status status = look(source, contract, lookup, VB_LOOKUP_MESSAGE, &plan, err);
    if (status == VB_OK && plan.verdict == VB_PLAN_FILTERS) {
        status = look(source, contract, lookup, VB_LOOKUP_MESSAGE_ALONE, &alone, err);
        if (alone.verdict == VB_PLAN_GOOD && !alone.reads_all)
            plan.verdict = VB_PLAN_GOOD;
    }
    if (status == VB_OK)
        *ret_plan = plan;
    return status;
}

/* In a view the columns have the platform's names, and the table is the one that the plan reads. */
static void tell(struct vb_doctor *doctor, const struct lookup *lookup, const struct vb_plan *plan,
                 bool of_message)
{
    const char *whose = of_message ? "message" : "conversation";
    const char *how = "walks rows of others in";
    char remedy[320];
    if (plan->verdict == VB_PLAN_GOOD) {
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "%s: found by an index",
                         lookup->name);
        return;
    }
    if (plan->verdict == VB_PLAN_SCANS)
        how = "reads, for want of an index, all of";
    else if (of_message)
        how = "walks all rows of its conversation in";
    snprintf(remedy, sizeof remedy,
             "CREATE INDEX ON %s (%s), by the names that these columns have there", plan->relation,
             lookup->index);
    vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, remedy, "%s: each %s %s %s", lookup->name,
                     whose, how, plan->relation);
}

/* By the conversation first; by the message only where that is found. */
static void run(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract,
                const struct lookup *lookup)
{
    struct vb_plan plan = {0};
    struct vb_error err = {0};
    bool of_message = false;
    enum vb_status status = look(source, contract, lookup, VB_LOOKUP_CONVERSATION, &plan, &err);
    if (status == VB_OK && plan.verdict == VB_PLAN_GOOD && lookup->by_message) {
        of_message = true;
        status = look_by_message(source, contract, lookup, &plan, &err);
    }
    if (status == VB_OK)
        tell(doctor, lookup, &plan, of_message);
    else if (status != VB_NOT_FOUND)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "run the view's query by hand as this user: an export would fail alike",
                         "%s: %s", lookup->name, err.text);
}

/* One line for each relation that the source has. */
void vb_doctor_lookups(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract)
{
    for (size_t i = 0; i < sizeof lookups / sizeof lookups[0]; i++)
        run(doctor, source, contract, &lookups[i]);
}
