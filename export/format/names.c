/* Names of entries and of the archive: put together, cut to length, numbered; see names.h.
 *
 * The channel's side of every entry is made once. Contact and channel share what the time and
 * the extension leave of the longest name; each may keep half, and what the other one does not
 * need. The length counts twice, in bytes for file systems and in UTF-16 code units for Windows. */
#include "verbatim/names.h"

#include "file_name.h"
#include "name_numbers.h"
#include "verbatim/digits.h"
#include "verbatim/hash.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More of a text than could ever be used, so that it is known to be too long. */
#define SIDE_CEILING (VB_NAME_BYTES + 8u)
#define TIME_TEXT 64u
#define TAIL_TEXT 48u

/* Buffers are kept from name to name: an export makes one for each conversation. */
struct vb_namer {
    struct vb_zone *zone;
    char extension[16];
    struct vb_buffer channel, contact;
    struct vb_buffer raw; /* what `channel` was made of: name and phone number */
    size_t raw_name;      /* bytes of the name in it */
    int64_t second;       /* the one that `numbers` is about */
    struct vb_name_numbers numbers;
};

static struct vb_view view_of_buffer(const struct vb_buffer *buffer)
{
    return (struct vb_view){buffer->data, buffer->length};
}

/* `name (phone)`, `name`, the phone alone, or Unknown. Longer than SIDE_CEILING is cut by the
 * buffer, which is no failure: the name is cut again when it is joined. */
static enum vb_status make_channel(struct vb_buffer *out, struct vb_channel channel)
{
    enum vb_status status = VB_OK;
    if (channel.name.length == 0)
        return vb_file_name_append(out, channel.phone_number.length > 0 ? channel.phone_number
                                                                        : VB_VIEW("Unknown"));
    status = vb_file_name_append(out, channel.name);
    if (status != VB_OK || channel.phone_number.length == 0)
        return status;
    const struct vb_view pieces[] = {VB_VIEW(" ("), channel.phone_number, VB_VIEW(")")};
    for (size_t i = 0; i < 3 && status == VB_OK; i++)
        status = vb_file_name_append(out, pieces[i]);
    return status;
}

/* Most conversations in a row are of one channel: its side is made again only where it differs. Two
 * raw texts joined cannot be mistaken for other two: raw_name says where the first one ends. */
static bool is_made_of(const struct vb_namer *namer, struct vb_channel channel)
{
    if (namer->raw.length == 0)
        return false;
    struct vb_view name = {namer->raw.data, namer->raw_name};
    struct vb_view phone = {name.data + name.length, namer->raw.length - name.length};
    return vb_view_equals(name, channel.name) && vb_view_equals(phone, channel.phone_number);
}

/* The channel's side for the names that follow; `raw` remembers what it was made of. */
static enum vb_status take_channel(struct vb_namer *namer, struct vb_channel channel,
                                   struct vb_error *err)
{
    if (is_made_of(namer, channel))
        return VB_OK;
    vb_buffer_reset(&namer->channel);
    vb_buffer_reset(&namer->raw);
    enum vb_status status = make_channel(&namer->channel, channel);
    if (status == VB_INVALID)
        return vb_fail(err, VB_SOURCE, "the channel's name is not valid UTF-8");
    /* Names longer than the ceiling are made anew each time: that is all. */
    if (status == VB_OK && channel.name.length + channel.phone_number.length < SIDE_CEILING) {
        status = vb_buffer_append(&namer->raw, channel.name.data, channel.name.length);
        if (status == VB_OK)
            status = vb_buffer_append(&namer->raw, channel.phone_number.data,
                                      channel.phone_number.length);
        namer->raw_name = channel.name.length;
    }
    return status == VB_OK ? status : vb_fail(err, status, "no memory for names");
}

