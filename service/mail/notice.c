/* The words and the look of the mail that tells of a finished export: subject, plain text, HTML.
 * Pure.
 *
 * Names come from the platform's users, so each is flattened to one line, loses characters that
 * reorder text, and is escaped for HTML.
 *
 * Both forms are written from one list of rows, so they cannot tell different things. No picture,
 * no script, nothing from elsewhere, no link but the one: filters and readers treat such a mail
 * best, and nothing in it tells anybody that it was opened. The words are in English only.
 */
#include "mail.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_MOST 200 /* bytes of a name that are shown */
enum row_kind {
    ROW_SUBJECT,
    ROW_RANGE,
    ROW_CONVERSATIONS,
    ROW_MESSAGES,
    ROW_FILE,
    ROW_SIZE,
    ROW_INCOMPLETE,
    ROW_EXPIRY,
    ROWS_MOST
};

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

/* "1,234,567" */
static enum vb_status put_number(struct vb_buffer *out, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number < 0 ? 0 : number);
    enum vb_status status = VB_OK;
    for (int i = 0; i < length && status == VB_OK; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            status = vb_buffer_append_byte(out, ',');
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, digits[i]);
    }
    return status;
}

/* "12.3 MB (12,345,678 bytes)", decimal as in the download lists of browsers. */
static enum vb_status put_size(struct vb_buffer *out, int64_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    if (size < 1000)
        return vb_buffer_printf(out, "%" PRId64 " bytes", size);
    double value = (double)size / 1000;
    size_t unit = 0;
    for (; value >= 999.95 && unit < 3; unit++)
        value /= 1000;
    enum vb_status status = vb_buffer_printf(out, "%.1f %s (", value, units[unit]);
    if (status == VB_OK)
        status = put_number(out, size);
    return status == VB_OK ? vb_buffer_append_text(out, " bytes)") : status;
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

/* Days are those of a zone; the subject has no room for it. */
static enum vb_status put_range_in_zone(struct vb_buffer *out,
                                        const struct vb_export_notice *notice)
{
    enum vb_status status = put_range(out, notice);
    if (status != VB_OK || (!notice->start_date[0] && !notice->end_date[0]))
        return status;
    return vb_buffer_printf(out, " (%s)", notice->time_zone);
}

/* --- how it is opened --- */

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length > size && strcmp(name + length - size, end) == 0;
}

/* By the file's name, and by the format where that says what a ZIP holds; "" where we do not
 * know. */
