/* Words for people; see phrase.h. In English, whatever the texts around them are in. */
#include "phrase.h"

#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>

void vb_phrase_add(struct vb_phrase *phrase, struct vb_view text)
{
    size_t room = sizeof phrase->text - phrase->length;
    size_t taken = vb_utf8_cut(text, room);
    if (taken > 0)
        memcpy(phrase->text + phrase->length, text.data, taken);
    phrase->length += taken;
}

void vb_phrase_join(struct vb_phrase *phrase, const char *between, struct vb_view text)
{
    if (text.length == 0)
        return;
    if (phrase->length > 0)
        vb_phrase_add(phrase, vb_view_of(between));
    vb_phrase_add(phrase, text);
}

struct vb_view vb_phrase_view(const struct vb_phrase *phrase)
{
    return (struct vb_view){phrase->text, phrase->length};
}

void vb_phrase_add_offset(struct vb_phrase *phrase, int offset)
{
    char text[32];
    unsigned distance = offset < 0 ? 0u - (unsigned)offset : (unsigned)offset;
    (void)snprintf(text, sizeof text, "UTC%c%02u:%02u", offset < 0 ? '-' : '+', distance / 3600,
                   distance / 60 % 60);
    vb_phrase_add(phrase, vb_view_of(text));
}

void vb_phrase_add_date(struct vb_phrase *phrase, struct vb_date date)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    char text[48];
    (void)snprintf(text, sizeof text, "%d %s %d", date.day, months[date.month - 1], date.year);
    vb_phrase_add(phrase, vb_view_of(text));
}

void vb_phrase_add_clock(struct vb_phrase *phrase, struct vb_civil civil)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%02d:%02d:%02d", civil.hour, civil.minute, civil.second);
    vb_phrase_add(phrase, vb_view_of(text));
}

void vb_phrase_add_moment(struct vb_phrase *phrase, struct vb_zone *zone, vb_instant at)
{
    int offset = vb_zone_offset(zone, at);
    struct vb_civil civil = vb_civil_of(at, offset);
    vb_phrase_add_date(phrase, civil.date);
    vb_phrase_add(phrase, VB_VIEW(", "));
    vb_phrase_add_clock(phrase, civil);
    vb_phrase_add(phrase, VB_VIEW(" "));
    vb_phrase_add_offset(phrase, offset);
}

void vb_phrase_add_list(struct vb_phrase *phrase, struct vb_text_list list)
{
    struct vb_view element;
    while (vb_text_list_next(&list, &element))
        vb_phrase_join(phrase, ", ", element);
}
