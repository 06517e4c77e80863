/* Renders conversations that come as JSON on standard input, for tests that read the result with
 * other tools.
 *
 *   render_tool FORMAT LAYOUT INCLUDE ZONE [NAME COLOR FOOTER LOGO]
 *                LAYOUT "" for none; INCLUDE is the sum of enum vb_include
 *
 * Input: an array of conversations with the members of the JSON format, but times as microseconds
 * and each conversation with `tags`, `messages`, `notes`, `events` and `skills`. Missing members
 * are NULL. */
#include "verbatim/file_read.h"
#include "verbatim/render.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS 4096u
#define FILE_CEILING (256u << 20)

/* Bytes of the lists of one message or conversation, which its views borrow. */
static struct vb_buffer lists[LISTS];
static size_t list_count;

static void must(enum vb_status status, const char *what)
{
    if (status == VB_OK)
        return;
    fprintf(stderr, "%s: %s\n", vb_status_name(status), what);
    exit(1);
}

static struct vb_view text_of(const json_t *value)
{
    return (struct vb_view){json_string_value(value), json_string_length(value)};
}

static struct vb_view text(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

static vb_instant instant(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* Appends an element as PostgreSQL sends it; `keep` writes NULL as an empty text. */
static void add_element(struct vb_text_list *list, struct vb_view element, bool keep)
{
    struct vb_buffer *store = &lists[list_count];
    bool null = !element.data && !keep;
    uint32_t length = null ? UINT32_MAX : (uint32_t)element.length;
    char prefix[] = {(char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length};
    must(vb_buffer_append(store, prefix, 4), "list");
    must(vb_buffer_append(store, element.data, element.length), "list");
    list->count++;
}

/* Of strings, or of objects whose members `names` (up to a NULL) stand in turn. */
static struct vb_text_list list(const json_t *object, const char *name, const char *const *names)
{
    struct vb_text_list made = {0};
    size_t index;
    json_t *value;
    if (list_count == LISTS)
        must(VB_LIMIT, "too many lists");
    vb_buffer_init(&lists[list_count], FILE_CEILING);
    json_array_foreach(json_object_get(object, name), index, value)
    {
        if (!names)
            add_element(&made, text_of(value), false);
        for (size_t i = 0; names && names[i]; i++)
            add_element(&made, text(value, names[i]), true);
    }
    made.rest = (struct vb_view){lists[list_count].data, lists[list_count].length};
    list_count++;
    return made;
}

static void forget_lists(size_t from)
{
    while (list_count > from)
        vb_buffer_done(&lists[--list_count]);
}

static struct vb_maybe_instant maybe_instant(const json_t *object, const char *name)
{
    return (struct vb_maybe_instant){json_is_integer(json_object_get(object, name)),
                                     instant(object, name)};
}

/* Which of them the object has, null or not. */
static unsigned marks_of(const json_t *object)
{
    static const char *const names[] = {"title",    "edited_at", "deleted_at", "kind",
                                        "reply_to", "format",    "extra"};
    unsigned marks = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(object, names[i]))
            marks |= 1u << i;
    return marks;
}

/* As the server writes a jsonb: in one line. */
static struct vb_view json_of(const json_t *object, const char *name)
{
    static char *kept[64];
    static size_t next;
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return vb_view_of(NULL);
    free(kept[next % 64]);
    return vb_view_of(kept[next++ % 64] = json_dumps(value, JSON_ENCODE_ANY));
}

static struct vb_conversation conversation_of(const json_t *c)
{
    const json_t *customer = json_object_get(c, "customer"), *csat = json_object_get(c, "csat");
    const json_t *assistant = json_object_get(c, "assistant"), *ch = json_object_get(c, "channel");
    const json_t *rating = json_object_get(csat, "rating");
    return (struct vb_conversation){
        .id = text(c, "id"),
        .created_at = instant(c, "created_at"),
        .contact_name = text(customer, "name"),
        .contact_phone = text(customer, "phone"),
        .contact_email = text(customer, "email"),
        .assistant_name = text(assistant, "name"),
        .channel = {text(ch, "id"), text(ch, "name"), text(ch, "type"), text(ch, "phone_number")},
        .contact_id = text(customer, "id"),
        .contact_company = text(customer, "company"),
        .contact_address = text(customer, "address"),
        .contact_website = text(customer, "website"),
        .contact_lead_status = text(customer, "lead_status"),
        .assistant_id = text(assistant, "id"),
        .has_ended_at = json_is_integer(json_object_get(c, "ended_at")),
        .has_csat_rating = json_is_integer(rating),
        .ended_at = instant(c, "ended_at"),
        .csat_rating = json_integer_value(rating),
        .status = text(c, "status"),
        .priority = text(c, "priority"),
        .assigned_agent = text(c, "assigned_agent"),
        .csat_comment = text(csat, "comment"),
        .feedback = text(c, "feedback"),
        .tags = list(c, "tags", NULL),
        .audience = list(c, "audience", NULL),
        .has_audience = json_is_array(json_object_get(c, "audience")),
        .marks = marks_of(c),
        .title = text(c, "title"),
        .extra = json_of(c, "extra"),
        .deleted_at = maybe_instant(c, "deleted_at"),
    };
}

static struct vb_message message_of(const json_t *m)
{
    static const char *const citation[] = {"title", "url", "snippet", NULL};
    static const char *const attachment[] = {"id", "url", "file_name", "content_type", NULL};
    return (struct vb_message){
        .id = text(m, "id"),
        .created_at = instant(m, "created_at"),
        .direction = text(m, "direction"),
        .speaker_type = text(m, "speaker_type"),
        .speaker_name = text(m, "speaker_name"),
        .text = text(m, "text"),
        .media_urls = list(m, "media_urls", NULL),
        .status = text(m, "status"),
        .sender_account = text(m, "sender_account"),
        .feedback = text(m, "feedback"),
        .citations = list(m, "citations", citation),
        .attachments = list(m, "media", attachment),
        .marks = marks_of(m),
        .edited_at = maybe_instant(m, "edited_at"),
        .deleted_at = maybe_instant(m, "deleted_at"),
        .kind = text(m, "kind"),
        .reply_to = text(m, "reply_to"),
        .format = text(m, "format"),
        .extra = json_of(m, "extra"),
    };
}

static const struct {
    const char *list, *first, *second, *third, *time;
} kinds[] = {
    [VB_EXTRA_NOTE] = {"notes", "author", "text", "-", "created_at"},
    [VB_EXTRA_EVENT] = {"events", "kind", "actor", "detail", "created_at"},
    [VB_EXTRA_SKILL] = {"skills", "name", "outcome", "message_id", "created_at"},
    [VB_EXTRA_PARTICIPANT] = {"participants", "name", "role", "contact_id", "joined_at"},
    [VB_EXTRA_REACTION] = {"reactions", "name", "by", "message_id", "created_at"},
    [VB_EXTRA_REVISION] = {"revisions", "editor", "text", "message_id", "created_at"},
};

struct line {
    const struct vb_renderer *renderer;
    struct vb_render_context context;
    struct vb_buffer out;
    struct vb_error err;
};

static void render_extras(struct line *line, const struct vb_conversation *conversation,
                          const json_t *c, enum vb_extra_kind kind)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(c, kinds[kind].list), index, row)
    {
        struct vb_extra extra = {.kind = kind,
                                 .created_at = instant(row, kinds[kind].time),
                                 .undated =
                                     !json_is_integer(json_object_get(row, kinds[kind].time)),
                                 .left_at = maybe_instant(row, "left_at"),
                                 .id = text(row, "id"),
                                 .first = text(row, kinds[kind].first),
                                 .second = text(row, kinds[kind].second),
                                 .third = text(row, kinds[kind].third)};
        must(line->renderer->extra(&line->context, conversation, &extra, &line->out, &line->err),
             line->err.text);
    }
}

