/* The rules of INTERFACE 7's specification, member by member, then between members. See check.h.
 *
 * Whatever holds is taken over even where something else is broken, so that the rules between
 * members can be judged; the caller throws the value away then. Pure.
 *
 * A document that was stored passes by the same rules, with two allowances: the service's own
 * members, and layouts that a door sets by itself. What was accepted once must stay acceptable,
 * since jobs and schedules outlive the process that took them: rules are loosened, never tightened
 * for stored documents.
 */
#include "check.h"

#include "body_check.h"
#include "rules/quantity.h"

#include <string.h>

#define LINK_TTL_MOST (7 * 86400 * VB_SECOND)

const char *const vb_specification_files[] = {
    [VB_FILES_PER_CONVERSATION] = "per_conversation",
    [VB_FILES_SINGLE] = "single",
    [VB_FILES_CHUNKS] = "chunks",
    NULL,
};
const char *const vb_specification_selects[] = {
    [VB_SELECT_CHANNEL] = "channel_id",
    [VB_SELECT_PHONE] = "phone_number",
    [VB_SELECT_ASSISTANT] = "assistant_id",
    [VB_SELECT_CONTACT] = "contact_id",
    [VB_SELECT_CONVERSATIONS] = "conversation_ids",
    [VB_SELECT_ALL] = "all",
    NULL,
};
/* Also those that have no renderer: their names are reserved, and the answer says "not available
 * yet" and not that there is no such format. */
static const char *const formats[] = {"csv", "json", "ndjson", "html", "pdf", "xlsx", NULL};
static const char *const layouts[] = {"messages", "conversations", "leads", NULL};
/* Beside these: "turns" of json, which one door alone sets on a value that was parsed. */

/* The place in the list; -1. */
static int place_of(const char *const *names, struct vb_view text)
{
    for (int i = 0; names[i]; i++)
        if (vb_view_equals(vb_view_of(names[i]), text))
            return i;
    return -1;
}

/* Names that are only reserved are passed over. */
const char *vb_specification_format(size_t place)
{
    for (size_t i = 0; formats[i]; i++)
        if (vb_renderer_find(vb_view_of(formats[i]), (struct vb_view){NULL, 0}) && place-- == 0)
            return formats[i];
    return NULL;
}

static bool is_format(struct vb_view text)
{
    return place_of(formats, text) >= 0;
}

static bool is_layout(struct vb_view text)
{
    return place_of(layouts, text) >= 0;
}

static bool is_files(struct vb_view text)
{
    return place_of(vb_specification_files, text) >= 0;
}

static bool is_include(struct vb_view text)
{
    for (size_t i = 0; i < VB_INCLUDE_COUNT; i++)
        if (vb_view_equals(vb_view_of(vb_include_names[i]), text))
            return true;
    return false;
}

static bool is_moment(struct vb_view text)
{
    struct vb_moment moment;
    return vb_moment_parse(text, &moment) == VB_OK;
}

/* From one second to seven days, the longest that a presigned link may live. */
static bool is_link_ttl(struct vb_view text)
{
    int64_t value;
    return text.length == strlen(text.data) && vb_duration_parse(text.data, &value) == VB_OK &&
           value >= VB_SECOND && value <= LINK_TTL_MOST;
}

static const struct vb_body_rule format_rule = {
    is_format, "enum", "Input should be 'csv', 'json', 'ndjson', 'html', 'pdf' or 'xlsx'"};
static const struct vb_body_rule layout_rule = {
    is_layout, "enum", "Input should be 'messages', 'conversations' or 'leads'"};
static const struct vb_body_rule files_rule = {
    is_files, "enum", "Input should be 'per_conversation', 'single' or 'chunks'"};
static const struct vb_body_rule include_rule = {
    is_include, "enum",
    "Input should be 'messages', 'customer', 'tags', 'notes', 'events', 'skills', 'citations', "
    "'media', 'deleted', 'participants', 'reactions' or 'revisions'"};
static const struct vb_body_rule moment_rule = {
    is_moment, "datetime_parsing",
    "Input should be a date in the form YYYY-MM-DD, or an instant with its offset such as "
    "2026-02-01T00:00:00Z"};
static const struct vb_body_rule link_ttl_rule = {
    is_link_ttl, "value_error",
    "Value error, link_ttl must be a number with s, m, h or d, such as 48h, and at most 7 days"};

/* --- select --- */

/* Of several members the last one stays; the problem that there are several is noted by the
 * caller. */
