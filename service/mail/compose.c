/* A mail as bytes: headers (RFC 5322, encoded words of RFC 2047) and two quoted-printable bodies
 * (RFC 2045, 2046).
 *
 * Pure: the boundary comes from the Message-ID, so the same mail is the same bytes. Every value
 * that stands in a header is either checked (addresses), ours, or encoded, so nobody can add a
 * header.
 *
 * Quoted-printable and not base64, so that the text can be read in a mailbox's source and filters
 * see it; lines stay below 76 bytes whatever the text, and nothing needs 8BITMIME or SMTPUTF8 of
 * the relay. The plain text comes first and the HTML last, as multipart/alternative wants it:
 * readers show the last one that they can.
 */
#include "mail.h"
#include "verbatim/hash.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>

#define LINE_MOST 76     /* RFC 2045, 6.7: of quoted-printable */
#define WORD_BYTES 39    /* 52 base64 characters: an encoded word stays below its 75 */
#define BOUNDARY_TEXT 48 /* "=_" cannot occur in quoted-printable */
#define SUBJECT_MOST 300

static bool plain_character(unsigned char c)
{
    return c > 0x20 && c < 0x7F && c != '=';
}

/* One octet of quoted-printable behind `*column` others; breaks the line softly before it would be
 * too long. */
static enum vb_status put_octet(struct vb_buffer *out, size_t *column, unsigned char c,
                                bool literal)
{
    size_t width = literal ? 1 : 3;
    enum vb_status status = VB_OK;
    if (*column + width > LINE_MOST - 1) { /* room for the "=" of the soft break */
        status = vb_buffer_append_text(out, "=\r\n");
        *column = 0;
    }
    *column += width;
    if (status != VB_OK)
        return status;
    return literal ? vb_buffer_append_byte(out, (char)c) : vb_buffer_printf(out, "=%02X", c);
}

/* Line feeds become CR LF. A blank at the end of a line is escaped (relays strip it), so is a dot
 * or an F at its start (SMTP doubles the one, mailboxes quote the "From " of the other), and a
 * hyphen, which could begin a boundary. */
static enum vb_status put_quoted_printable(struct vb_buffer *out, struct vb_view text)
{
    size_t column = 0;
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < text.length && status == VB_OK; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\n') {
            status = vb_buffer_append_text(out, "\r\n");
            column = 0;
            continue;
        }
        bool at_end = i + 1 == text.length || text.data[i + 1] == '\n';
        bool literal = plain_character(c) || (c == ' ' && !at_end);
        if ((column == 0 || column + 1 > LINE_MOST - 1) && (c == '.' || c == 'F' || c == '-'))
            literal = false;
        status = put_octet(out, &column, c, literal);
    }
    return status;
}

/* RFC 4648, section 4, with its padding: an encoded word must be whole by itself. */
static enum vb_status put_base64(struct vb_buffer *out, const unsigned char *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < length && status == VB_OK; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        left > 1 ? digits[bits >> 6 & 63] : '=',
                        left > 2 ? digits[bits & 63] : '='};
        status = vb_buffer_append(out, four, sizeof four);
    }
    return status;
}

/* Controls, among them CR and LF, as blanks; bad UTF-8 as U+FFFD. */
static enum vb_status clean_text(struct vb_buffer *out, struct vb_view text)
{
    enum vb_status status = VB_OK;
    while (text.length > 0 && status == VB_OK) {
        uint32_t c = vb_utf8_next(&text);
        status = vb_utf8_append(out, c < 0x20 || (c >= 0x7F && c < 0xA0) ? ' ' : c);
    }
    return status;
}

/* Unstructured text as encoded words, cut at characters, one a line. Always encoded: simple, and
 * safe. RFC 2047, section 5: a word may not be cut inside a character, since each is decoded
 * alone. */