static void render_conversation(struct line *line, const json_t *c, bool first)
{
    const struct vb_renderer *renderer = line->renderer;
    struct vb_conversation conversation = conversation_of(c);
    unsigned columns = renderer->columns(line->context.include);
    size_t index;
    json_t *m;
    must(renderer->conversation(&line->context, &conversation, first, &line->out, &line->err),
         line->err.text);
    if (columns & VB_COLUMNS_NOTES_FIRST)
        render_extras(line, &conversation, c, VB_EXTRA_NOTE);
    json_array_foreach(json_object_get(c, "messages"), index, m)
    {
        struct vb_message message = message_of(m);
        must(renderer->message(&line->context, &conversation, &message, &line->out, &line->err),
             line->err.text);
        forget_lists(1);
    }
    for (int kind = VB_EXTRA_NOTE; kind < (int)VB_EXTRA_KINDS && renderer->extra; kind++)
        if (kind != VB_EXTRA_NOTE || !(columns & VB_COLUMNS_NOTES_FIRST))
            render_extras(line, &conversation, c, (enum vb_extra_kind)kind);
    must(renderer->end_conversation(&line->context, &conversation, &line->out, &line->err),
         line->err.text);
    forget_lists(0);
}

static void render(struct line *line, const json_t *root)
{
    size_t index;
    json_t *c;
    must(line->renderer->begin_file(&line->context, &line->out, &line->err), line->err.text);
    json_array_foreach(root, index, c) render_conversation(line, c, index == 0);
    must(line->renderer->end_file(&line->context, &line->out, &line->err), line->err.text);
    if (line->out.length > 0 &&
        fwrite(line->out.data, 1, line->out.length, stdout) != line->out.length)
        must(VB_IO, "standard output");
}

