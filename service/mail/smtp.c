/* One message to one recipient over SMTP (RFC 5321), by libcurl. Blocks; one connection a mail, so
 * nothing is kept.
 *
 * libcurl tells that a command failed but not which: the last command and the server's last words
 * are noted from its trace. Commands are never kept whole, since AUTH carries the password.
 *
 * The one question that matters after a failure is whether the message may have arrived. Before
 * DATA it has not; after it only the server knows, and a repetition with the same Message-ID is
 * what readers can recognize as the same mail. So a mail is sent again after any failure but a
 * final refusal.
 */
#include "mail.h"

#include "verbatim/renewed.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_SECONDS 10L
#define ANSWER_SECONDS 30L /* to each command */
/* A mail has some kilobytes; a server that takes longer is ill. */
#define WHOLE_SECONDS 90L
#define URL_MOST 1024u /* a host of 255 bytes twice, scheme and port */
#define GRACE                                                                                      \
    (5 * VB_SECOND) /* for a message that is under way when the process is asked to stop */

struct delivery {
    const struct vb_mail_server *server;
    struct vb_view rest;          /* of the message */
    char verb[12];                /* of the last command */
    char words[300];              /* the server's last line */
    char reason[CURL_ERROR_SIZE]; /* libcurl's own; "" for none */
    bool encrypted;
    bool quit;         /* what follows is libcurl's farewell */
    int64_t stop_seen; /* monotonic; 0: not asked yet */
};

/* Lines end in CR LF and need no more: libcurl doubles the dots. */
static size_t give(char *to, size_t size, size_t count, void *context)
{
    struct delivery *delivery = context;
    size_t length = size * count;
    if (length > delivery->rest.length)
        length = delivery->rest.length;
    memcpy(to, delivery->rest.data, length);
    delivery->rest.data += length;
    delivery->rest.length -= length;
    return length;
}

/* libcurl's trace. What the server says behind QUIT is not about the mail and is not kept. */
static int note(CURL *curl, curl_infotype type, char *data, size_t length, void *context)
{
    (void)curl;
    struct delivery *delivery = context;
    if (type == CURLINFO_HEADER_OUT) {
        size_t verb = 0; /* libcurl's commands end in CR LF */
        while (verb < length && verb < sizeof delivery->verb - 1 && data[verb] > ' ')
            verb++;
        delivery->quit = delivery->quit || (verb == 4 && memcmp(data, "QUIT", 4) == 0);
        if (!delivery->quit)
            snprintf(delivery->verb, sizeof delivery->verb, "%.*s", (int)verb, data);
    } else if (type == CURLINFO_HEADER_IN && !delivery->quit) {
        while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
            length--;
        snprintf(delivery->words, sizeof delivery->words, "%.*s", (int)length, data);
        if (strcmp(delivery->verb, "STARTTLS") == 0 && strncmp(delivery->words, "220", 3) == 0)
            delivery->encrypted = true;
    }
    return 0;
}

/* Asked to stop: at once before the message, after a grace within it, since a message that is cut
 * off may have arrived and would come twice. Called about once a second while libcurl waits. */
static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    struct delivery *delivery = context;
    const struct vb_mail_server *server = delivery->server;
    if (!server->stop || !server->stop(server->stop_context))
        return 0;
    if (strcmp(delivery->verb, "DATA") != 0)
        return 1;
    int64_t now = vb_clock_monotonic();
    if (delivery->stop_seen == 0)
        delivery->stop_seen = now;
    return now - delivery->stop_seen > GRACE;
}

struct setting {
    CURL *curl;
    CURLcode code; /* the first failure */
};

/* NULL leaves the option as libcurl has it. */
static void set_text(struct setting *setting, CURLoption option, const char *value)
{
    if (setting->code == CURLE_OK && value)
        setting->code = curl_easy_setopt(setting->curl, option, value);
}

static void set_number(struct setting *setting, CURLoption option, long value)
{
    if (setting->code == CURLE_OK)
        setting->code = curl_easy_setopt(setting->curl, option, value);
}

