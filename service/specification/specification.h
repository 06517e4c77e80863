/* What to export, as one value (INTERFACE 7): parsed and checked from JSON, printed as JSON, stored
 * with the job.
 *
 * Every door makes one of these and nothing else; it alone decides the bytes. The stored form has
 * three members more, which only the service writes and no caller may send: `audience`,
 * `channel_ids`, `contact_ids`. Looks nothing up: that what is named exists is resolve.h's.
 *
 * A value is its maker's until vb_specification_done and owns its document and lists. Any thread:
 * pure, one value on one thread. VB_INVALID: a rule is broken, which the problems or `err` name;
 * VB_NO_MEMORY. Strings live as long as the value.
 */
#ifndef VERBATIM_SPECIFICATION_SPECIFICATION_H
#define VERBATIM_SPECIFICATION_SPECIFICATION_H

#include "problems.h"
#include "verbatim/render.h"
#include "verbatim/source.h"

struct json_t;

enum vb_select_kind {
    VB_SELECT_CHANNEL,
    VB_SELECT_PHONE, /* with `channel_type`, or without */
    VB_SELECT_ASSISTANT,
    VB_SELECT_CONTACT,
    VB_SELECT_CONVERSATIONS,
    VB_SELECT_ALL
};
#define VB_SELECT_IDS 200 /* conversation_ids at most */

enum vb_files { VB_FILES_PER_CONVERSATION, VB_FILES_SINGLE, VB_FILES_CHUNKS };
#define VB_CHUNK 5000 /* conversations of one file */

/* An end of a range: a day of the workspace's zone (inclusive), or an instant (from: inclusive, to:
 * exclusive). */
struct vb_moment {
    bool is_given, is_instant;
    struct vb_date date;
    vb_instant instant;
};
#define VB_MOMENT_TEXT (VB_INSTANT_TEXT + 8)
/* "2026-02-01", or RFC 3339 with its offset; finer fractions than microseconds are rounded up, so
 * that both ends of a half-open range stay where they are among whole microseconds. VB_INVALID. */
enum vb_status vb_moment_parse(struct vb_view text, struct vb_moment *ret_moment) vb_must_check;
/* The canonical form: instants in UTC with six digits. */
void vb_moment_text(const struct vb_moment *moment, char text[VB_MOMENT_TEXT]);

/* Strings belong to `root` and are NULL where not given. */
struct vb_specification {
    struct json_t *root;
    enum vb_select_kind kind;
    const char *select;       /* the id or the phone number; NULL for conversations and all */
    const char *channel_type; /* coarse, beside a phone number */
    bool same_person; /* the contact is everybody with its e-mail or phone: `match` identity */
    struct vb_words conversation_ids;
    struct {
        const char *channel_id, *channel_type, *assistant_id, *contact_id;
        struct vb_moment from, to;
        struct vb_words statuses, tags;
        bool completed_only, activity;
    } filter;
    const char *format; /* never NULL */
    const char *layout; /* NULL where the format has none */
    enum vb_files files;
    unsigned include;        /* enum vb_include */
    const char *csv_profile; /* NULL: the workspace's */
    /* NULL: the workspace's; in the stored form, where they were decided, a comma and minimal. */
    const char *delimiter, *csv_quote;
    enum vb_csv_mark csv_mark; /* byte_order_mark; not given: the profile's */
    const char *notification_email;
    int64_t link_ttl; /* microseconds; 0: the door's */
    /* The service's own. */
    struct vb_words audience;    /* items NULL: sees all */
    struct vb_words channel_ids; /* what filter.channel_type stood for when the job was created */
    struct vb_words contact_ids; /* everybody who is the selected contact */
};

/* Takes a JSON document apart; every broken rule is listed. No zone is needed: dates stay dates.
 * `ret_problems` is initialised and filled here, and always its owner's to be done with.
 * VB_INVALID: it lists something. VB_NO_MEMORY. */
enum vb_status vb_specification_parse(struct vb_view body,
                                      struct vb_specification *ret_specification,
                                      struct vb_problems *ret_problems) vb_must_check;
/* The same from a document that a door has built. Takes `root` over, also on failure. */
enum vb_status vb_specification_from(struct json_t *root,
                                     struct vb_specification *ret_specification,
                                     struct vb_problems *ret_problems) vb_must_check;
/* The stored form back, the service's own members included. VB_INVALID: not one of ours. */
enum vb_status vb_specification_read(struct vb_view stored,
                                     struct vb_specification *ret_specification,
                                     struct vb_error *err) vb_must_check;
/* The canonical form: the same value gives the same text. `stored`: with the service's own
 * members. */
enum vb_status vb_specification_write(const struct vb_specification *specification, bool stored,
                                      struct vb_buffer *out) vb_must_check;
void vb_specification_done(struct vb_specification *specification);

/* The service's own members, set after parsing: "audience", "channel_ids" or "contact_ids". `words`
 * is copied; an empty list means that nothing fits. */
enum vb_status vb_specification_limit(struct vb_specification *specification, const char *member,
                                      struct vb_words words) vb_must_check;

/* Its range of instants as of a moment, half open: an end that is not given lies at the year 1 and
 * just after as_of. VB_INVALID: the end is not after the start, which a date beside an instant
 * shows only here. */
enum vb_status vb_specification_range(const struct vb_specification *specification,
                                      struct vb_zone *zone, vb_instant as_of, vb_instant *ret_from,
                                      vb_instant *ret_to) vb_must_check;
/* Before anything is looked up. False: the range ends before it begins, which a date beside an
 * instant shows only here, or begins after `now`; *ret_member (from or to of the filter) and
 * *ret_message (both static) say so. */
bool vb_specification_judge_range(const struct vb_specification *specification,
                                  struct vb_zone *zone, vb_instant now, const char **ret_member,
                                  const char **ret_message) vb_must_check;

/* Its part of a selection: ids, lists and flags, borrowed. What was resolved beyond that (the
 * channel of a phone number, the range, the moment) is the caller's to add. */
void vb_specification_select(const struct vb_specification *specification,
                             struct vb_selection *selection);

/* Of its CSV files, where the stored form says nothing else: a comma, minimal. */
char vb_specification_delimiter(const struct vb_specification *specification);
enum vb_csv_quote vb_specification_quote(const struct vb_specification *specification);

/* The formats that may be asked for, in the order in which they are told; NULL behind the last. */
const char *vb_specification_format(size_t place);
/* The renderer of its format and layout; never NULL for one that was parsed. */
const struct vb_renderer *vb_specification_renderer(const struct vb_specification *specification);

#endif
