/* The canonical JSON of a specification: members in one order, defaults written out. See
 * specification.h.
 *
 * Two documents that mean the same print the same, so specifications can be compared and hashed as
 * text, and what is stored does not change its meaning when a default changes. An absent member is
 * one that has no default to write (a profile or a life that the workspace decides). Dates stay
 * dates.
 */
#include "specification.h"
#include "verbatim/json.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>

static void put_optional(struct vb_json *json, const char *name, const char *text)
{
    if (text)
        vb_json_member_text(json, name, text);
}

/* NULL items mean "no limit" and are left out; an empty list means that nothing fits and is
 * written. */
static void put_words(struct vb_json *json, const char *name, struct vb_words words)
{
    if (!words.items)
        return;
    vb_json_name(json, name);
    vb_json_begin_array(json);
    for (size_t i = 0; i < words.count; i++)
        vb_json_text(json, words.items[i]);
    vb_json_end_array(json);
}

/* In the stored form `contact_ids` stand for the match: an older version knows no such member. */
static void put_select(struct vb_json *json, const struct vb_specification *specification,
                       bool stored)
{
    const char *name = vb_specification_selects[specification->kind];
    vb_json_name(json, "select");
    vb_json_begin_object(json);
    if (specification->kind == VB_SELECT_ALL)
        vb_json_member_boolean(json, name, true);
    put_optional(json, name, specification->select);
    put_words(json, name, specification->conversation_ids);
    put_optional(json, "channel_type", specification->channel_type);
    if (specification->same_person && !stored)
        vb_json_member_text(json, "match", "identity");
    vb_json_end_object(json);
}

static void put_moment(struct vb_json *json, const char *name, const struct vb_moment *moment)
{
    char text[VB_MOMENT_TEXT];
    if (!moment->is_given)
        return;
    vb_moment_text(moment, text);
    vb_json_member_text(json, name, text);
}

static void put_filter(struct vb_json *json, const struct vb_specification *specification)
{
    vb_json_name(json, "filter");
    vb_json_begin_object(json);
    put_optional(json, "channel_id", specification->filter.channel_id);
    put_optional(json, "channel_type", specification->filter.channel_type);
    put_optional(json, "assistant_id", specification->filter.assistant_id);
    put_optional(json, "contact_id", specification->filter.contact_id);
    put_moment(json, "from", &specification->filter.from);
    put_moment(json, "to", &specification->filter.to);
    put_words(json, "status", specification->filter.statuses);
    put_words(json, "tags", specification->filter.tags);
    if (specification->filter.completed_only)
        vb_json_member_boolean(json, "completed_only", true);
    if (specification->filter.activity)
        vb_json_member_boolean(json, "activity", true);
    vb_json_end_object(json);
}

static void put_include(struct vb_json *json, unsigned include)
{
    vb_json_name(json, "include");
    vb_json_begin_array(json);
    for (unsigned i = 0; i < VB_INCLUDE_COUNT; i++)
        if (include & (1u << i))
            vb_json_text(json, vb_include_names[i]);
    vb_json_end_array(json);
}

/* In the largest unit up to hours that it is a multiple of: 48h stays 48h, and 2d becomes it. */
static void put_link_ttl(struct vb_json *json, int64_t link_ttl)
{
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {
        {"h", 3600 * VB_SECOND}, {"m", 60 * VB_SECOND}, {"s", VB_SECOND}, {"ms", VB_SECOND / 1000}};
    size_t unit = 0;
    while (unit < 3 && link_ttl % units[unit].factor != 0)
        unit++;
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64 "%s", link_ttl / units[unit].factor,
                   units[unit].name);
    vb_json_member_text(json, "link_ttl", text);
}

enum vb_status vb_specification_write(const struct vb_specification *specification, bool stored,
                                      struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_begin_object(&json);
    put_select(&json, specification, stored);
    put_filter(&json, specification);
    vb_json_member_text(&json, "format", specification->format);
    put_optional(&json, "layout", specification->layout);
    vb_json_member_text(&json, "files", vb_specification_files[specification->files]);
    put_include(&json, specification->include);
    put_optional(&json, "csv_profile", specification->csv_profile);
    put_optional(&json, "delimiter", specification->delimiter);
    put_optional(&json, "csv_quote", specification->csv_quote);
    if (specification->csv_mark != VB_CSV_MARK_OF_PROFILE)
        vb_json_member_boolean(&json, "byte_order_mark", specification->csv_mark == VB_CSV_MARK_ON);
    put_optional(&json, "notification_email", specification->notification_email);
    if (specification->link_ttl > 0)
        put_link_ttl(&json, specification->link_ttl);
    if (stored) {
        put_words(&json, "audience", specification->audience);
        put_words(&json, "channel_ids", specification->channel_ids);
        put_words(&json, "contact_ids", specification->contact_ids);
    }
    vb_json_end_object(&json);
    return vb_json_status(&json);
}
