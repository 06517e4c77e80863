/* Prints what the reader gives, one event a line, for the end-to-end tests of the source contract.
 *
 * usage: read_source URL SCHEMA NAME=VALUE...   Instants are Unix microseconds, cursors INSTANT,ID.
 *   contract=1            only introspection: the missing columns and the look-ups of channels
 *   workspace channel from to as_of snapshot low high page giant stall prepared
 *   assistant contact conversations channels contacts statuses tags audience (lists by commas)
 *   completed=1
 *   columns=BITS          enum vb_columns; a line "details" follows a conversation, "citations"
 *                         and "attachments" a message, "extra" tells a row that is no message
 *   count=1               the statement of a preview, sent as it is, instead of reading
 *   ahead=N               look ahead N conversations from `low` instead of reading
 *   pause=ROWS,MICROSECONDS   the consumer stalls once, after so many messages
 *   gentle=on             at the gentle pace
 *   settle=ROWS           vb_reader_settle after so many messages, before the pause
 *   release=ROWS          vb_reader_pause after every so many messages, and at each
 *                         conversation's end
 *   quiet=1               counts alone, with CPU seconds and the reader's memory
 *   through=URL           the reader's own connection, where it is not to be that of the
 *                         introspection
 * SIGTERM asks the reader to stop; it is looked for, and interrupts nothing. Exit status 1 with
 * "STATUS [retryable]: text" on standard error.
 */
#include "verbatim/source.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct settings {
    const char *url, *schema;
    int count;
    char **pairs;
};

static const char *setting(const struct settings *settings, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < settings->count; i++)
        if (strncmp(settings->pairs[i], name, length) == 0 && settings->pairs[i][length] == '=')
            return settings->pairs[i] + length + 1;
    return NULL;
}

