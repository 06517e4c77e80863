/* The words of the mail that tells of a finished export: subject, plain text, HTML. Pure.
 *
 * Names come from the platform's users, so each is flattened to one line, loses characters that
 * reorder text, and is escaped for HTML.
 *
 * Both forms are written from one list of rows, so they cannot tell different things. No picture,
 * no style sheet, no link but the one: filters and readers treat such a mail best, and nothing in
 * it tells anybody that it was opened. The words are in English only.
 */
#include "mail.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_MOST 200 /* bytes of a name that are shown */
#define ROWS_MOST 6

/* Controls become blanks; marks and embeddings that change the direction of what follows go
 * (CVE-2021-42574). What is not UTF-8 becomes U+FFFD. */
static enum vb_status put_flat(struct vb_buffer *out, const char *text)
{
    struct vb_view rest = vb_view_of(text);
    enum vb_status status = VB_OK;
    rest.length = vb_utf8_cut(rest, NAME_MOST);
    while (rest.length > 0 && status == VB_OK) {
        uint32_t c = vb_utf8_next(&rest);
        bool turns = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E ||
                     c == 0x200F || c == 0x061C;
        bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
        if (!turns)
            status = vb_utf8_append(out, control ? ' ' : c);
    }
    return status;
}

/* "12.3 MB (12345678 bytes)", decimal as in the download lists of browsers. */
static enum vb_status put_size(struct vb_buffer *out, int64_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    if (size < 1000)
        return vb_buffer_printf(out, "%" PRId64 " bytes", size);
    double value = (double)size / 1000;
    size_t unit = 0;
    for (; value >= 999.95 && unit < 3; unit++)
        value /= 1000;
    return vb_buffer_printf(out, "%.1f %s (%" PRId64 " bytes)", value, units[unit], size);
}

/* No seconds: the last minute of a link is nobody's plan. */
static enum vb_status put_minute(struct vb_buffer *out, vb_instant instant, int offset)
{
    struct vb_civil c = vb_civil_of(instant, offset);
    return vb_buffer_printf(out, "%04d-%02d-%02d %02d:%02d", c.date.year, c.date.month, c.date.day,
                            c.hour, c.minute);
}

/* "2026-06-12 08:50 Europe/Paris (2026-06-12 06:50 UTC)". Both, since the reader of a mail may be
 * in a third zone. */
static enum vb_status put_expiry(struct vb_buffer *out, const struct vb_export_notice *notice)
{
    bool utc = strcmp(notice->time_zone, "UTC") == 0;
    enum vb_status status = put_minute(out, notice->link_expires_at, notice->offset_seconds);
    if (status == VB_OK)
        status = vb_buffer_printf(out, " %s", notice->time_zone);
    if (status != VB_OK || utc)
        return status;
    status = vb_buffer_append_text(out, " (");
    if (status == VB_OK)
        status = put_minute(out, notice->link_expires_at, 0);
    return status == VB_OK ? vb_buffer_append_text(out, " UTC)") : status;
}

/* "SMS Support (+12025550123)". A number that stands in the name's place is not said twice. */
static enum vb_status put_channel(struct vb_buffer *out, const struct vb_export_notice *notice)
{
    enum vb_status status = put_flat(out, notice->channel);
    if (status != VB_OK || !notice->phone[0] || strcmp(notice->phone, notice->channel) == 0)
        return status;
    status = vb_buffer_append_text(out, " (");
    if (status == VB_OK)
        status = put_flat(out, notice->phone);
    return status == VB_OK ? vb_buffer_append_text(out, ")") : status;
}

/* Open ends are said, not left empty. */
static enum vb_status put_range(struct vb_buffer *out, const struct vb_export_notice *notice)
{
    if (!notice->start_date[0] && !notice->end_date[0])
        return vb_buffer_append_text(out, "all dates");
    if (!notice->start_date[0])
        return vb_buffer_printf(out, "up to %s", notice->end_date);
    if (!notice->end_date[0])
        return vb_buffer_printf(out, "from %s", notice->start_date);
    return vb_buffer_printf(out, "%s to %s", notice->start_date, notice->end_date);
}

/* A line of the mail; the label is ours and needs no escaping. */
struct row {
    const char *label;
    char value[6 * NAME_MOST + 64]; /* a bad byte becomes three */
};

/* What is told, once; both forms are written from it. */
static enum vb_status fill_rows(const struct vb_export_notice *notice, struct row rows[ROWS_MOST])
{
    static const char *const labels[ROWS_MOST] = {"Channel",  "Range", "Conversations",
                                                  "Messages", "Size",  "Link valid until"};
    enum vb_status status = VB_OK;
    struct vb_buffer text;
    vb_buffer_init(&text, sizeof rows[0].value - 1);
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++) {
        vb_buffer_reset(&text);
        rows[i].label = i == 0 && notice->label ? notice->label : labels[i];
        if (i == 0)
            status = put_channel(&text, notice);
        else if (i == 1)
            status = put_range(&text, notice);
        else if (i == 2)
            status = vb_buffer_printf(&text, "%" PRId64, notice->conversations);
        else if (i == 3)
            status = vb_buffer_printf(&text, "%" PRId64, notice->messages);
        else if (i == 4)
            status = put_size(&text, notice->size);
        else
            status = put_expiry(&text, notice);
        if (status == VB_OK)
            memcpy(rows[i].value, text.data ? text.data : "", text.length + 1);
    }
    vb_buffer_done(&text);
    return status;
}

static enum vb_status write_text(const struct row rows[ROWS_MOST], const char *link,
                                 struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_append_text(out, "Your export of conversations is ready.\n\n");
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++)
        status = vb_buffer_printf(out, "%s: %s\n", rows[i].label, rows[i].value);
    if (status == VB_OK)
        status = vb_buffer_printf(out,
                                  "\nDownload:\n%s\n\nWhoever has this link can read the archive, "
                                  "so pass it on with care.\n",
                                  link);
    return status;
}

static enum vb_status write_html(const struct row rows[ROWS_MOST], const char *link,
                                 struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<title>Export of conversations</title></head><body>\n"
             "<p>Your export of conversations is ready.</p>\n<table>\n");
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++) {
        status =
            vb_buffer_printf(out, "<tr><th align=\"left\">%s</th><td dir=\"auto\">", rows[i].label);
        if (status == VB_OK)
            status = vb_markup_escape(out, rows[i].value);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "</td></tr>\n");
    }
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "</table>\n<p><a href=\"");
    if (status == VB_OK)
        status = vb_markup_escape(out, link);
    if (status == VB_OK)
        status =
            vb_buffer_append_text(out, "\">Download the archive</a></p>\n"
                                       "<p>Whoever has this link can read the archive, so pass "
                                       "it on with care.</p>\n</body></html>\n");
    return status;
}

/* The subject's name is raw here: compose.c encodes it. */
enum vb_status vb_export_notice_write(const struct vb_export_notice *notice,
                                      struct vb_buffer *subject, struct vb_buffer *text,
                                      struct vb_buffer *html, struct vb_error *err)
{
    struct row rows[ROWS_MOST];
    enum vb_status status = fill_rows(notice, rows);
    if (status == VB_OK)
        status = vb_buffer_append_text(subject, "Your export is ready: ");
    if (status == VB_OK)
        status = put_flat(subject, notice->channel);
    if (status == VB_OK)
        status = vb_buffer_append_text(subject, ", ");
    if (status == VB_OK)
        status = put_range(subject, notice);
    if (status == VB_OK)
        status = write_text(rows, notice->link, text);
    if (status == VB_OK)
        status = write_html(rows, notice->link, html);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the mail cannot be written");
}
