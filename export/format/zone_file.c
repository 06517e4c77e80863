/* Zone files: RFC 9636. See zone_rules.h.
 *
 * Versions 2 to 4 hold everything twice, first in 32 bits for readers of before; a file of version
 * 1 has those only, and no rule. Every length is checked before a byte is read. Indicators of
 * standard and UT are for writers of rules and skipped.
 */
#include "zone_rules.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 44u
#define TYPE 6u /* offset in 4 bytes, summer, index of its abbreviation */

struct block {
    const unsigned char *times, *kinds, *types;
    size_t time_size, time_count, type_count, leap_count;
};

static uint32_t number_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Two's complement, the most significant byte first. */
static int64_t time_at(const struct block *block, size_t place)
{
    const unsigned char *at = block->times + place * block->time_size;
    if (block->time_size == 4)
        return (int32_t)number_at(at);
    return (int64_t)((uint64_t)number_at(at) << 32 | number_at(at + 4));
}

static int offset_of(const struct block *block, size_t type)
{
    return (int32_t)number_at(block->types + type * TYPE);
}

/* Moves past the block. The sums cannot overflow: each count is below 2^16 or refused. */
static bool take_block(struct vb_view *file, size_t time_size, struct block *ret_block)
{
    const unsigned char *head = (const unsigned char *)file->data;
    size_t counts[6]; /* UT, standard, leap seconds, times, types, bytes of abbreviations */
    if (file->length < HEADER || memcmp(head, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < 6; i++) {
        counts[i] = number_at(head + 20 + 4 * i);
        if (counts[i] > VB_ZONE_BYTES)
            return false;
    }
    struct block block = {.times = head + HEADER,
                          .time_size = time_size,
                          .time_count = counts[3],
                          .type_count = counts[4],
                          .leap_count = counts[2]};
    size_t length = counts[3] * time_size;
    block.kinds = block.times + length;
    length += counts[3];
    block.types = block.times + length;
    length += counts[4] * TYPE + counts[5] + counts[2] * (time_size + 4) + counts[1] + counts[0];
    if (file->length - HEADER < length || block.type_count == 0)
        return false;
    *file = (struct vb_view){file->data + HEADER + length, file->length - HEADER - length};
    *ret_block = block;
    return true;
}

/* Before the first change the first type holds; fat files also list the Big Bang. The last one says
 * from when on the rule holds, so it is kept though it may change nothing but a name. */
static bool take_changes(const struct block *block, struct vb_zone_rules *rules)
{
    for (size_t i = 0; i < block->type_count; i++)
        if (offset_of(block, i) < -VB_ZONE_OFFSET_MOST || offset_of(block, i) > VB_ZONE_OFFSET_MOST)
            return false;
    int offset = rules->first = offset_of(block, 0);
    for (size_t i = 0; i < block->time_count; i++) {
        if (block->kinds[i] >= block->type_count ||
            (i > 0 && time_at(block, i) <= time_at(block, i - 1)))
            return false;
        if (offset_of(block, block->kinds[i]) == offset && i + 1 < block->time_count)
            continue;
        offset = offset_of(block, block->kinds[i]);
        int64_t at = time_at(block, i);
        if (at < -VB_ZONE_TIME_MOST)
            rules->first = offset;
        else if (at <= VB_ZONE_TIME_MOST)
            rules->changes[rules->count++] = (struct vb_zone_change){at, offset};
    }
    return true;
}

/* A rule between two line ends, or an empty one. */
static bool take_rule(struct vb_view rest, struct vb_zone_rules *rules)
{
    if (rest.length < 2 || rest.data[0] != '\n')
        return false;
    const char *end = memchr(rest.data + 1, '\n', rest.length - 1);
    if (!end)
        return false;
    struct vb_view text = {rest.data + 1, (size_t)(end - rest.data) - 1};
    rules->has_rule = text.length > 0;
    return !rules->has_rule || vb_zone_rule_parse(text, &rules->rule) == VB_OK;
}

/* A last one that changes nothing: the first change that the rule makes behind it says the same. */
static void move_last(struct vb_zone_rules *rules)
{
    size_t count = rules->count;
    if (count == 0)
        return;
    struct vb_zone_change *last = &rules->changes[count - 1];
    if (last->offset != (count > 1 ? rules->changes[count - 2].offset : rules->first))
        return;
    struct vb_zone_stretch stretch = {INT64_MIN, INT64_MAX, last->offset};
    if (rules->has_rule)
        stretch = vb_zone_rule_at(&rules->rule, last->at);
    if (stretch.end == INT64_MAX) {
        rules->count--;
    } else if (stretch.offset == last->offset) {
        int offset = vb_zone_rule_at(&rules->rule, stretch.end).offset;
        *last = (struct vb_zone_change){stretch.end, offset};
    }
}

/* Drops the last change while the rule makes the same one, and none other since the one before it.
 * One stays, since the rule does not hold before it. */
static void drop_repeated(struct vb_zone_rules *rules)
{
    while (rules->has_rule && rules->count > 1) {
        const struct vb_zone_change *before = &rules->changes[rules->count - 2];
        const struct vb_zone_change *last = before + 1;
        struct vb_zone_stretch stretch = vb_zone_rule_at(&rules->rule, before->at);
        if (stretch.offset != before->offset || stretch.end != last->at ||
            vb_zone_rule_at(&rules->rule, last->at).offset != last->offset)
            return;
        rules->count--;
    }
}

enum vb_status vb_zone_rules_from_file(struct vb_view file, struct vb_zone_rules *ret_rules)
{
    struct block block;
    struct vb_zone_rules rules = {0};
    bool has_version_2 = file.length > 4 && file.data[4] >= '2';
    if (!take_block(&file, 4, &block) || (has_version_2 && !take_block(&file, 8, &block)) ||
        block.leap_count > 0 || block.time_count > VB_ZONE_CHANGES_MOST)
        return VB_INVALID;
    rules.changes = calloc(block.time_count + 1, sizeof *rules.changes);
    if (!rules.changes)
        return VB_NO_MEMORY;
    if (!take_changes(&block, &rules) || (has_version_2 && !take_rule(file, &rules))) {
        vb_zone_rules_done(&rules);
        return VB_INVALID;
    }
    move_last(&rules);
    drop_repeated(&rules);
    *ret_rules = rules;
    return VB_OK;
}