static void set_callbacks(struct setting *setting, struct delivery *delivery)
{
    CURL *curl = setting->curl;
    if (curl_easy_setopt(curl, CURLOPT_READFUNCTION, give) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_READDATA, delivery) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, note) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_DEBUGDATA, delivery) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, delivery->reason) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, delivery) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)delivery->rest.length) !=
            CURLE_OK)
        setting->code = CURLE_FAILED_INIT;
}

/* libcurl takes the URL's path for the name to greet with; without one it is the host's up to its
 * first dot, which many servers refuse. */
static void set_address(struct setting *setting, const struct vb_mail_server *server)
{
    char url[URL_MOST];
    int length = snprintf(url, sizeof url, "%s/%s", server->url, server->helo);
    if (length < 0 || (size_t)length >= sizeof url)
        setting->code = CURLE_URL_MALFORMAT;
    set_text(setting, CURLOPT_URL, url);
}

/* SSL_CERT_FILE is what every program that uses OpenSSL goes by. */
static void set_encryption(struct setting *setting, const struct vb_mail_server *server)
{
    static const long uses[] = {[VB_SMTP_TLS_OFF] = CURLUSESSL_NONE,
                                [VB_SMTP_TLS_TRY] = CURLUSESSL_TRY,
                                [VB_SMTP_TLS_REQUIRE] = CURLUSESSL_ALL};
    bool verify = server->tls == VB_SMTP_TLS_REQUIRE || strncmp(server->url, "smtps:", 6) == 0;
    set_text(setting, CURLOPT_CAINFO, server->ca_file ? server->ca_file : getenv("SSL_CERT_FILE"));
    set_number(setting, CURLOPT_USE_SSL, uses[server->tls]);
    set_number(setting, CURLOPT_SSL_VERIFYPEER, verify ? 1 : 0);
    set_number(setting, CURLOPT_SSL_VERIFYHOST, verify ? 2 : 0);
    set_number(setting, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
}

static CURLcode set_up_server(CURL *curl, struct delivery *delivery)
{
    const struct vb_mail_server *server = delivery->server;
    struct setting setting = {curl, CURLE_OK};
    set_address(&setting, server);
    set_text(&setting, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set_text(&setting, CURLOPT_USERNAME, server->user);
    set_text(&setting, CURLOPT_PASSWORD, server->password);
    set_encryption(&setting, server);
    set_number(&setting, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    set_number(&setting, CURLOPT_SERVER_RESPONSE_TIMEOUT, ANSWER_SECONDS);
    set_number(&setting, CURLOPT_TIMEOUT, WHOLE_SECONDS);
    set_number(&setting, CURLOPT_NOSIGNAL, 1);
    set_number(&setting, CURLOPT_NOPROGRESS, 0);
    set_number(&setting, CURLOPT_VERBOSE, 1); /* to our own function, which logs nothing */
    set_callbacks(&setting, delivery);
    return setting.code;
}

static CURLcode set_up(CURL *curl, struct delivery *delivery, const char *from,
                       struct curl_slist *recipients)
{
    struct setting setting = {curl, set_up_server(curl, delivery)};
    set_text(&setting, CURLOPT_MAIL_FROM, from);
    set_number(&setting, CURLOPT_UPLOAD, 1);
    if (setting.code == CURLE_OK)
        setting.code = curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    return setting.code;
}

/* Of a text that begins like "5.1.1": how many numbers there are, `most` at most. */
static size_t read_numbers(const char *text, long *numbers, size_t most)
{
    size_t count = 0;
    char *end = NULL;
    for (; count < most && isdigit((unsigned char)*text); text = end + 1) {
        numbers[count++] = strtol(text, &end, 10);
        if (*end != '.')
            break;
    }
    return count;
}

/* Of an answer such as "550 5.1.1 no such user". RFC 3463, sections 3.2 and 3.3: 5.1.x is about an
 * address and 5.2.x about a mailbox; 5.1.7 and 5.1.8 are about the sender's. Servers put off what
 * they have against greeting, sender or client until RCPT (smtpd_delay_reject of Postfix), so the
 * command alone tells nothing. */
static bool is_about_recipient(const char *words, bool at_recipient)
{
    char *rest = NULL;
    long answer = strtol(words, &rest, 10), code[3];
    if (answer < 500 || answer > 599)
        return false;
    if (read_numbers(rest + strspn(rest, " "), code, 3) == 3)
        return code[0] == 5 && (code[1] == 2 || (code[1] == 1 && code[2] != 7 && code[2] != 8));
    return at_recipient && (answer == 550 || answer == 551 || answer == 553);
}

/* Only an answer about the recipient is final; a refused login, sender, greeting or TLS is the
 * operator's to cure, and the mail waits for it. */
static enum vb_status judge(CURLcode code, const struct delivery *delivery, struct vb_error *err)
{
    long answer = strtol(delivery->words, NULL, 10);
    if (code == CURLE_OK)
        return VB_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return vb_fail(err, VB_STOPPED, "stopped");
    bool at_recipient = strcmp(delivery->verb, "RCPT") == 0;
    bool about_mail = at_recipient || strcmp(delivery->verb, "DATA") == 0;
    bool refused =
        code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_RECV_ERROR;
    if (about_mail && refused && is_about_recipient(delivery->words, at_recipient))
        return vb_fail(err, VB_INVALID, "the mail server refuses: %s", delivery->words);
    vb_fail(err, VB_NETWORK, "the mail server: %s%s%s",
            delivery->reason[0] ? delivery->reason : curl_easy_strerror(code),
            answer >= 400 ? ": " : "", answer >= 400 ? delivery->words : "");
    if (err)
        err->system_code = (int)code;
    return VB_NETWORK;
}

struct vb_mail_server vb_mail_server_of(const struct vb_options *options,
                                        const struct vb_mail_sender *sender)
{
    return (struct vb_mail_server){
        .url = options->smtp_url,
        .helo = options->smtp_helo ? options->smtp_helo : strchr(sender->address, '@') + 1,
        .user = options->smtp_user,
        .password = vb_renewed_text(options->smtp_password),
        .tls =
            options->smtp_require_tls ? VB_SMTP_TLS_REQUIRE : (enum vb_smtp_tls)options->smtp_tls,
        .ca_file = options->smtp_ca_file,
    };
}

enum vb_status vb_mail_deliver(const struct vb_mail_server *server, const char *from,
                               const char *recipient, struct vb_view message, struct vb_error *err)
{
    struct delivery delivery = {.server = server, .rest = message};
    if (!vb_mail_address_valid(vb_view_of(recipient)))
        return vb_fail(err, VB_INVALID, "the recipient is no mail address");
    CURL *curl = curl_easy_init();
    struct curl_slist *recipients = curl_slist_append(NULL, recipient);
    enum vb_status status;
    if (!curl || !recipients) {
        status = vb_fail(err, VB_NO_MEMORY, "no memory for a mail");
        goto done;
    }
    CURLcode code = set_up(curl, &delivery, from, recipients);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    status = judge(code, &delivery, err);
done:
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return status;
}

/* Without a message libcurl sends one command of our choice once it is logged in. */
enum vb_status vb_mail_check(const struct vb_mail_server *server, bool *ret_encrypted,
                             struct vb_error *err)
{
    struct delivery delivery = {.server = server};
    delivery.encrypted = strncmp(server->url, "smtps:", 6) == 0;
    CURL *curl = curl_easy_init();
    if (!curl)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the mail server");
    struct setting setting = {curl, set_up_server(curl, &delivery)};
    set_number(&setting, CURLOPT_NOBODY, 1);
    set_text(&setting, CURLOPT_CUSTOMREQUEST, "NOOP");
    if (setting.code == CURLE_OK)
        setting.code = curl_easy_perform(curl);
    enum vb_status status = judge(setting.code, &delivery, err);
    curl_easy_cleanup(curl);
    if (status == VB_OK)
        *ret_encrypted = delivery.encrypted;
    return status;
}
