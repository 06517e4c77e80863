/* The clocks of one zone: the changes that its file lists, and the rule behind them.
 *
 * Read from a zone file (RFC 9636; "fat" files list what their rule says as well, "slim" ones do
 * not) or from the text that a job keeps. Either way the changes that the rule repeats are dropped,
 * so that equal clocks have equal texts. Changes of abbreviation alone are none here.
 *
 * The maker's until vb_zone_rules_done, which takes any state. Any thread while nobody changes it.
 * VB_INVALID for what breaks the form, VB_NO_MEMORY.
 */
#ifndef VERBATIM_EXPORT_FORMAT_ZONE_RULES_H
#define VERBATIM_EXPORT_FORMAT_ZONE_RULES_H

#include "zone_rule.h"

/* More than any file has: twice a year since 1850, as far as 2400. */
#define VB_ZONE_CHANGES_MOST 2000u
/* Ceiling of a file or a text, in bytes. */
#define VB_ZONE_BYTES (64u * 1024u)

/* Unix seconds from 1970 either way that vb_instant has as microseconds, and a year to spare. */
#define VB_ZONE_TIME_MOST INT64_C(9000000000000)

struct vb_zone_change {
    int64_t at; /* Unix seconds, at most VB_ZONE_TIME_MOST */
    int offset; /* from then on, seconds east of UTC */
};

struct vb_zone_rules {
    int first; /* the offset before all changes */
    struct vb_zone_change *changes;
    size_t count;
    bool has_rule; /* else the last offset stays */
    struct vb_zone_rule rule;
};

void vb_zone_rules_done(struct vb_zone_rules *rules);

/* The bytes of a zone file; one that counts leap seconds is refused. */
enum vb_status vb_zone_rules_from_file(struct vb_view file,
                                       struct vb_zone_rules *ret_rules) vb_must_check;

/* The rule ("-": none), the first offset, and for each change the seconds since the one before it
 * (the first: since 1970) and its offset: "CET-1CEST,M3.5.0,M10.5.0/3 3208 -2422054408:3600 ...".
 * Appended. VB_NO_MEMORY, VB_LIMIT. */
enum vb_status vb_zone_rules_write(const struct vb_zone_rules *rules,
                                   struct vb_buffer *out) vb_must_check;
enum vb_status vb_zone_rules_from_text(struct vb_view text,
                                       struct vb_zone_rules *ret_rules) vb_must_check;

/* `at` within VB_ZONE_TIME_MOST. */
struct vb_zone_stretch vb_zone_rules_at(const struct vb_zone_rules *rules, int64_t at);

#endif
