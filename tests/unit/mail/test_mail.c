/* The bytes of a mail: no value can add a header or a part, no line is too long, the same mail is
 * the same bytes. That readers get back what went in is shown with Python's parser in
 * tests/end_to_end/test_mail.py. */
#include "mail/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct vb_mail_sender sender = {"export@example.com", "Verbatim"};

static struct vb_mail mail_of(const char *subject, const char *text, const char *html)
{
    return (struct vb_mail){.sender = &sender,
                            .recipient = "agent@example.com",
                            .message_id = "79f13adf@example.com",
                            .date = INT64_C(1785229507) * VB_SECOND,
                            .subject = subject,
                            .text = vb_view_of(text),
                            .html = vb_view_of(html)};
}

static char *composed(const struct vb_mail *mail)
{
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_mail_compose(mail, &out, NULL), VB_OK);
    assert_int_equal(strlen(out.data), out.length);
    return vb_buffer_take(&out);
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        found++;
    return found;
}

static void assert_well_formed(const char *message)
{
    size_t column = 0;
    for (const char *c = message; *c; c++) {
        assert_true((unsigned char)*c < 0x80);
        if (*c == '\n') {
            assert_true(c > message && c[-1] == '\r');
            column = 0;
        } else if (*c == '\r') {
            assert_int_equal(c[1], '\n');
        } else {
            assert_false(column == 0 && *c == '.');
            column++;
            assert_true(column <= 998);
        }
    }
}

static void the_parts_are_in_their_places(void **state)
{
    (void)state;
    struct vb_mail mail = mail_of("Hello", "one\ntwo \n", "<p>one</p>\n");
    char *message = composed(&mail);
    assert_well_formed(message);
    assert_non_null(strstr(message, "Date: Tue, 28 Jul 2026 09:05:07 +0000\r\n"));
    assert_non_null(strstr(message, "\r\nFrom: =?UTF-8?B?VmVyYmF0aW0=?= <export@example.com>\r\n"));
    assert_non_null(strstr(message, "\r\nTo: agent@example.com\r\n"));
    assert_non_null(strstr(message, "\r\nMessage-ID: <79f13adf@example.com>\r\n"));
    assert_non_null(strstr(message, "\r\nSubject: =?UTF-8?B?SGVsbG8=?=\r\n"));
    assert_non_null(strstr(message, "\r\n\r\none\r\ntwo=20\r\n"));
    assert_non_null(strstr(message, "\r\n\r\n<p>one</p>\r\n"));
    char *again = composed(&mail);
    assert_string_equal(message, again);
    free(message);
    free(again);
}

static void quoted_printable_lines_stay_short(void **state)
{
    (void)state;
    char text[4001];
    for (size_t length = 60; length < 4000; length += 37) {
        memset(text, "a.=F \xC3-"[length % 7], length);
        text[length] = '\0';
        struct vb_mail mail = mail_of("s", text, text);
        char *message = composed(&mail);
        assert_well_formed(message);
        for (const char *line = strstr(message, "\r\n\r\n"); line; line = strstr(line, "\r\n")) {
            line += 2;
            assert_true(strcspn(line, "\r") <= 76);
        }
        free(message);
    }
}

static void values_add_no_headers_and_no_parts(void **state)
{
    (void)state;
    static const char hostile[] =
        "x\r\nBcc: evil@example.com\r\n\r\n--=_\r\nContent-Type: text/html\n.\n\x01";
    struct vb_mail plain = mail_of("x", "x", "x"), bad = mail_of(hostile, hostile, hostile);
    char *message = composed(&plain), *attacked = composed(&bad);
    assert_well_formed(attacked);
    const char *head = strstr(attacked, "\r\n\r\n");
    assert_null(memmem(attacked, (size_t)(head - attacked), "Bcc", 3));
    assert_int_equal(count(attacked, "--=_"), count(message, "--=_"));
    free(message);
    free(attacked);
}

static void long_subjects_are_cut_at_characters(void **state)
{
    (void)state;
    char subject[1000];
    size_t length = 0;
    while (length + 4 < sizeof subject) {
        memcpy(subject + length, "\xF0\x9F\x98\x80", 4);
        length += 4;
    }
    subject[length] = '\0';
    struct vb_mail mail = mail_of(subject, "x", "x");
    char *message = composed(&mail);
    const char *words = strstr(message, "Subject: ");
    const char *end = strstr(words, "\r\nMIME-Version");
    size_t found = 0;
    for (const char *word = strstr(words, "=?UTF-8?B?"); word && word < end; found++) {
        size_t size = (size_t)(strstr(word, "?=") + 2 - word);
        assert_true(size <= 75);
        /* 36 bytes, nine whole characters, make 48 of base64 without padding. */
        assert_true(found == 8 || size == 10 + 48 + 2);
        word = strstr(word + 1, "=?UTF-8?B?");
    }
    assert_true(found >= 8);
    free(message);
}

static void bad_addresses_and_ids_are_refused(void **state)
{
    (void)state;
    struct vb_buffer out;
    vb_buffer_init(&out, 1u << 20);
    struct vb_mail mail = mail_of("s", "t", "h");
    mail.recipient = "agent@example.com\r\nBcc: evil@example.com";
    assert_int_equal(vb_mail_compose(&mail, &out, NULL), VB_INVALID);
    mail = mail_of("s", "t", "h");
    mail.message_id = "a>\r\nBcc: evil@example.com";
    assert_int_equal(vb_mail_compose(&mail, &out, NULL), VB_INVALID);
    mail = mail_of("s", "t", "h");
    vb_buffer_done(&out);
    vb_buffer_init(&out, 100);
    assert_int_equal(vb_mail_compose(&mail, &out, NULL), VB_LIMIT);
    vb_buffer_done(&out);
}

