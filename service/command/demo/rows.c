/* Rows of the demo data: see command/demo/rows.h. Nothing is kept between two calls; a
 * conversation's facts are computed anew from its number for each table that needs them, which is
 * cheaper than remembering millions.
 *
 * Numbers drawn are told apart by what they are for (`what`), and one that is drawn is taken apart
 * by division, so a change of one cell must not draw anew: other tables compute the same facts.
 * Tests and benchmarks count on the rows of a seed, so a change here changes their figures.
 *
 * Believable and awkward at once: names that break file systems and formulas, texts of many
 * scripts, rows that share their instant, NULL in each column that may have it.
 */
#include "rows.h"

#include "world.h"

#include "verbatim/clock.h"
#include "verbatim/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_DAY (INT64_C(1767225600) * VB_SECOND) /* 2026-01-01T00:00:00Z */
#define SPAN (INT64_C(181) * 86400 * VB_SECOND)     /* to the end of 2026-06-30 */
#define LEAST_CONTACTS 60u

/* Part of the seed of every number, so the order and the values are fixed. */
enum kind { CONTACT = 1, ASSISTANT, CONVERSATION, MESSAGE, ATTACHMENT, NOTE, EVENT };

/* splitmix64 (Steele, Lea, Flood 2014): the state is the whole generator, so any number can be
 * reached at once. */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* `number` is the row's, `what` one of the facts about it. */
static uint64_t draw(const struct vb_demo_options *options, enum kind kind, uint64_t number,
                     uint64_t what)
{
    return mix(mix(mix(options->seed + (uint64_t)kind) ^ number) + what);
}

/* A version 4 UUID of drawn bits. `part` tells several rows of one conversation apart. */
static void format_id(const struct vb_demo_options *options, enum kind kind, uint64_t number,
                      uint64_t part, char text[VB_UUID_TEXT])
{
    uint64_t halves[2] = {draw(options, kind, number, 2 * part + 1000),
                          draw(options, kind, number, 2 * part + 1001)};
    struct vb_uuid uuid;
    memcpy(uuid.bytes, halves, sizeof uuid.bytes);
    uuid.bytes[6] = (unsigned char)((uuid.bytes[6] & 0x0F) | 0x40);
    uuid.bytes[8] = (unsigned char)((uuid.bytes[8] & 0x3F) | 0x80);
    vb_uuid_format(uuid, text);
}

/* A text field of COPY's text format; NULL as \N. */
static enum vb_status put_text(struct vb_buffer *out, const char *text)
{
    if (!text)
        return vb_buffer_append(out, "\\N", 2);
    enum vb_status status = VB_OK;
    while (*text && status == VB_OK) {
        size_t plain = strcspn(text, "\\\n\r\t");
        status = vb_buffer_append(out, text, plain);
        text += plain;
        if (*text == '\0' || status != VB_OK)
            break;
        char escaped[2] = {'\\', *text == '\n'   ? 'n'
                                 : *text == '\r' ? 'r'
                                 : *text == '\t' ? 't'
                                                 : '\\'};
        status = vb_buffer_append(out, escaped, 2);
        text++;
    }
    return status;
}