/* LOGO is a small PNG's name. */
static void take_brand(char *const words[4], struct line *line)
{
    static struct vb_buffer logo;
    static struct vb_brand brand;
    vb_buffer_init(&logo, FILE_CEILING);
    must(vb_file_read(words[3], &logo, &line->err), words[3]);
    brand = (struct vb_brand){.name = vb_view_of(words[0]),
                              .footer = vb_view_of(words[2]),
                              .has_color = true,
                              .color = (uint32_t)strtoul(words[1], NULL, 16),
                              .logo = {logo.data, logo.length}};
    line->context.brand = &brand;
}

int main(int argc, char **argv)
{
    struct vb_render_state state;
    struct line line = {0};
    json_error_t error;
    if (argc != 5 && argc != 9) {
        fprintf(stderr, "usage: render_tool FORMAT LAYOUT INCLUDE ZONE [NAME COLOR FOOTER LOGO]\n");
        return 2;
    }
    json_t *root = json_loadf(stdin, JSON_ALLOW_NUL, &error);
    if (!root)
        must(VB_INVALID, error.text);
    line.renderer =
        vb_renderer_find(vb_view_of(argv[1]), argv[2][0] ? vb_view_of(argv[2]) : vb_view_of(NULL));
    if (!line.renderer)
        must(VB_NOT_FOUND, argv[1]);
    vb_render_state_init(&state);
    line.context.state = &state;
    line.context.include = (unsigned)strtoul(argv[3], NULL, 10);
    line.context.zone_name = argv[4];
    if (argc == 9)
        take_brand(&argv[5], &line);
    must(vb_zone_new(argv[4], &line.context.zone, &line.err), argv[4]);
    vb_buffer_init(&line.out, FILE_CEILING);
    render(&line, root);
    vb_buffer_done(&line.out);
    vb_zone_free(line.context.zone);
    vb_render_state_done(&state);
    json_decref(root);
    return 0;
}