enum vb_status vb_namer_new(struct vb_zone *zone, struct vb_channel channel, const char *extension,
                            struct vb_namer **ret_namer, struct vb_error *err)
{
    struct vb_namer *namer = calloc(1, sizeof *namer);
    if (!namer)
        return vb_fail(err, VB_NO_MEMORY, "no memory for names");
    namer->zone = zone;
    namer->second = INT64_MIN;
    vb_buffer_init(&namer->channel, SIDE_CEILING);
    vb_buffer_init(&namer->contact, SIDE_CEILING);
    vb_buffer_init(&namer->raw, SIDE_CEILING);
    int length = snprintf(namer->extension, sizeof namer->extension, "%s", extension);
    enum vb_status status = take_channel(namer, channel, err);
    if (status == VB_OK && (length < 0 || (size_t)length >= sizeof namer->extension))
        status = vb_fail(err, VB_INVALID, "file name extension \"%s\" is too long", extension);
    if (status != VB_OK) {
        vb_namer_free(namer);
        return status;
    }
    *ret_namer = namer;
    return VB_OK;
}

void vb_namer_free(struct vb_namer *namer)
{
    if (!namer)
        return;
    vb_buffer_done(&namer->channel);
    vb_buffer_done(&namer->contact);
    vb_buffer_done(&namer->raw);
    vb_name_numbers_done(&namer->numbers);
    free(namer);
}

/* The first text that has a letter or digit, from there on; "Unknown" where none has. A name of
 * emoji alone so gives way to the phone number. */
static struct vb_view choose_text(const struct vb_view texts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t skip = vb_file_name_skip(texts[i]);
        if (skip < texts[i].length)
            return (struct vb_view){texts[i].data + skip, texts[i].length - skip};
    }
    return VB_VIEW("Unknown");
}

/* Only a dot can make the whole name a device's: without it the base goes on with what follows. */
static enum vb_status mend(struct vb_buffer *name)
{
    if (name->length == 0 || !memchr(name->data, '.', name->length))
        return VB_OK;
    name->length = vb_utf8_cut(view_of_buffer(name), VB_NAME_BYTES); /* room for one byte more */
    return vb_file_name_mend_device(name);
}

/* The contact is called by its name, else its phone, else its e-mail. */
static enum vb_status make_contact(struct vb_buffer *out, const struct vb_conversation *c)
{
    const struct vb_view texts[] = {c->contact_name, c->contact_phone, c->contact_email};
    vb_buffer_reset(out);
    enum vb_status status = vb_file_name_append(out, choose_text(texts, 3));
    return status == VB_OK ? mend(out) : status;
}

static char *put_text(char *to, struct vb_view text)
{
    memcpy(to, text.data, text.length);
    return to + text.length;
}

/* "--2026-04-08_032443--", with the offset where the local time occurs twice: else two
 * conversations an hour apart would have one time. No colons, which Windows refuses. */
static size_t make_time(struct vb_zone *zone, vb_instant at, char text[TIME_TEXT])
{
    int offset = vb_zone_offset(zone, at);
    struct vb_civil c = vb_civil_of(at, offset);
    unsigned distance = (unsigned)abs(offset);
    char *to = put_text(text, VB_VIEW("--"));
    to = vb_digits_put_two(vb_digits_put_two(to, (unsigned)c.date.year / 100),
                           (unsigned)c.date.year);
    *to++ = '-';
    to = vb_digits_put_two(to, (unsigned)c.date.month);
    *to++ = '-';
    to = vb_digits_put_two(to, (unsigned)c.date.day);
    *to++ = '_';
    to = vb_digits_put_two(to, (unsigned)c.hour);
    to = vb_digits_put_two(to, (unsigned)c.minute);
    to = vb_digits_put_two(to, (unsigned)c.second);
    if (vb_zone_is_ambiguous(zone, at)) {
        *to++ = offset < 0 ? '-' : '+';
        to = vb_digits_put_two(vb_digits_put_two(to, distance / 3600), distance / 60 % 60);
    }
    to = put_text(to, VB_VIEW("--"));
    return (size_t)(to - text);
}