static const char *opening_of(const struct vb_export_notice *notice)
{
    static const struct {
        const char *end, *format;
        const char *advice;
    } ways[] = {
        {".zip", "csv",
         "Unpack the archive first; the tables in it open in any spreadsheet program."},
        {".zip", "xlsx",
         "Unpack the archive first; the tables in it open in any spreadsheet program."},
        {".zip", "html",
         "Unpack the archive first; the pages in it open in a browser, also without a network."},
        {".zip", "pdf", "Unpack the archive first; the documents in it open in any PDF reader."},
        {".zip", "", "Unpack the archive first; the files in it are JSON, for programs."},
        {".csv", "", "It opens in any spreadsheet program. The text is UTF-8."},
        {".xlsx", "", "It opens in any spreadsheet program."},
        {".html", "", "It opens in a browser, also without a network."},
        {".pdf", "", "It opens in any PDF reader."},
        {".json", "", "It is JSON, for programs."},
        {".ndjson", "", "It is JSON, a conversation a line, for programs."},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (ends_in(notice->file_name, ways[i].end) &&
            (!ways[i].format[0] || strcmp(notice->format, ways[i].format) == 0))
            return ways[i].advice;
    return "";
}

static const char care[] = "Whoever has this link can fetch the file, so pass it on with care.";
static const char why[] =
    "You get this mail because your address was given when the export was started.";

/* --- rows --- */

/* A line of the mail; the label is ours and needs no escaping. */
struct row {
    const char *label;
    char value[6 * NAME_MOST + 64]; /* a bad byte becomes three */
};

static enum vb_status put_row(struct vb_buffer *out, enum row_kind kind,
                              const struct vb_export_notice *notice)
{
    switch (kind) {
    case ROW_SUBJECT:
        return put_channel(out, notice);
    case ROW_RANGE:
        return put_range_in_zone(out, notice);
    case ROW_CONVERSATIONS:
        return put_number(out, notice->conversations);
    case ROW_MESSAGES:
        return put_number(out, notice->messages);
    case ROW_FILE:
        return put_flat(out, notice->file_name);
    case ROW_SIZE:
        return put_size(out, notice->size);
    case ROW_INCOMPLETE:
        return vb_buffer_append_text(out, notice->incomplete ? notice->incomplete : "");
    case ROW_EXPIRY:
    case ROWS_MOST:
        break;
    }
    return put_expiry(out, notice);
}

/* What is told, once; both forms are written from it. A row without a value is left out there. */
static enum vb_status fill_rows(const struct vb_export_notice *notice, struct row rows[ROWS_MOST])
{
    static const char *const labels[ROWS_MOST] = {
        "Channel", "Range", "Conversations", "Messages",
        "File",    "Size",  "Please note",   "Link valid until"};
    enum vb_status status = VB_OK;
    struct vb_buffer text;
    vb_buffer_init(&text, sizeof rows[0].value - 1);
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++) {
        vb_buffer_reset(&text);
        rows[i].label = i == ROW_SUBJECT && notice->label ? notice->label : labels[i];
        status = put_row(&text, (enum row_kind)i, notice);
        if (status == VB_OK)
            memcpy(rows[i].value, text.data ? text.data : "", text.length + 1);
    }
    vb_buffer_done(&text);
    return status;
}

/* Rows of an export that was made by an earlier version have no file's name, and few a note. */
static bool is_told(const struct row rows[ROWS_MOST], int row)
{
    return (row != ROW_FILE && row != ROW_INCOMPLETE) || rows[row].value[0];
}

/* --- plain text --- */

static enum vb_status write_text(const struct row rows[ROWS_MOST],
                                 const struct vb_export_notice *notice, struct vb_buffer *out)
{
    const char *opening = opening_of(notice);
    enum vb_status status = vb_buffer_append_text(out, "Your export is ready.\n\n");
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++)
        if (is_told(rows, i))
            status = vb_buffer_printf(out, "%s: %s\n", rows[i].label, rows[i].value);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "\nDownload:\n%s\n\n%s%s%s\n\n%s\n", notice->link, opening,
                                  opening[0] ? "\n" : "", care, why);
    return status;
}

/* --- HTML --- */

/* Word draws mails in Outlook: so tables, padding on cells alone, hex colours, and every style
 * where it holds. Gmail knows no dark colours but inverts these; readers that ask for dark ones get
 * them by the classes. What is a table of facts is one for a screen reader, layout is not. */
#define FONT                                                                                       \
    "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
#define BOX "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" "