static enum vb_status put_words(struct vb_buffer *out, const char *text)
{
    struct vb_buffer clean;
    vb_buffer_init(&clean, 4096);
    struct vb_view rest = vb_view_of(text);
    rest.length = vb_utf8_cut(rest, SUBJECT_MOST);
    enum vb_status status = clean_text(&clean, rest);
    rest = (struct vb_view){clean.data ? clean.data : "", clean.length};
    for (bool first = true; status == VB_OK && rest.length > 0; first = false) {
        size_t length = vb_utf8_cut(rest, WORD_BYTES);
        status = vb_buffer_append_text(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        if (status == VB_OK)
            status = put_base64(out, (const unsigned char *)rest.data, length);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "?=");
        rest.data += length;
        rest.length -= length;
    }
    vb_buffer_done(&clean);
    return status;
}

/* "Tue, 28 Jul 2026 09:05:07 +0000" */
static enum vb_status put_date(struct vb_buffer *out, vb_instant date)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun",
                                   "Mon", "Tue", "Wed"}; /* from 1970-01-01 */
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct vb_civil c = vb_civil_of(date, 0);
    int64_t day = vb_date_to_days(c.date) % 7;
    return vb_buffer_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n",
                            days[day < 0 ? day + 7 : day], c.date.day, months[c.date.month - 1],
                            c.date.year, c.hour, c.minute, c.second);
}

/* The address was checked when the options were read (vb_option_is_sender). */
static enum vb_status put_sender(struct vb_buffer *out, const struct vb_mail_sender *sender)
{
    if (!sender->name[0])
        return vb_buffer_printf(out, "From: %s\r\n", sender->address);
    enum vb_status status = vb_buffer_append_text(out, "From: ");
    if (status == VB_OK)
        status = put_words(out, sender->name);
    return status == VB_OK ? vb_buffer_printf(out, " <%s>\r\n", sender->address) : status;
}

static enum vb_status put_headers(const struct vb_mail *mail, const char *boundary,
                                  struct vb_buffer *out)
{
    enum vb_status status = put_date(out, mail->date);
    if (status == VB_OK)
        status = put_sender(out, mail->sender);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "To: %s\r\nMessage-ID: <%s>\r\nSubject: ", mail->recipient,
                                  mail->message_id);
    if (status == VB_OK)
        status = put_words(out, mail->subject);
    if (status == VB_OK) /* Auto-Submitted (RFC 3834) keeps vacation answers away */
        status =
            vb_buffer_printf(out,
                             "\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
                             "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n",
                             boundary);
    return status;
}

static enum vb_status put_part(struct vb_buffer *out, const char *boundary, const char *type,
                               struct vb_view body)
{
    enum vb_status status = vb_buffer_printf(out,
                                             "--%s\r\nContent-Type: %s; charset=utf-8\r\n"
                                             "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                                             boundary, type);
    if (status == VB_OK)
        status = put_quoted_printable(out, body);
    return status == VB_OK ? vb_buffer_append_text(out, "\r\n") : status;
}

/* It stands between angle brackets in a header; RFC 5322's line may have 998 bytes. */
static bool id_valid(const char *id)
{
    for (const char *c = id; *c; c++)
        if (*c <= 0x20 || *c == 0x7F || *c == '<' || *c == '>')
            return false;
    return id[0] != '\0' && strlen(id) < 500;
}

/* Not all or nothing: a part may stand in `out` after a failure. */
enum vb_status vb_mail_compose(const struct vb_mail *mail, struct vb_buffer *out,
                               struct vb_error *err)
{
    char hex[VB_SHA256_HEX], boundary[BOUNDARY_TEXT];
    if (!vb_mail_recipient_valid(vb_view_of(mail->recipient), mail->sender->address))
        return vb_fail(err, VB_INVALID, "the recipient is no mail address");
    if (!id_valid(mail->message_id))
        return vb_fail(err, VB_INVALID, "the message id is malformed");
    vb_sha256_hex(mail->message_id, strlen(mail->message_id), hex);
    snprintf(boundary, sizeof boundary, "=_%.32s", hex);
    enum vb_status status = put_headers(mail, boundary, out);
    if (status == VB_OK)
        status = put_part(out, boundary, "text/plain", mail->text);
    if (status == VB_OK)
        status = put_part(out, boundary, "text/html", mail->html);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "--%s--\r\n", boundary);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the mail cannot be composed");
}