static struct vb_export_notice notice_of(const char *channel, int64_t size)
{
    return (struct vb_export_notice){.channel = channel,
                                     .phone = "",
                                     .start_date = "2026-06-01",
                                     .end_date = "2026-06-10",
                                     .size = size,
                                     .file_name = "a.zip",
                                     .format = "csv",
                                     .link = "https://h/d/k?a=1&b=2",
                                     .link_expires_at = INT64_C(1785229507) * VB_SECOND,
                                     .time_zone = "Asia/Kathmandu",
                                     .offset_seconds = 20700};
}

static void assert_told(const struct vb_export_notice *notice, const char *in_text,
                        const char *in_html)
{
    struct vb_buffer subject, text, html;
    vb_buffer_init(&subject, 2048);
    vb_buffer_init(&text, 65536);
    vb_buffer_init(&html, 65536);
    assert_int_equal(vb_export_notice_write(notice, &subject, &text, &html, NULL), VB_OK);
    if (!strstr(text.data, in_text))
        fail_msg("'%s' is not in:\n%s", in_text, text.data);
    if (!strstr(html.data, in_html))
        fail_msg("'%s' is not in:\n%s", in_html, html.data);
    vb_buffer_done(&subject);
    vb_buffer_done(&text);
    vb_buffer_done(&html);
}

static void a_notice_tells_size_and_expiry(void **state)
{
    (void)state;
    static const struct {
        int64_t size;
        const char *text;
    } sizes[] = {
        {0, "Size: 0 bytes\n"},
        {999, "Size: 999 bytes\n"},
        {1000, "Size: 1.0 kB (1,000 bytes)\n"},
        {999949, "Size: 999.9 kB (999,949 bytes)\n"},
        {999950, "Size: 1.0 MB (999,950 bytes)\n"},
        {INT64_C(5000000000000000), "Size: 5000.0 TB (5,000,000,000,000,000 bytes)\n"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct vb_export_notice notice = notice_of("c", sizes[i].size);
        assert_told(&notice, sizes[i].text, "bytes");
    }
    struct vb_export_notice notice = notice_of("c", 1);
    assert_told(&notice,
                "Link valid until: 2026-07-28 14:50 Asia/Kathmandu (2026-07-28 09:05 UTC)\n",
                "href=\"https://h/d/k?a=1&amp;b=2\"");
    notice.time_zone = "UTC";
    notice.offset_seconds = 0;
    assert_told(&notice, "Link valid until: 2026-07-28 09:05 UTC\n", "09:05 UTC<");
}

/* An export of a person, or of everything, has no channel and may have open ends. */
static void a_notice_of_no_channel(void **state)
{
    (void)state;
    struct vb_export_notice notice = notice_of("Jane", 1);
    notice.label = "Conversations of";
    notice.end_date = "";
    assert_told(&notice, "Conversations of: Jane\nRange: from 2026-06-01 (Asia/Kathmandu)\n",
                ">Conversations of<");
    notice.start_date = "";
    assert_told(&notice, "Range: all dates\n", ">all dates<");
    notice.end_date = "2026-06-10";
    assert_told(&notice, "Range: up to 2026-06-10 (Asia/Kathmandu)\n",
                ">up to 2026-06-10 (Asia/Kathmandu)<");
    notice.channel = "";
    assert_told(&notice, "Conversations of: \n", "></td>");
}

static void a_notice_tells_how_its_file_is_opened(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format, *advice;
    } files[] = {
        {"a.zip", "csv", "Unpack the archive first; the tables in it open in any spreadsheet"},
        {"a.zip", "ndjson", "Unpack the archive first; the files in it are JSON, for programs."},
        {"a.zip", "html", "the pages in it open in a browser, also without a network."},
        {"a.b.html", "html", "It opens in a browser, also without a network."},
        {"a.pdf", "pdf", "It opens in any PDF reader."},
        {"a.csv", "csv", "It opens in any spreadsheet program. The text is UTF-8."},
        {".zip", "csv", "Whoever has this link"},
        {"", "csv", "Whoever has this link"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct vb_export_notice notice = notice_of("c", 1);
        notice.file_name = files[i].name;
        notice.format = files[i].format;
        assert_told(&notice, files[i].advice, files[i].advice);
    }
}

static void a_notice_escapes_names(void **state)
{
    (void)state;
    char longest[5000];
    struct vb_export_notice notice = notice_of("<b>&\"'\r\n\xE2\x80\xAEx\xFF", 1);
    assert_told(&notice, "Channel: <b>&\"'  x\xEF\xBF\xBD\n",
                "&lt;b&gt;&amp;&quot;&#39;  x\xEF\xBF\xBD<");
    memset(longest, '\'', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    notice = notice_of(longest, 1);
    notice.phone = longest + 1;
    assert_told(&notice, "Channel: ''''", "&#39;&#39;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_in_their_places),
        cmocka_unit_test(quoted_printable_lines_stay_short),
        cmocka_unit_test(values_add_no_headers_and_no_parts),
        cmocka_unit_test(long_subjects_are_cut_at_characters),
        cmocka_unit_test(bad_addresses_and_ids_are_refused),
        cmocka_unit_test(a_notice_tells_size_and_expiry),
        cmocka_unit_test(a_notice_of_no_channel),
        cmocka_unit_test(a_notice_tells_how_its_file_is_opened),
        cmocka_unit_test(a_notice_escapes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
