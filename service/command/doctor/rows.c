/* The doctor's look at the rows of the source: what an export would leave out, double, or show with
 * an empty field, while no statement fails. Counted among the first rows only, within 10 seconds in
 * all; what takes longer is told as not counted.
 */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBJECT "source rows"
#define ALL 1000000u /* conversations; tried first */
#define SOME 20000u
#define FEW 2000u /* conversations whose messages are looked up */

/* A case that is counted. `words` follow "N of M RELATION "; where rows that cannot be read are
 * listed, `listed` does, if it is given. */
struct oddity {
    const char *words, *remedy, *listed;
};
#define ODDITIES 7 /* the most of one look */

/* A statement, its time and the cases in the order of its columns. */
struct look {
    enum vb_oddities what;
    unsigned seconds;
    size_t limit;
    const char *relation;
    struct oddity cases[ODDITIES];
};

#define TIME_REMEDY                                                                                \
    "let the view give another time, such as that of its first message, or leave the row out"
#define FUTURE_REMEDY                                                                              \
    "rows are exported once their time has come: look for milliseconds taken for seconds, and "    \
    "for "                                                                                         \
    "local times in a column without zone"
#define WORD_REMEDY                                                                                \
    "these cells stay empty; if the platform knows them, let the view message say so "             \
    "(docs/connect.md)"
#define LOST_REMEDY "its fields stay empty: let the view of that relation hold the row too"
#define TIMES                                                                                      \
    {"have no created_at, so no export holds them", TIME_REMEDY},                                  \
        {"have a created_at before the year 1, so no export holds them", TIME_REMEDY},             \
    {                                                                                              \
        "have a created_at in the future, so no export holds them yet", FUTURE_REMEDY              \
    }

static const struct look conversations[] = {
    /* the second where the first takes too long */
    {VB_ODD_TIMES, 4, ALL, "conversations", {TIMES}},
    {VB_ODD_TIMES, 1, SOME, "conversations", {TIMES}},
};
static const struct look looks[] = {
    {VB_ODD_DOUBLES,
     1,
     SOME,
     "conversations",
     {{"share their id with another, so they are exported as often",
       "make the id unique: a scalar subquery in place of a join that finds several rows"}}},
    {VB_ODD_LINKS,
     1,
     SOME,
     "conversations",
     {{"have a channel_id that no channel has", LOST_REMEDY},
      {"have a contact_id that no contact has", LOST_REMEDY},
      {"have an assistant_id that no assistant has", LOST_REMEDY}}},
    {VB_ODD_LAST_MESSAGES,
     1,
     FEW,
     "conversations",
     {{"have a message later than their last_message_at, so exports by activity may lack it",
       "let the view show a column that is written with each message, or leave last_message_at out "
       "of it (docs/connect.md)"}}},
    {VB_ODD_MESSAGES,
     1,
     SOME,
     "messages",
     {{"have no created_at, and an export of their conversation fails", TIME_REMEDY,
       "have no created_at, and are left out and listed"},
      {"have a created_at before the year 1, and an export of their conversation fails",
       TIME_REMEDY, "have a created_at before the year 1, and are left out and listed"},
      {"have a created_at in the future, so no export holds them yet", FUTURE_REMEDY},
      {"have no direction", WORD_REMEDY},
      {"have a direction that is neither inbound nor outbound", WORD_REMEDY},
      {"have no speaker_type", WORD_REMEDY},
      {"have a speaker_type that is none of bot, agent and customer", WORD_REMEDY}}},
    {VB_ODD_MESSAGE_DOUBLES,
     1,
     SOME,
     "messages",
     {{"share their id with another of their conversation",
       "make message ids unique in their conversation, say by a letter before them: attachments "
       "and citations are found by the id, and show at each"}}},
    {VB_ODD_GIANT,
     1,
     SOME,
     "messages of the longest conversation seen",
     {{"share their id with another",
       "make message ids unique in their conversation, say by a letter before them: attachments "
       "and citations are found by the id, and show at each"}}},
};

/* Pairs of a count and an id behind the number of rows looked at. Returns how many cases hold. */
static unsigned tell(struct vb_doctor *doctor, const struct look *look, const PGresult *result)
{
    const char *all = PQgetvalue(result, 0, 0);
    unsigned told = 0;
    for (int i = 0; i * 2 + 2 < PQnfields(result); i++) {
        const char *count = PQgetvalue(result, 0, i * 2 + 1);
        if (strtoll(count, NULL, 10) == 0)
            continue;
        told++;
        const struct oddity *oddity = &look->cases[i];
        bool is_listed = oddity->listed && doctor->options->on_bad_row == VB_ON_BAD_ROW_LIST;
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, oddity->remedy,
                         "%s of %s %s %s, %s for one", count, all, look->relation,
                         is_listed ? oddity->listed : oddity->words,
                         PQgetvalue(result, 0, i * 2 + 2));
    }
    return told;
}

/* A platform in use shows by it that its times are taken for those of another zone. */
static void tell_newest(struct vb_doctor *doctor, const PGresult *result)
{
    char text[VB_INSTANT_TEXT];
    int last = PQnfields(result) - 1;
    if (PQgetisnull(result, 0, last))
        return;
    vb_instant newest = strtoll(PQgetvalue(result, 0, last), NULL, 10);
    int64_t minutes = newest < vb_clock_now() ? (vb_clock_now() - newest) / (60 * VB_SECOND) : 0;
    vb_instant_text(newest, text);
    vb_doctor_report(doctor, VB_FINDING_OK, "source clock", NULL,
                     "the newest of %s conversations began at %.19s UTC, %" PRId64 " h %" PRId64
                     " min ago; if that is not so, its time is local: source_time_zone",
                     PQgetvalue(result, 0, 0), text, minutes / 60, minutes % 60);
}

/* In a transaction that can only read, with the settings of counts. False where it took too long,
 * or failed, which the look at the plans tells. */
static bool run(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract,
                const struct look *look, unsigned *told)
{
    struct vb_source_query query = {0};
    struct vb_error ignored = {0};
    char limit[64];
    if (vb_contract_oddities_query(contract, look->what, vb_clock_now(), look->limit, &query,
                                   &ignored) != VB_OK)
        return false;
    snprintf(limit, sizeof limit, "SET LOCAL statement_timeout = '%us'", look->seconds);
    PQclear(PQexec(source, "BEGIN READ ONLY"));
    PQclear(PQexec(source, vb_source_count_settings()));
    PQclear(PQexec(source, limit));
    PGresult *result =
        PQexecParams(source, query.sql, query.count, NULL, query.values, NULL, NULL, 0);
    bool counted = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (counted)
        *told += tell(doctor, look, result);
    if (counted && look->what == VB_ODD_TIMES)
        tell_newest(doctor, result);
    PQclear(result);
    PQclear(PQexec(source, "ROLLBACK"));
    vb_source_query_done(&query);
    return counted;
}

void vb_doctor_rows(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract)
{
    unsigned told = 0, late = 0;
    if (!run(doctor, source, contract, &conversations[0], &told) &&
        !run(doctor, source, contract, &conversations[1], &told))
        late++;
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        late += !run(doctor, source, contract, &looks[i], &told);
    if (late > 0)
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "%u of 7 looks at the rows found no end in their time, and were given up",
                         late);
    else if (told == 0)
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "nothing seen that an export would leave out or double");
}