static void check_selected(struct vb_body_check *check, struct vb_specification *specification,
                           enum vb_select_kind kind)
{
    const char *name = vb_specification_selects[kind];
    if (kind == VB_SELECT_CONVERSATIONS) {
        vb_body_words(check, name, &vb_body_any, &specification->conversation_ids);
    } else if (kind == VB_SELECT_ALL) {
        const json_t *value = vb_body_member(check, name);
        if (!json_is_true(value))
            vb_body_problem(check, "literal_error", name, "Input should be true", value);
    } else {
        specification->select =
            vb_body_text(check, name, kind == VB_SELECT_PHONE ? &vb_body_phone : &vb_body_any);
    }
    specification->kind = kind;
}

static void check_select_members(struct vb_body_check *check,
                                 struct vb_specification *specification)
{
    int given = 0;
    for (int kind = 0; vb_specification_selects[kind]; kind++)
        if (vb_body_member(check, vb_specification_selects[kind])) {
            check_selected(check, specification, (enum vb_select_kind)kind);
            given++;
        }
    if (given != 1)
        vb_body_problem(
            check, "value_error", NULL,
            "Value error, provide exactly one of channel_id, phone_number, assistant_id, "
            "contact_id, conversation_ids and all",
            check->object);
    specification->channel_type = vb_body_text(check, "channel_type", &vb_body_channel_type);
    if (specification->channel_type && !vb_body_member(check, "phone_number"))
        vb_body_problem(check, "value_error", "channel_type",
                        "Value error, channel_type may stand beside phone_number only",
                        vb_body_member(check, "channel_type"));
    const char *match = vb_body_text(check, "match", &vb_body_match);
    specification->same_person = match && strcmp(match, "identity") == 0;
    if (match && !vb_body_member(check, "contact_id"))
        vb_body_problem(check, "value_error", "match",
                        "Value error, match may stand beside contact_id only",
                        vb_body_member(check, "match"));
}

/* The status of the inner check is handed back: a list may have found no memory. */
static void check_select(struct vb_body_check *body, struct vb_specification *specification)
{
    static const char *const names[] = {
        "channel_id",       "phone_number", "channel_type", "contact_id",
        "conversation_ids", "assistant_id", "match",        "all"};
    struct vb_body_check check = *body;
    check.within = "select";
    check.object = json_object_get(body->object, "select");
    if (!check.object) {
        vb_body_problem(body, "missing", "select", "Field required", body->object);
        return;
    }
    if (!vb_body_is_object(&check))
        return;
    check_select_members(&check, specification);
    vb_body_unknown(&check, names, sizeof names / sizeof names[0]);
    body->status = check.status;
}

/* --- filter --- */

/* Parsed twice, for the rule and for the value: the rule has no place to put it. */
static void check_moment(struct vb_body_check *check, const char *name, struct vb_moment *moment)
{
    const char *text = vb_body_text(check, name, &moment_rule);
    if (text && vb_moment_parse(vb_view_of(text), moment) != VB_OK)
        *moment = (struct vb_moment){0};
}

/* A date beside an instant is judged once the zone is known: vb_specification_range. */
static void check_range(struct vb_body_check *check, const struct vb_specification *specification)
{
    const struct vb_moment *from = &specification->filter.from, *to = &specification->filter.to;
    if (!from->is_given || !to->is_given || from->is_instant != to->is_instant)
        return;
    if (from->is_instant && from->instant >= to->instant)
        vb_body_problem(check, "value_error", "to", "Value error, to must be after from",
                        vb_body_member(check, "to"));
    if (!from->is_instant && vb_date_compare(from->date, to->date) > 0)
        vb_body_problem(check, "value_error", "to", "Value error, to must be on or after from",
                        vb_body_member(check, "to"));
}

/* What the selection names already cannot be narrowed by the same. */
static void check_doubles(struct vb_body_check *check, const struct vb_specification *specification)
{
    static const struct {
        const char *member;
        enum vb_select_kind kind, other;
    } doubles[] = {
        {"channel_id", VB_SELECT_CHANNEL, VB_SELECT_PHONE},
        {"channel_type", VB_SELECT_CHANNEL, VB_SELECT_PHONE},
        {"assistant_id", VB_SELECT_ASSISTANT, VB_SELECT_ASSISTANT},
        {"contact_id", VB_SELECT_CONTACT, VB_SELECT_CONTACT},
    };
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        const json_t *value = vb_body_member(check, doubles[i].member);
        if (value && specification->select &&
            (specification->kind == doubles[i].kind || specification->kind == doubles[i].other))
            vb_body_problem(check, "value_error", doubles[i].member,
                            "Value error, select names it already", value);
    }
}

