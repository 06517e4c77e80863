/* See zone_rules.h: looking up, and the text form. The file's form is zone_file.c's. */
#include "zone_rules.h"

#include <inttypes.h>
#include <stdlib.h>

void vb_zone_rules_done(struct vb_zone_rules *rules)
{
    free(rules->changes);
    *rules = (struct vb_zone_rules){0};
}

/* How many changes are not after the instant. */
static size_t count_until(const struct vb_zone_rules *rules, int64_t at)
{
    size_t low = 0, high = rules->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->changes[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vb_zone_stretch vb_zone_rules_at(const struct vb_zone_rules *rules, int64_t at)
{
    size_t past = count_until(rules, at);
    const struct vb_zone_change *changes = rules->changes;
    struct vb_zone_stretch stretch = {past > 0 ? changes[past - 1].at : INT64_MIN, INT64_MAX,
                                      past > 0 ? changes[past - 1].offset : rules->first};
    if (past < rules->count) {
        stretch.end = changes[past].at;
        return stretch;
    }
    if (!rules->has_rule)
        return stretch;
    struct vb_zone_stretch by_rule = vb_zone_rule_at(&rules->rule, at);
    if (by_rule.start < stretch.start)
        by_rule.start = stretch.start;
    return by_rule;
}

/* --- the text --- */

enum vb_status vb_zone_rules_write(const struct vb_zone_rules *rules, struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_printf(out, "%s %d", rules->has_rule ? rules->rule.text : "-", rules->first);
    int64_t before = 0;
    for (size_t i = 0; status == VB_OK && i < rules->count; i++) {
        status = vb_buffer_printf(out, " %" PRId64 ":%d", rules->changes[i].at - before,
                                  rules->changes[i].offset);
        before = rules->changes[i].at;
    }
    return status;
}

/* Of at most fourteen digits, so that no sum of them is too large. */
static bool take_signed(struct vb_view *text, int64_t *ret_number)
{
    bool is_negative = text->length > 0 && text->data[0] == '-';
    size_t at = is_negative, digits = 0;
    int64_t number = 0;
    for (; at < text->length && text->data[at] >= '0' && text->data[at] <= '9'; at++, digits++) {
        if (digits == 14)
            return false;
        number = number * 10 + (text->data[at] - '0');
    }
    *text = (struct vb_view){text->data + at, text->length - at};
    *ret_number = is_negative ? -number : number;
    return digits > 0;
}

static bool take_offset(struct vb_view *text, int *ret_offset)
{
    int64_t number;
    if (!take_signed(text, &number) || number < -VB_ZONE_OFFSET_MOST ||
        number > VB_ZONE_OFFSET_MOST)
        return false;
    *ret_offset = (int)number;
    return true;
}

static bool take_byte(struct vb_view *text, char byte)
{
    if (text->length == 0 || text->data[0] != byte)
        return false;
    *text = (struct vb_view){text->data + 1, text->length - 1};
    return true;
}

static size_t count_bytes(struct vb_view text, char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == byte;
    return count;
}

/* Later ones are later. */
static bool take_changes(struct vb_view text, struct vb_zone_rules *rules)
{
    int64_t at = 0, since;
    for (; text.length > 0; rules->count++) {
        struct vb_zone_change *change = &rules->changes[rules->count];
        if (!take_byte(&text, ' ') || !take_signed(&text, &since) || !take_byte(&text, ':') ||
            !take_offset(&text, &change->offset) || (rules->count > 0 && since <= 0))
            return false;
        at += since;
        change->at = at;
        if (at < -VB_ZONE_TIME_MOST || at > VB_ZONE_TIME_MOST)
            return false;
    }
    return true;
}

static bool take_rule(struct vb_view *text, struct vb_zone_rules *rules)
{
    size_t length = 0;
    while (length < text->length && text->data[length] != ' ')
        length++;
    struct vb_view rule = {text->data, length};
    *text = (struct vb_view){text->data + length, text->length - length};
    rules->has_rule = !vb_view_equals(rule, VB_VIEW("-"));
    return !rules->has_rule || vb_zone_rule_parse(rule, &rules->rule) == VB_OK;
}

enum vb_status vb_zone_rules_from_text(struct vb_view text, struct vb_zone_rules *ret_rules)
{
    struct vb_zone_rules rules = {0};
    size_t most = count_bytes(text, ':');
    if (text.length > VB_ZONE_BYTES || !take_rule(&text, &rules) || !take_byte(&text, ' ') ||
        !take_offset(&text, &rules.first) || most > VB_ZONE_CHANGES_MOST)
        return VB_INVALID;
    rules.changes = calloc(most + 1, sizeof *rules.changes);
    if (!rules.changes)
        return VB_NO_MEMORY;
    if (!take_changes(text, &rules)) {
        vb_zone_rules_done(&rules);
        return VB_INVALID;
    }
    *ret_rules = rules;
    return VB_OK;
}