/* Fields with tabs between them and a line feed behind: a line of COPY's text format. */
static enum vb_status put_line(struct vb_buffer *out, const char *const *fields, size_t count)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        status = put_text(out, fields[i]);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, i + 1 < count ? '\t' : '\n');
    }
    return status;
}
#define PUT_LINE(out, ...)                                                                         \
    put_line(out, (const char *const[]){__VA_ARGS__},                                              \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void format_time(vb_instant instant, char text[VB_INSTANT_TEXT + 2])
{
    vb_instant_text(instant, text);
    memcpy(text + strlen(text), "Z", 2);
}

/* One for two conversations, so that some contacts come back. */
static uint64_t contact_count(const struct vb_demo_options *options)
{
    return options->conversations / 2 > LEAST_CONTACTS ? options->conversations / 2
                                                       : LEAST_CONTACTS;
}

static uint64_t conversation_count(const struct vb_demo_options *options)
{
    return options->conversations;
}

/* Conversations 16n+1 begin in the very instant of their forerunner, 16n+2 a millisecond behind it
 * at most, so that some share their second and their instant. The order of numbers is that of time
 * but for these. */
static vb_instant conversation_time(const struct vb_demo_options *options, uint64_t number)
{
    uint64_t leader = number % 16 <= 2 ? number - number % 16 : number;
    double step = (double)SPAN / (double)options->conversations;
    vb_instant start = FIRST_DAY + (vb_instant)((double)leader * step);
    start += (vb_instant)(draw(options, CONVERSATION, leader, 0) % (uint64_t)(step * 0.9 + 1));
    if (number % 16 <= 2)
        start -= start % VB_SECOND - 123456;
    return number % 16 == 2 ? start + 1000 : start;
}

/* Fixed ids, whatever the seed: documents and tests name them. */
static void format_channel(uint64_t number, char text[VB_UUID_TEXT])
{
    snprintf(text, VB_UUID_TEXT, "%s%02u", VB_DEMO_CHANNEL_PREFIX, (unsigned)(number % 99) + 1);
}

/* Half of the conversations on the first channel, so that exports of one channel have something to
 * do. */
static size_t conversation_channel(const struct vb_demo_options *options, uint64_t number)
{
    uint64_t drawn = draw(options, CONVERSATION, number, 1);
    return drawn % 2 == 0 ? 0 : 1 + drawn / 2 % (vb_demo_channel_count - 1);
}

/* One language a conversation. */
static const struct vb_demo_language *conversation_language(const struct vb_demo_options *options,
                                                            uint64_t number)
{
    return &vb_demo_languages[draw(options, CONVERSATION, number, 2) % vb_demo_language_count];
}

/* Neighbours share out twice the average, so that the sum is exact: benchmarks count on it. */
static uint64_t message_count(const struct vb_demo_options *options, uint64_t number)
{
    uint64_t average = options->messages_per_conversation;
    uint64_t more = draw(options, CONVERSATION, number / 2, 3) % (average / 2 + 1);
    if (number % 2 == 0 && number + 1 == options->conversations)
        return average;
    return number % 2 == 0 ? average - more : average + more;
}

/* One in ten has an awkward name, a fifth belongs to a company. */
static enum vb_status contact_lines(const struct vb_demo_options *options, uint64_t number,
                                    struct vb_buffer *out)
{
    static const char *const streets[] = {"Long Street", "Calle Mayor", "Bahnhofstraße", "中山路"};
    static const char *const customers[] = {"Customer", "Qualified", NULL, NULL};
    char id[VB_UUID_TEXT], phone[24], email[48], street[64], website[64];
    uint64_t drawn = draw(options, CONTACT, number, 0);
    bool company = number % 5 == 0;
    snprintf(street, sizeof street, "%s %u\n%05u Example", streets[drawn / 37 % 4],
             (unsigned)(drawn / 41 % 200) + 1, (unsigned)(drawn / 43 % 100000));
    snprintf(website, sizeof website, "https://www.example.com/companies/%" PRIu64, number);
    const char *address = number % 3 == 0 ? street : NULL;
    bool awkward = number % 10 == 9;
    const char *name = awkward ? vb_demo_awkward_names[number / 10 % vb_demo_awkward_name_count]
                               : vb_demo_names[drawn % vb_demo_name_count];
    format_id(options, CONTACT, number, 0, id);
    snprintf(phone, sizeof phone, "+1303%07" PRIu64, number % 10000000);
    snprintf(email, sizeof email, "contact%" PRIu64 "@example.com", number);
    /* Some are known by their phone alone, some by e-mail, one in forty not at all. */
    bool nameless = number % 20 == 7;
    bool unknown = number % 40 == 13;
    return PUT_LINE(out, id, VB_DEMO_WORKSPACE, nameless || unknown ? NULL : name,
                    unknown || number % 7 == 5 ? NULL : phone,
                    unknown || number % 3 == 1 ? NULL : email, company ? "Example, Inc." : NULL,
                    address, company ? website : NULL,
                    number % 4 == 0 ? "Lead" : customers[drawn / 29 % 4]);
}

static uint64_t assistant_rows(const struct vb_demo_options *options)
{
    (void)options;
    return vb_demo_assistant_count;
}

static enum vb_status assistant_lines(const struct vb_demo_options *options, uint64_t number,
                                      struct vb_buffer *out)
{
    char id[VB_UUID_TEXT];
    format_id(options, ASSISTANT, number, 0, id);
    return PUT_LINE(out, id, VB_DEMO_WORKSPACE, vb_demo_assistants[number]);
}

/* The last one is another workspace's and has no conversations: it must never be found by the
 * first. */
static uint64_t channel_rows(const struct vb_demo_options *options)
{
    (void)options;
    return vb_demo_channel_count + 1;
}

static enum vb_status channel_lines(const struct vb_demo_options *options, uint64_t number,
                                    struct vb_buffer *out)
{
    (void)options;
    char id[VB_UUID_TEXT];
    format_channel(number, id);
    if (number == vb_demo_channel_count)
        return PUT_LINE(out, id, VB_DEMO_OTHER_WORKSPACE, "Somebody else's line", "LOCAL",
                        "+12025550199");
    const struct vb_demo_channel *channel = &vb_demo_channels[number];
    return PUT_LINE(out, id, VB_DEMO_WORKSPACE, channel->name, channel->type, channel->phone);
}

/* Ended means two of four statuses; one in fifty has no contact, one in nine no assistant. */
static enum vb_status conversation_lines(const struct vb_demo_options *options, uint64_t number,
                                         struct vb_buffer *out)
{
    static const char *const statuses[] = {"closed", "closed", "open", "pending"};
    static const char *const priorities[] = {"low", "normal", "high", NULL};
    static const char *const tags[] = {"{orders}", "{orders,vip}", "{}", NULL};
    static const char *const audiences[] = {NULL, NULL, "{orders}", "{sales,vip}", "{}", NULL};
    static const char *const ratings[] = {NULL, "5", "4", "1"};
    static const char *const comments[] = {NULL, "Quick and friendly, thanks!", NULL,
                                           "Nobody called back,\nas was promised"};
    static const char *const summaries[] = {NULL, "Asked where an order is; it was sent again."};
    char id[VB_UUID_TEXT], channel[VB_UUID_TEXT], contact[VB_UUID_TEXT], assistant[VB_UUID_TEXT];
    char created[VB_INSTANT_TEXT + 2], ended[VB_INSTANT_TEXT + 2];
    uint64_t drawn = draw(options, CONVERSATION, number, 4);
    vb_instant at = conversation_time(options, number);
    format_id(options, CONVERSATION, number, 0, id);
    format_channel(conversation_channel(options, number), channel);
    format_id(options, CONTACT, drawn % contact_count(options), 0, contact);
    format_id(options, ASSISTANT, drawn / 7 % vb_demo_assistant_count, 0, assistant);
    format_time(at, created);
    format_time(at + 3600 * VB_SECOND, ended);
    size_t status = drawn / 11 % 4;
    size_t rating = drawn / 23 % 4;
    return PUT_LINE(out, id, VB_DEMO_WORKSPACE, channel, created,
                    number % 50 == 49 ? NULL : contact, number % 9 == 8 ? NULL : assistant,
                    status < 2 ? ended : NULL, statuses[status], priorities[drawn / 13 % 4],
                    tags[drawn / 17 % 4], vb_demo_agents[drawn / 19 % vb_demo_agent_count],
                    ratings[rating], drawn / 31 % 3 == 0 ? comments[rating] : NULL,
                    summaries[drawn / 37 % 2], audiences[drawn / 29 % 6],
                    drawn / 41 % 25 == 0 ? "to be used in training" : NULL);
}

enum speaker { CUSTOMER, BOT, AGENT };

/* Customer and the other side take turns; a bot comes first, an agent later, as where a bot hands
 * over. */
static enum speaker speaker_of(uint64_t place, uint64_t drawn)
{
    if (place % 2 == 0)
        return CUSTOMER;
    return place < 6 || drawn % 5 == 0 ? BOT : AGENT;
}

/* One message in twelve; a quarter of those have two, the second with a comma in its URL. An array
 * literal of PostgreSQL. */
static const char *media_of(uint64_t drawn, char text[160])
{
    static const char *const endings[] = {"jpg", "png", "mp4", "ogg", "pdf"};
    if (drawn % 12 != 0)
        return NULL;
    const char *ending = endings[drawn / 12 % 5];
    unsigned file = (unsigned)(drawn >> 40);
    if (drawn / 60 % 4 == 0)
        snprintf(text, 160,
                 "{https://media.example.com/%06x.%s,\"https://media.example.com/%06x,2.%s\"}",
                 file, ending, file, ending);
    else
        snprintf(text, 160, "{https://media.example.com/%06x.%s}", file, ending);
    return text;
}

/* One row. `place` counts within the conversation and is part of the id; `at` is the caller's, who
 * keeps the time running. */
static enum vb_status message_line(const struct vb_demo_options *options, uint64_t number,
                                   uint64_t place, const char *conversation, vb_instant at,
                                   struct vb_buffer *out)
{
    static const char *const types[] = {"customer", "bot", "agent"};
    const struct vb_demo_language *language = conversation_language(options, number);
    uint64_t drawn = draw(options, MESSAGE, number, place);
    enum speaker speaker = speaker_of(place, drawn);
    const char *const *phrases = speaker == CUSTOMER ? language->customer
                                 : speaker == BOT    ? language->bot
                                                     : language->agent;
    char id[VB_UUID_TEXT], created[VB_INSTANT_TEXT + 2], media[160], text[1024];
    format_id(options, MESSAGE, number, place, id);
    format_time(at, created);
    const char *urls = media_of(drawn, media);
    const char *first = phrases[place / 2 % VB_DEMO_PHRASES];
    bool doubled = drawn / 31 % 3 == 0;
    snprintf(text, sizeof text, "%s%s%s", first, doubled ? " " : "",
             doubled ? phrases[drawn / 97 % VB_DEMO_PHRASES] : "");
    const char *phone = vb_demo_channels[conversation_channel(options, number)].phone;
    return PUT_LINE(
        out, id, conversation, created, speaker == CUSTOMER ? "inbound" : "outbound",
        types[speaker], speaker == AGENT ? vb_demo_agents[number % vb_demo_agent_count] : NULL,
        urls && drawn / 12 % 3 == 0 ? NULL : text, urls, drawn % 211 == 0 ? "failed" : "delivered",
        speaker == AGENT ? phone : NULL, speaker == BOT && drawn % 40 == 1 ? "helpful" : NULL);
}

/* Messages follow each other within a minute and a half. */
static enum vb_status message_lines(const struct vb_demo_options *options, uint64_t number,
                                    struct vb_buffer *out)
{
    char conversation[VB_UUID_TEXT];
    format_id(options, CONVERSATION, number, 0, conversation);
    vb_instant at = conversation_time(options, number);
    uint64_t count = message_count(options, number);
    enum vb_status status = VB_OK;
    for (uint64_t place = 0; place < count && status == VB_OK; place++) {
        status = message_line(options, number, place, conversation, at, out);
        /* Now and then two messages of one instant: the id decides their order. */
        uint64_t pause = draw(options, MESSAGE, number, place) / 7 % 90000000;
        at += place % 13 == 12 ? 0 : (vb_instant)pause;
    }
    return status;
}

struct medium {
    const char *ending, *type, *title;
    bool sounds;
};

/* One to three of each fifth conversation, at messages spread over it. Their hosts do not exist
 * (RFC 2606): fetching fails unless a test stands in for them. */
static enum vb_status attachment_line(const struct vb_demo_options *options, uint64_t number,
                                      uint64_t place, uint64_t at, struct vb_buffer *out)
{
    static const struct medium media[] = {{"wav", "audio/wav", "call", true},
                                          {"mp3", "audio/mpeg", "voice message", true},
                                          {"jpg", "image/jpeg", "photo, front", false},
                                          {"png", "image/png", "screenshot", false}};
    char id[VB_UUID_TEXT], message[VB_UUID_TEXT], conversation[VB_UUID_TEXT];
    char url[96], name[64], size[24], seconds[24];
    uint64_t drawn = draw(options, ATTACHMENT, number, place);
    const struct medium *medium = &media[drawn % 4];
    format_id(options, ATTACHMENT, number, place, id);
    format_id(options, MESSAGE, number, at, message);
    format_id(options, CONVERSATION, number, 0, conversation);
    snprintf(url, sizeof url, "https://media.example.test/%08x.%s", (unsigned)(drawn >> 32),
             medium->ending);
    snprintf(name, sizeof name, "%s %u.%s", medium->title, (unsigned)place + 1, medium->ending);
    snprintf(size, sizeof size, "%u", (unsigned)(drawn >> 16 & 0xFFFFF) + 1000);
    snprintf(seconds, sizeof seconds, "%u.%u", (unsigned)(drawn >> 8 & 0xFF), (unsigned)drawn % 10);
    return PUT_LINE(out, id, message, conversation, url, drawn / 4 % 7 == 0 ? NULL : name,
                    medium->type, size, medium->sounds ? seconds : NULL);
}

static enum vb_status attachment_lines(const struct vb_demo_options *options, uint64_t number,
                                       struct vb_buffer *out)
{
    if (number % 5 != 0)
        return VB_OK;
    uint64_t messages = message_count(options, number);
    uint64_t count = draw(options, ATTACHMENT, number, 9) % 3 + 1;
    enum vb_status status = VB_OK;
    for (uint64_t i = 0; i < count && status == VB_OK; i++)
        status = attachment_line(options, number, i, i * messages / count, out);
    return status;
}

/* One to three of each eighth conversation. */
static enum vb_status note_lines(const struct vb_demo_options *options, uint64_t number,
                                 struct vb_buffer *out)
{
    static const char *const texts[] = {"Called back,\nagreed on a refund.",
                                        "Parcel found at the neighbour's; see \"proof.pdf\"",
                                        "VIP, please answer first ⭐"};
    char id[VB_UUID_TEXT], conversation[VB_UUID_TEXT], created[VB_INSTANT_TEXT + 2];
    if (number % 8 != 3)
        return VB_OK;
    format_id(options, CONVERSATION, number, 0, conversation);
    uint64_t count = draw(options, NOTE, number, 9) % 3 + 1;
    enum vb_status status = VB_OK;
    for (uint64_t i = 0; i < count && status == VB_OK; i++) {
        const char *author = vb_demo_agents[(number + i) % vb_demo_agent_count];
        format_id(options, NOTE, number, i, id);
        format_time(conversation_time(options, number) + (vb_instant)(i + 1) * 600 * VB_SECOND,
                    created);
        status =
            PUT_LINE(out, id, conversation, created, number % 64 == 11 ? NULL : author, texts[i]);
    }
    return status;
}

/* None to three, by the conversation's number. */
static enum vb_status event_lines(const struct vb_demo_options *options, uint64_t number,
                                  struct vb_buffer *out)
{
    static const char *const kinds[] = {"claim", "escalate", "resolve"};
    static const char *const details[] = {NULL, "to the second line", "refunded, by agreement"};
    char id[VB_UUID_TEXT], conversation[VB_UUID_TEXT], created[VB_INSTANT_TEXT + 2];
    format_id(options, CONVERSATION, number, 0, conversation);
    enum vb_status status = VB_OK;
    for (uint64_t i = 0; i < number % 4 && status == VB_OK; i++) {
        format_id(options, EVENT, number, i, id);
        format_time(conversation_time(options, number) + (vb_instant)(i + 1) * 300 * VB_SECOND,
                    created);
        status = PUT_LINE(out, id, conversation, created, kinds[i],
                          vb_demo_agents[number % vb_demo_agent_count], details[i]);
    }
    return status;
}

/* One to three of each sixth; the third run belongs to no message. */
static enum vb_status skill_lines(const struct vb_demo_options *options, uint64_t number,
                                  struct vb_buffer *out)
{
    static const char *const names[] = {"look up order", "check stock", "book a call"};
    char message[VB_UUID_TEXT], conversation[VB_UUID_TEXT], created[VB_INSTANT_TEXT + 2];
    if (number % 6 != 1)
        return VB_OK;
    format_id(options, CONVERSATION, number, 0, conversation);
    uint64_t messages = message_count(options, number);
    uint64_t more = draw(options, CONVERSATION, number, 6) % 3;
    enum vb_status status = VB_OK;
    for (uint64_t i = 0; i <= more && status == VB_OK; i++) {
        format_id(options, MESSAGE, number, i % messages, message);
        format_time(conversation_time(options, number) + (vb_instant)i * 30 * VB_SECOND, created);
        status = PUT_LINE(out, conversation, created, names[i],
                          number % 12 == 1 ? "found" : "not found", i == 2 ? NULL : message);
    }
    return status;
}

/* One or two of each seventh, at the bot's first answer; the second without URL and snippet. */
static enum vb_status citation_lines(const struct vb_demo_options *options, uint64_t number,
                                     struct vb_buffer *out)
{
    char message[VB_UUID_TEXT], conversation[VB_UUID_TEXT];
    if (number % 7 != 2 || message_count(options, number) < 2)
        return VB_OK;
    format_id(options, MESSAGE, number, 1, message); /* the bot's first answer */
    format_id(options, CONVERSATION, number, 0, conversation);
    enum vb_status status = PUT_LINE(out, message, conversation, "Returns & refunds",
                                     "https://help.example.com/returns", "Within 30 days, unworn.");
    if (status == VB_OK && number % 2 == 0)
        status = PUT_LINE(out, message, conversation, "Delivery times", NULL, NULL);
    return status;
}

const struct vb_demo_table vb_demo_tables[] = {
    {"channel", "id, workspace_id, name, channel_type, phone_number", channel_rows, channel_lines},
    {"contact", "id, workspace_id, name, phone, email, company, address, website, lead_status",
     contact_count, contact_lines},
    {"assistant", "id, workspace_id, name", assistant_rows, assistant_lines},
    {"conversation",
     "id, workspace_id, channel_id, created_at, contact_id, assistant_id, ended_at, status,"
     " priority, tags, assigned_agent, csat_rating, csat_comment, summary, audience, feedback",
     conversation_count, conversation_lines},
    {"message",
     "id, conversation_id, created_at, direction, speaker_type, speaker_name, text, media_urls,"
     " status, sender_account, feedback",
     conversation_count, message_lines},
    {"attachment",
     "id, message_id, conversation_id, url, file_name, content_type, size, duration_seconds",
     conversation_count, attachment_lines},
    {"note", "id, conversation_id, created_at, author, text", conversation_count, note_lines},
    {"event", "id, conversation_id, created_at, kind, actor, detail", conversation_count,
     event_lines},
    {"skill_run", "conversation_id, created_at, name, outcome, message_id", conversation_count,
     skill_lines},
    {"citation", "message_id, conversation_id, title, url, snippet", conversation_count,
     citation_lines},
};
const size_t vb_demo_table_count = sizeof vb_demo_tables / sizeof vb_demo_tables[0];