static void check_filter(struct vb_body_check *body, struct vb_specification *specification)
{
    static const char *const names[] = {
        "channel_id", "channel_type", "assistant_id", "contact_id",     "from",
        "to",         "status",       "tags",         "completed_only", "activity"};
    struct vb_body_check check = *body;
    check.within = "filter";
    check.object = vb_body_member(body, "filter");
    if (!check.object || !vb_body_is_object(&check))
        return;
    specification->filter.channel_id = vb_body_text(&check, "channel_id", &vb_body_any);
    specification->filter.channel_type =
        vb_body_text(&check, "channel_type", &vb_body_channel_type);
    specification->filter.assistant_id = vb_body_text(&check, "assistant_id", &vb_body_any);
    specification->filter.contact_id = vb_body_text(&check, "contact_id", &vb_body_any);
    check_moment(&check, "from", &specification->filter.from);
    check_moment(&check, "to", &specification->filter.to);
    vb_body_words(&check, "status", &vb_body_any, &specification->filter.statuses);
    vb_body_words(&check, "tags", &vb_body_any, &specification->filter.tags);
    specification->filter.completed_only = vb_body_flag(&check, "completed_only");
    specification->filter.activity = vb_body_flag(&check, "activity");
    check_range(&check, specification);
    check_doubles(&check, specification);
    vb_body_unknown(&check, names, sizeof names / sizeof names[0]);
    body->status = check.status;
}

/* --- format, layout, files, include --- */

/* Their files are tables, which have layouts. */
static bool is_table(const struct vb_specification *specification)
{
    return strcmp(specification->format, "csv") == 0 || strcmp(specification->format, "xlsx") == 0;
}

static void check_layout(struct vb_body_check *check, struct vb_specification *specification,
                         bool stored)
{
    const json_t *given = vb_body_member(check, "layout");
    bool has_layouts = is_table(specification);
    if (given && !has_layouts && !stored) {
        vb_body_problem(check, "value_error", "layout",
                        "Value error, layout is of the formats csv and xlsx only", given);
        return;
    }
    specification->layout =
        vb_body_text(check, "layout", stored && !has_layouts ? &vb_body_any : &layout_rule);
    if (!given && has_layouts)
        specification->layout = layouts[0];
    /* A name that is known and has no renderer: what this build cannot make yet. */
    if ((specification->layout || !has_layouts) &&
        !vb_renderer_find(vb_view_of(specification->format), vb_view_of(specification->layout)))
        vb_body_problem(check, "value_error", given && has_layouts ? "layout" : "format",
                        "Value error, this is not available yet",
                        vb_body_member(check, given && has_layouts ? "layout" : "format"));
}

/* A transcript is one conversation's. */
static void check_pdf_files(struct vb_body_check *check,
                            const struct vb_specification *specification)
{
    const json_t *given = vb_body_member(check, "files");
    if (specification->files == VB_FILES_CHUNKS)
        vb_body_problem(check, "value_error", "files",
                        "Value error, a pdf holds one conversation: files must be per_conversation "
                        "or single",
                        given);
    if (specification->files == VB_FILES_SINGLE &&
        (specification->kind != VB_SELECT_CONVERSATIONS ||
         specification->conversation_ids.count != 1))
        vb_body_problem(check, "value_error", "files",
                        "Value error, a single pdf holds one conversation: select exactly one by "
                        "conversation_ids, or let files be per_conversation",
                        given);
}

/* What is not said follows from the format: rows of messages and pages of text are read one
 * conversation at a time, all else is read by programs, as one file, and a workbook is for a person
 * who wants to sort and filter all of it. */