/* Cuts both so that their lengths sum up to `budget` at most, counted in bytes or in UTF-16 code
 * units. Each may have half, and what the other one leaves of its own. */
static void share(struct vb_view *contact, struct vb_view *channel, size_t budget, bool in_bytes)
{
    size_t half = budget / 2, none = SIZE_MAX;
    size_t of_channel = in_bytes ? channel->length : vb_file_name_units(*channel);
    size_t for_contact = of_channel < half ? budget - of_channel : budget - half;
    contact->length =
        vb_file_name_cut(*contact, in_bytes ? for_contact : none, in_bytes ? none : for_contact);
    size_t rest = budget - (in_bytes ? contact->length : vb_file_name_units(*contact));
    channel->length = vb_file_name_cut(*channel, in_bytes ? rest : none, in_bytes ? none : rest);
}

/* Joins the pieces to at most `most` bytes and returns the length. `time` and `tail` are ASCII
 * and stay whole: they tell conversations apart, so the texts that people wrote give way. */
static size_t join(struct vb_view contact, struct vb_view time, struct vb_view channel,
                   struct vb_view tail, size_t most, char name[VB_NAME_BYTES + 1])
{
    size_t fixed = time.length + tail.length, length = 0;
    share(&contact, &channel, VB_NAME_CHARACTERS - fixed, false);
    share(&contact, &channel, most - fixed, true);
    const struct vb_view pieces[] = {contact, time, channel, tail};
    for (size_t i = 0; i < 4; i++) {
        memcpy(name + length, pieces[i].data, pieces[i].length);
        length += pieces[i].length;
    }
    name[length] = '\0';
    return length;
}

/* The name with ` (number)` before the extension; number 1 has none unless it `always` shows. The
 * number is part of what stays whole. */
static size_t put_name(const struct vb_namer *namer, struct vb_view time, uint32_t number,
                       bool always, char name[VB_NAME_BYTES + 1])
{
    char numbered[TAIL_TEXT];
    const char *tail = namer->extension;
    if (number > 1 || always) {
        snprintf(numbered, sizeof numbered, " (%u)%s", number, namer->extension);
        tail = numbered;
    }
    return join(view_of_buffer(&namer->contact), time, view_of_buffer(&namer->channel),
                vb_view_of(tail), VB_NAME_BYTES, name);
}

/* Raises the number until the whole name is free: a cut name with a number may meet another. It
 * ends, since every number is another name and at most 4,096 share a second. */
static enum vb_status put_free_name(struct vb_namer *namer, struct vb_view time,
                                    char name[VB_NAME_BYTES + 1])
{
    uint32_t number = 1, uses = 0;
    size_t length = put_name(namer, time, number, false, name);
    enum vb_status status =
        vb_name_numbers_next(&namer->numbers, (struct vb_view){name, length}, &number);
    if (status != VB_OK || number == 1)
        return status;
    for (;; number++) {
        length = put_name(namer, time, number, false, name);
        status = vb_name_numbers_next(&namer->numbers, (struct vb_view){name, length}, &uses);
        if (status != VB_OK || uses == 1)
            return status;
    }
}

/* Three ways, by how many share the second. One alone needs no number. A crowd beyond VB_CROWD
 * shows each one's place in it, which needs no memory and is the same from wherever a segment
 * begins. In between, equal names are numbered in order, which is why a run has to begin with the
 * second. */