static int64_t number(const struct settings *settings, const char *name, int64_t otherwise)
{
    const char *text = setting(settings, name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static bool cursor(const struct settings *settings, const char *name, struct vb_cursor *ret_cursor)
{
    const char *text = setting(settings, name);
    if (!text)
        return false;
    char *comma;
    ret_cursor->at = strtoll(text, &comma, 10);
    snprintf(ret_cursor->id, sizeof ret_cursor->id, "%s", comma + 1);
    return true;
}

/* Tabs and line breaks would break the lines; NULL and empty differ. */
static void print_view(struct vb_view view)
{
    putchar('\t');
    if (!view.data) {
        fputs("\\N", stdout);
        return;
    }
    for (size_t i = 0; i < view.length; i++) {
        char c = view.data[i];
        if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
            printf("\\x%02x", (unsigned)c);
        else
            putchar(c);
    }
}

static void print_conversation(const struct vb_conversation *c)
{
    fputs("conversation", stdout);
    print_view(c->id);
    printf("\t%" PRId64 "\t%u\t%u", c->created_at, c->ordinal_in_second, c->count_in_second);
    print_view(c->contact_name);
    print_view(c->contact_phone);
    print_view(c->contact_email);
    print_view(c->assistant_name);
    putchar('\n');
}

static void print_list(const char *name, struct vb_text_list list)
{
    struct vb_view element;
    if (list.count == 0)
        return;
    fputs(name, stdout);
    while (vb_text_list_next(&list, &element))
        print_view(element);
    putchar('\n');
}

static void print_details(const struct vb_conversation *c)
{
    const struct vb_view views[] = {
        c->channel.id,      c->channel.name,    c->channel.type,       c->channel.phone_number,
        c->assistant_id,    c->status,          c->priority,           c->assigned_agent,
        c->csat_comment,    c->feedback,        c->contact_id,         c->contact_company,
        c->contact_address, c->contact_website, c->contact_lead_status};
    fputs("details", stdout);
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        print_view(views[i]);
    if (c->has_ended_at)
        printf("\t%" PRId64, c->ended_at);
    else
        fputs("\t\\N", stdout);
    if (c->has_csat_rating)
        printf("\t%" PRId64, c->csat_rating);
    else
        fputs("\t\\N", stdout);
    struct vb_text_list tags = c->tags;
    struct vb_view tag;
    while (vb_text_list_next(&tags, &tag))
        print_view(tag);
    putchar('\n');
}

static void print_extra(const struct vb_extra *extra)
{
    static const char *const kinds[] = {
        [VB_EXTRA_NOTE] = "note",         [VB_EXTRA_EVENT] = "event",
        [VB_EXTRA_SKILL] = "skill",       [VB_EXTRA_PARTICIPANT] = "participant",
        [VB_EXTRA_REACTION] = "reaction", [VB_EXTRA_REVISION] = "revision"};
    printf("extra\t%s\t%" PRId64, kinds[extra->kind], extra->created_at);
    print_view(extra->id);
    print_view(extra->first);
    print_view(extra->second);
    print_view(extra->third);
    putchar('\n');
}

static void print_message(const struct vb_message *m)
{
    fputs("message", stdout);
    print_view(m->id);
    printf("\t%" PRId64, m->created_at);
    print_view(m->direction);
    print_view(m->speaker_type);
    print_view(m->speaker_name);
    print_view(m->text);
    print_view(m->status);
    print_view(m->sender_account);
    struct vb_text_list list = m->media_urls;
    struct vb_view element;
    while (vb_text_list_next(&list, &element))
        print_view(element);
    putchar('\n');
}

struct tally {
    uint64_t conversations, messages, extras, pages, bytes;
    size_t memory;
};

/* The consumer's own stalls: `rows` counts messages and extras alike. */
static void stall(const struct settings *settings, struct vb_reader *reader, uint64_t rows)
{
    const char *pause = setting(settings, "pause");
    if (rows == (uint64_t)number(settings, "settle", 0))
        vb_reader_settle(reader, VB_SECOND);
    if (pause && strtoull(pause, NULL, 10) == rows)
        vb_clock_sleep(strtoll(strchr(pause, ',') + 1, NULL, 10));
    uint64_t release = (uint64_t)number(settings, "release", 0);
    if (release > 0 && rows % release == 0)
        vb_reader_pause(reader);
}

static void show_conversation(const struct settings *settings,
                              const struct vb_conversation *conversation)
{
    print_conversation(conversation);
    if (number(settings, "columns", 0) &
        (VB_COLUMNS_CHANNEL | VB_COLUMNS_DETAILS | VB_COLUMNS_CUSTOMER))
        print_details(conversation);
}

static void show_message(const struct settings *settings, const struct vb_message *message)
{
    print_message(message);
    if (message->feedback.data && number(settings, "columns", 0) & VB_COLUMNS_DETAILS) {
        fputs("feedback", stdout);
        print_view(message->feedback);
        putchar('\n');
    }
    print_list("citations", message->citations);
    print_list("attachments", message->attachments);
}

static void show(const struct settings *settings, struct vb_reader *reader,
                 enum vb_reader_event event, const struct vb_conversation *conversation,
                 const struct vb_message *message, struct tally *tally)
{
    bool quiet = setting(settings, "quiet") != NULL;
    size_t memory = vb_reader_memory(reader);
    if (memory > tally->memory)
        tally->memory = memory;
    if (event == VB_READ_CONVERSATION) {
        tally->conversations++;
        if (!quiet)
            show_conversation(settings, conversation);
    } else if (event == VB_READ_MESSAGE) {
        tally->messages++;
        tally->bytes += message->text.length;
        if (!quiet)
            show_message(settings, message);
        stall(settings, reader, tally->messages + tally->extras);
    } else if (event == VB_READ_EXTRA) {
        tally->extras++;
        if (!quiet)
            print_extra(vb_reader_extra(reader));
        stall(settings, reader, tally->messages + tally->extras);
    } else if (event == VB_READ_BAD_ROW) {
        const struct vb_bad_row *row = vb_reader_bad_row(reader);
        printf("bad\t%s\t%s\t%s\n", row->conversation_id, row->message_id, row->reason);
    } else if (event == VB_READ_END_CONVERSATION) {
        if (number(settings, "release", 0) > 0)
            vb_reader_pause(reader);
    } else if (event == VB_READ_END_PAGE) {
        struct vb_cursor position = {0};
        tally->pages++;
        if (vb_reader_position(reader, &position) && !quiet)
            printf("page\t%" PRId64 "\t%s\n", position.at, position.id);
    }
    if (setting(settings, "flush"))
        fflush(stdout);
}

/* Peak of this program alone: ru_maxrss would carry over that of the process that started it. */
static long peak_kib(void)
{
    char line[256];
    long peak = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return peak;
}

static void print_tally(const struct tally *tally)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("conversations=%" PRIu64 " messages=%" PRIu64 " extras=%" PRIu64 " pages=%" PRIu64
           " bytes=%" PRIu64 " memory=%zu rss_kib=%ld user=%ld.%03ld system=%ld.%03ld\n",
           tally->conversations, tally->messages, tally->extras, tally->pages, tally->bytes,
           tally->memory, peak_kib(), usage.ru_utime.tv_sec, usage.ru_utime.tv_usec / 1000,
           usage.ru_stime.tv_sec, usage.ru_stime.tv_usec / 1000);
}

static enum vb_status read_all(const struct settings *settings, struct vb_reader *reader,
                               struct vb_error *err)
{
    struct tally tally = {0};
    for (;;) {
        enum vb_reader_event event;
        struct vb_conversation conversation;
        struct vb_message message;
        enum vb_status status = vb_reader_next(reader, &event, &conversation, &message, err);
        if (status != VB_OK)
            return status;
        if (event == VB_READ_END)
            break;
        show(settings, reader, event, &conversation, &message, &tally);
    }
    if (setting(settings, "quiet"))
        print_tally(&tally);
    return VB_OK;
}

static enum vb_status look_ahead(const struct settings *settings, struct vb_reader *reader,
                                 const struct vb_stretch *stretch, struct vb_error *err)
{
    struct vb_cursor found;
    enum vb_status status =
        vb_reader_look_ahead(reader, stretch->has_low ? &stretch->low : NULL,
                             (uint64_t)number(settings, "ahead", 1), &found, err);
    if (status == VB_OK)
        printf("ahead\t%" PRId64 "\t%s\n", found.at, found.id);
    else if (status == VB_END)
        puts("end");
    return status == VB_END ? VB_OK : status;
}

/* A list by commas, taken apart in place; without a value nothing fits, without a setting
 * everything does. */
#define WORDS_MOST 300
struct lists {
    const char *items[8][WORDS_MOST];
    char *texts[8];
    size_t count;
};

static struct vb_words words(const struct settings *settings, const char *name, struct lists *lists)
{
    const char *text = setting(settings, name);
    if (!text)
        return (struct vb_words){NULL, 0};
    size_t place = lists->count++;
    struct vb_words found = {lists->items[place], 0};
    char *rest = lists->texts[place] = strdup(text);
    while (rest && *rest && found.count < WORDS_MOST) {
        char *end = rest + strcspn(rest, ",");
        bool more = *end != '\0';
        *end = '\0';
        lists->items[place][found.count++] = rest;
        rest = more ? end + 1 : NULL;
    }
    return found;
}

static enum vb_status count(const struct settings *settings, const struct vb_contract *contract,
                            const struct vb_selection *selection, struct vb_error *err)
{
    struct vb_source_query query = {0};
    enum vb_status status = vb_contract_count_query(contract, selection, &query, err);
    if (status != VB_OK)
        return status;
    PGconn *connection = PQconnectdb(settings->url);
    PGresult *result =
        PQexecParams(connection, query.sql, query.count, NULL, query.values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        printf("count\t%s\t%s\n", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    else
        status = vb_fail(err, VB_SOURCE, "%s", PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
    vb_source_query_done(&query);
    return status;
}

static struct vb_selection select_by(const struct settings *settings, struct lists *lists)
{
    return (struct vb_selection){
        .workspace = setting(settings, "workspace"),
        .channel_id = setting(settings, "channel"),
        .assistant_id = setting(settings, "assistant"),
        .contact_id = setting(settings, "contact"),
        .conversation_ids = words(settings, "conversations", lists),
        .channel_ids = words(settings, "channels", lists),
        .contact_ids = words(settings, "contacts", lists),
        .statuses = words(settings, "statuses", lists),
        .tags = words(settings, "tags", lists),
        .audience = words(settings, "audience", lists),
        .completed_only = setting(settings, "completed") != NULL,
        .activity = setting(settings, "activity") != NULL,
        .columns = (unsigned)number(settings, "columns", 0),
        .from = number(settings, "from", 0),
        .to = number(settings, "to", INT64_C(4102444800) * VB_SECOND),
        .deleted = setting(settings, "deleted") != NULL,
        .lists_bad_rows = setting(settings, "bad_rows") != NULL,
        .as_of = number(settings, "as_of", vb_clock_now()),
        .snapshot = setting(settings, "snapshot"),
    };
}

static enum vb_status run(const struct settings *settings, const struct vb_selection *selection,
                          struct vb_reader *reader, struct vb_error *err)
{
    struct vb_stretch stretch = {0};
    stretch.has_low = cursor(settings, "low", &stretch.low);
    stretch.has_high = cursor(settings, "high", &stretch.high);
    enum vb_source_lag lag = VB_LAG_NONE;
    enum vb_status status = vb_reader_begin(reader, selection, &stretch, &lag, err);
    if (status != VB_OK)
        return status;
    if (lag != VB_LAG_NONE)
        puts("waited out");
    return setting(settings, "ahead") ? look_ahead(settings, reader, &stretch, err)
                                      : read_all(settings, reader, err);
}

/* The signal stays pending: the answer is the same from then on. */
static void print_slow(const char *text)
{
    printf("slow\t%s\n", text);
}

static bool is_stop_asked(void *context)
{
    sigset_t pending;
    (void)context;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static void hold_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static enum vb_status with_contract(const struct settings *settings, struct vb_contract *contract,
                                    struct vb_error *err)
{
    if (setting(settings, "contract")) {
        printf("missing: %s\nby id: %s\nby phone: %s\n", vb_contract_missing(contract),
               vb_contract_channel_by_id_sql(contract), vb_contract_channel_by_phone_sql(contract));
        printf("same person: %s\n", vb_contract_lookup_sql(contract, VB_LOOKUP_SAME_PERSON));
        const char *id = setting(settings, "channel");
        if (id)
            printf("valid: %d\n", vb_contract_id_valid(contract, VB_ID_CHANNEL, vb_view_of(id)));
        return VB_OK;
    }
    struct lists lists = {0};
    struct vb_selection selection = select_by(settings, &lists);
    if (setting(settings, "count")) {
        enum vb_status status = count(settings, contract, &selection, err);
        for (size_t i = 0; i < lists.count; i++)
            free(lists.texts[i]);
        return status;
    }
    const char *prepared = setting(settings, "prepared");
    const char *through = setting(settings, "through");
    struct vb_pace *pace = NULL;
    if (setting(settings, "gentle") && vb_pace_new(&pace, err) != VB_OK)
        return VB_NO_MEMORY;
    struct vb_reader_options options = {
        .connection_string = through ? through : settings->url,
        .application_name = "read_source",
        .contract = contract,
        .prepared_statements = !prepared || strcmp(prepared, "off") != 0,
        .page_conversations = (size_t)number(settings, "page", 2000),
        .giant_messages = (size_t)number(settings, "giant", 0),
        .page_stall = number(settings, "stall", 0),
        .pace = pace,
        .stop = is_stop_asked,
        .slow = print_slow,
    };
    struct vb_reader *reader = NULL;
    enum vb_status status = vb_reader_new(&options, &reader, err);
    if (status == VB_OK)
        status = run(settings, &selection, reader, err);
    vb_reader_free(reader);
    vb_pace_free(pace);
    for (size_t i = 0; i < lists.count; i++)
        free(lists.texts[i]);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct settings settings = {argv[1], argv[2], argc - 3, argv + 3};
    struct vb_error err = {0};
    struct vb_contract *contract = NULL;
    hold_signal();
    PGconn *connection = PQconnectdb(settings.url);
    enum vb_status status = vb_contract_read(connection, settings.schema, &contract, &err);
    PQfinish(connection);
    if (status == VB_OK)
        status = with_contract(&settings, contract, &err);
    vb_contract_free(contract);
    fflush(stdout);
    if (status != VB_OK)
        fprintf(stderr, "%s%s: %s\n", vb_status_name(status),
                vb_status_retryable(status) ? " retryable" : "", err.text);
    return status == VB_OK ? 0 : 1;
}