static void check_files(struct vb_body_check *check, struct vb_specification *specification)
{
    const char *text = vb_body_text(check, "files", &files_rule);
    const char *layout = specification->layout;
    bool is_messages = layout && is_table(specification) && strcmp(layout, layouts[0]) == 0;
    bool is_csv = strcmp(specification->format, "csv") == 0;
    bool is_pdf = strcmp(specification->format, "pdf") == 0;
    if (text)
        specification->files = (enum vb_files)place_of(vb_specification_files, vb_view_of(text));
    else if ((is_messages && is_csv) || is_pdf)
        specification->files = VB_FILES_PER_CONVERSATION;
    else /* media need an archive */
        specification->files =
            specification->include & VB_INCLUDE_MEDIA ? VB_FILES_CHUNKS : VB_FILES_SINGLE;
    if (is_pdf)
        check_pdf_files(check, specification);
    /* Columns of a table are settled: it could not tell them from the others. */
    if (layout && specification->include & VB_INCLUDE_DELETED)
        vb_body_problem(check, "value_error", "include",
                        "Value error, deleted needs a format that marks what is deleted: json, "
                        "ndjson, html or pdf",
                        vb_body_member(check, "include"));
    if (is_messages && !(specification->include & VB_INCLUDE_MESSAGES))
        vb_body_problem(check, "value_error", "include",
                        "Value error, the layout messages needs messages",
                        vb_body_member(check, "include"));
    if ((specification->include & VB_INCLUDE_MEDIA) && specification->files == VB_FILES_SINGLE)
        vb_body_problem(check, "value_error", "include",
                        "Value error, media needs an archive: files must be per_conversation or "
                        "chunks",
                        vb_body_member(check, "include"));
}

/* Named words replace the default and do not add to it. */
static void check_include(struct vb_body_check *check, struct vb_specification *specification)
{
    struct vb_words words = {0};
    vb_body_words(check, "include", &include_rule, &words);
    specification->include = words.items ? 0 : VB_INCLUDE_DEFAULT;
    for (size_t i = 0; words.items && i < words.count; i++)
        for (unsigned bit = 0; bit < VB_INCLUDE_COUNT; bit++)
            if (strcmp(words.items[i], vb_include_names[bit]) == 0)
                specification->include |= 1u << bit;
    vb_body_words_done(&words);
}

/* The order matters: layout needs the format, files need layout and include. */
static void check_shape(struct vb_body_check *check, struct vb_specification *specification,
                        bool stored)
{
    const char *format = vb_body_text(check, "format", &format_rule);
    specification->format = format ? format : formats[0];
    check_include(check, specification);
    /* Nothing can be said about what hangs on a format that is none. */
    if (format || !vb_body_member(check, "format")) {
        check_layout(check, specification, stored);
        if (specification->layout || !vb_body_member(check, "layout"))
            check_files(check, specification);
    }
    specification->csv_profile = vb_body_text(check, "csv_profile", &vb_body_csv_profile);
    specification->delimiter = vb_body_text(check, "delimiter", &vb_body_delimiter);
    specification->csv_quote = vb_body_text(check, "csv_quote", &vb_body_csv_quote);
    bool marked = vb_body_flag(check, "byte_order_mark");
    if (vb_body_member(check, "byte_order_mark"))
        specification->csv_mark = marked ? VB_CSV_MARK_ON : VB_CSV_MARK_OFF;
    specification->notification_email = vb_body_text(check, "notification_email", &vb_body_mail);
    const char *ttl = vb_body_text(check, "link_ttl", &link_ttl_rule);
    if (ttl && vb_duration_parse(ttl, &specification->link_ttl) != VB_OK)
        specification->link_ttl = 0;
}

/* --- what the service has added --- */

/* Only arrays: a stored document of an older version may lack the member. */
static void take_own(struct vb_body_check *check, const char *name, struct vb_words *words)
{
    const json_t *list = vb_body_member(check, name);
    if (json_is_array(list) && vb_body_words_of(list, words) != VB_OK)
        check->status = VB_NO_MEMORY;
}

static void take_all_own(struct vb_body_check *check, struct vb_specification *specification)
{
    take_own(check, "audience", &specification->audience);
    take_own(check, "channel_ids", &specification->channel_ids);
    take_own(check, "contact_ids", &specification->contact_ids);
    specification->same_person = specification->contact_ids.items != NULL;
}

#define OWN 3u /* at the end of the names */

enum vb_status vb_specification_check(struct vb_specification *specification, bool stored,
                                      struct vb_problems *problems)
{
    static const char *const names[] = {"select",          "filter",      "format",
                                        "layout",          "files",       "include",
                                        "csv_profile",     "delimiter",   "csv_quote",
                                        "byte_order_mark", "link_ttl",    "notification_email",
                                        "audience",        "channel_ids", "contact_ids"};
    const size_t count = sizeof names / sizeof names[0];
    struct vb_body_check check = {.problems = problems, .object = specification->root};
    if (!vb_body_is_object(&check))
        return VB_INVALID;
    check_select(&check, specification);
    check_filter(&check, specification);
    check_shape(&check, specification, stored);
    vb_body_unknown(&check, names, stored ? count : count - OWN);
    if (stored)
        take_all_own(&check, specification);
    return check.status != VB_OK ? check.status : problems->count > 0 ? VB_INVALID : VB_OK;
}