enum vb_status vb_namer_entry(struct vb_namer *namer, const struct vb_conversation *conversation,
                              char ret_name[VB_NAME_BYTES + 1], struct vb_error *err)
{
    char text[TIME_TEXT];
    vb_instant at = conversation->created_at;
    int64_t second = at / VB_SECOND - (at % VB_SECOND < 0);
    enum vb_status status = VB_OK;
    if (conversation->channel.id.data)
        status = take_channel(namer, conversation->channel, err);
    if (status != VB_OK)
        return status;
    status = make_contact(&namer->contact, conversation);
    if (status == VB_INVALID)
        return vb_fail(err, VB_SOURCE, "conversation %.*s: the contact's name is not valid UTF-8",
                       (int)conversation->id.length, conversation->id.data);
    if (status != VB_OK)
        return vb_fail(err, status, "no memory for a name");
    struct vb_view time = {text, make_time(namer->zone, at, text)};
    if (conversation->count_in_second > VB_CROWD)
        put_name(namer, time, conversation->ordinal_in_second, true, ret_name);
    else if (conversation->count_in_second <= 1)
        put_name(namer, time, 1, false, ret_name);
    else {
        if (second != namer->second)
            vb_name_numbers_reset(&namer->numbers);
        namer->second = second;
        if (put_free_name(namer, time, ret_name) != VB_OK)
            return vb_fail(err, VB_NO_MEMORY, "no memory for a name");
    }
    return VB_OK;
}

struct vb_view vb_channel_title(struct vb_channel channel)
{
    return channel.name.length > 0 ? channel.name : channel.phone_number;
}

/* The tail is never cut. */
static enum vb_status name_after(struct vb_view what, struct vb_view tail,
                                 char ret_name[VB_NAME_BYTES + 1], struct vb_error *err)
{
    struct vb_buffer word;
    vb_buffer_init(&word, SIDE_CEILING);
    enum vb_status status = vb_file_name_append_word(&word, choose_text(&what, 1));
    if (status == VB_OK)
        status = mend(&word);
    if (status == VB_OK)
        join(view_of_buffer(&word), VB_VIEW(""), VB_VIEW(""), tail, VB_ARCHIVE_NAME_BYTES,
             ret_name);
    vb_buffer_done(&word);
    if (status == VB_INVALID)
        return vb_fail(err, VB_SOURCE, "what the archive is named after is not valid UTF-8");
    return status == VB_OK ? status : vb_fail(err, status, "no memory for the archive's name");
}

/* The id makes names of archives differ where everything else is alike. */
enum vb_status vb_archive_name(struct vb_view what, struct vb_date month, const char *job_id,
                               const char *extension, char ret_name[VB_NAME_BYTES + 1],
                               struct vb_error *err)
{
    char tail[TAIL_TEXT];
    unsigned char id[4];
    if (strlen(job_id) < 8 || vb_hex_decode((struct vb_view){job_id, 8}, id, sizeof id) != VB_OK)
        return vb_fail(err, VB_INVALID, "job id \"%.40s\" is no UUID", job_id);
    int length = snprintf(tail, sizeof tail, "_%04d-%02d_%.8s%.15s", month.year, month.month,
                          job_id, extension);
    return name_after(what, (struct vb_view){tail, (size_t)length}, ret_name, err);
}

/* In UTC: no two moments of a day that is an hour longer have one name. */
enum vb_status vb_dated_name(struct vb_view what, vb_instant at, const char *extension,
                             char ret_name[VB_NAME_BYTES + 1], struct vb_error *err)
{
    char tail[TAIL_TEXT];
    struct vb_civil civil = vb_civil_of(at, 0);
    int length = snprintf(tail, sizeof tail, "_%04d%02d%02dT%02d%02d%02dZ%.15s", civil.date.year,
                          civil.date.month, civil.date.day, civil.hour, civil.minute, civil.second,
                          extension);
    return name_after(what, (struct vb_view){tail, (size_t)length}, ret_name, err);
}

/* Five digits at least, so that a listing sorts; past 99,999 files names grow and still differ. */
void vb_chunk_name(uint64_t number, const char *extension, char ret_name[VB_NAME_BYTES + 1])
{
    snprintf(ret_name, VB_NAME_BYTES + 1, "conversations-%05llu%.15s", (unsigned long long)number,
             extension);
}