static const char html_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"supported-color-schemes\" content=\"light dark\">\n"
    "<title>Your export is ready</title>\n<style>\n"
    ":root { color-scheme: light dark; supported-color-schemes: light dark; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    ".ground { background-color: #12151a !important; }\n"
    ".card { background-color: #1a1f26 !important; border-color: #303843 !important; }\n"
    ".text { color: #e3e8ef !important; }\n"
    ".quiet { color: #9ba6b4 !important; }\n"
    ".line { border-color: #303843 !important; }\n"
    ".button { background-color: #82b4ff !important; }\n"
    ".label { color: #12151a !important; }\n"
    ".link { color: #82b4ff !important; }\n"
    "}\n</style>\n</head>\n"
    "<body class=\"ground\" style=\"margin:0;padding:0;background-color:#f6f7f9\">\n" BOX
    "width=\"100%\" class=\"ground\" style=\"background-color:#f6f7f9\">"
    "<tr><td align=\"center\" style=\"padding:32px 12px\">\n" BOX
    "width=\"560\" class=\"card\" style=\"width:100%;max-width:560px;background-color:#ffffff;"
    "border:1px solid #dfe3e8;border-radius:10px\">\n"
    "<tr><td align=\"left\" style=\"padding:28px 24px 20px;" FONT "\">\n"
    "<h1 class=\"text\" style=\"margin:0;font-size:22px;line-height:28px;font-weight:600;"
    "color:#1b2027\">Your export is ready</h1>\n</td></tr>\n"
    "<tr><td style=\"padding:0 24px\">\n"
    "<table width=\"100%\" cellpadding=\"4\" cellspacing=\"0\" border=\"0\">\n";

#define CELL "border-top:1px solid #dfe3e8;" FONT ";font-size:14px;line-height:20px"
static const char html_label[] =
    "<tr><th scope=\"row\" align=\"left\" valign=\"top\" class=\"quiet line\" "
    "style=\"padding:9px 16px 9px 0;color:#5b6573;font-weight:400;white-space:nowrap;" CELL "\">";
static const char html_value[] =
    "</th><td dir=\"auto\" valign=\"top\" width=\"100%\" class=\"text line\" style=\"padding:9px 0;"
    "color:#1b2027;word-break:break-word;overflow-wrap:anywhere;" CELL "\">";

static const char html_button[] =
    "</table>\n</td></tr>\n<tr><td align=\"left\" style=\"padding:24px 24px 0\">\n" BOX
    "><tr><td class=\"button\" bgcolor=\"#0a58ca\" style=\"background-color:#0a58ca;"
    "border-radius:6px;mso-padding-alt:12px 24px\"><a class=\"label\" href=\"";
static const char html_address[] =
    "\" style=\"display:inline-block;padding:12px 24px;color:#ffffff;" FONT
    ";font-size:16px;line-height:20px;font-weight:600;text-decoration:none\">Download the file</a>"
    "</td></tr></table>\n</td></tr>\n"
    "<tr><td align=\"left\" class=\"quiet\" style=\"padding:16px 24px 28px;color:#5b6573;" FONT
    ";font-size:14px;line-height:20px\">\n"
    "<p style=\"margin:0 0 16px\">Or open this address:<br><a class=\"link\" href=\"";
static const char html_shown[] = "\" style=\"color:#0a58ca;word-break:break-all\">";

static enum vb_status put_rows(const struct row rows[ROWS_MOST], struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (int i = 0; i < ROWS_MOST && status == VB_OK; i++) {
        if (!is_told(rows, i))
            continue;
        status = vb_buffer_printf(out, "%s%s%s", html_label, rows[i].label, html_value);
        if (status == VB_OK)
            status = vb_markup_escape(out, rows[i].value);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "</td></tr>\n");
    }
    return status;
}

/* Three times: behind the button, and behind its own text for who cannot see that. */
static enum vb_status put_link(const char *link, struct vb_buffer *out)
{
    static const char *const before[] = {html_button, html_address, html_shown};
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < 3 && status == VB_OK; i++) {
        status = vb_buffer_append_text(out, before[i]);
        if (status == VB_OK)
            status = vb_markup_escape(out, link);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</a></p>\n") : status;
}

static enum vb_status write_html(const struct row rows[ROWS_MOST],
                                 const struct vb_export_notice *notice, struct vb_buffer *out)
{
    const char *opening = opening_of(notice);
    enum vb_status status = vb_buffer_append_text(out, html_head);
    if (status == VB_OK)
        status = put_rows(rows, out);
    if (status == VB_OK)
        status = put_link(notice->link, out);
    if (status == VB_OK)
        status = vb_buffer_printf(out,
                                  "<p style=\"margin:0 0 8px\">%s%s%s</p>\n"
                                  "<p style=\"margin:0;font-size:13px\">%s</p>\n"
                                  "</td></tr></table>\n</td></tr></table>\n</body>\n</html>\n",
                                  opening, opening[0] ? " " : "", care, why);
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
        status = write_text(rows, notice, text);
    if (status == VB_OK)
        status = write_html(rows, notice, html);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the mail cannot be written");
}
