/* See smtp.h. What matters after a failure is who can cure it, and whether the message may have
 * arrived: until the server has the message's end it has not; from then on only its answer tells.
 */
#include "smtp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MOST (30 * VB_SECOND) /* of TCP alone */
#define QUIT_MOST (2 * VB_SECOND)     /* for the farewell, of which nothing hangs */
/* Answers to a mail's commands are about so many, none of which comes later than its patience. */
#define ANSWERS_MOST 12
#define URL_MOST 1024u /* a host of 255 bytes twice, scheme and port */
#define GRACE                                                                                      \
    (5 * VB_SECOND) /* for a message that is under way when the process is asked to stop */

/* Lines end in CR LF and need no more: libcurl doubles the dots. */
static size_t give(char *to, size_t size, size_t count, void *context)
{
    struct vb_smtp *delivery = context;
    size_t length = size * count;
    if (length > delivery->rest.length)
        length = delivery->rest.length;
    memcpy(to, delivery->rest.data, length);
    delivery->rest.data += length;
    delivery->rest.length -= length;
    delivery->since = vb_clock_monotonic();
    /* libcurl ends the message without asking again. */
    if (delivery->rest.length == 0)
        atomic_store(delivery->handed_over, true);
    return length;
}

static void note_command(struct vb_smtp *delivery, const char *data, size_t length)
{
    size_t verb = 0; /* libcurl's commands end in CR LF */
    while (verb < length && verb < sizeof delivery->verb - 1 && data[verb] > ' ')
        verb++;
    delivery->since = vb_clock_monotonic();
    delivery->quit = delivery->quit || (verb == 4 && memcmp(data, "QUIT", 4) == 0);
    if (!delivery->quit)
        snprintf(delivery->verb, sizeof delivery->verb, "%.*s", (int)verb, data);
    /* What was offered in the clear counts no more once the channel is encrypted. */
    if (strcmp(delivery->verb, "EHLO") == 0)
        delivery->offers_login = false;
}

static void note_answer(struct vb_smtp *delivery, const char *data, size_t length)
{
    while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
        length--;
    delivery->since = vb_clock_monotonic();
    snprintf(delivery->words, sizeof delivery->words, "%.*s", (int)length, data);
    const char *words = delivery->words;
    if (strcmp(delivery->verb, "STARTTLS") == 0 && strncmp(words, "220", 3) == 0)
        delivery->encrypted = true;
    if (strcmp(delivery->verb, "EHLO") == 0 && strlen(words) > 8 &&
        strncasecmp(words + 4, "AUTH", 4) == 0)
        delivery->offers_login = true;
    if (delivery->handed_over && strtol(words, NULL, 10) >= 400)
        atomic_store(delivery->handed_over, false);
}

/* libcurl's trace. What the server says behind QUIT is not about the mail and is not kept. */
static int note(CURL *curl, curl_infotype type, char *data, size_t length, void *context)
{
    (void)curl;
    struct vb_smtp *delivery = context;
    if (type == CURLINFO_HEADER_OUT)
        note_command(delivery, data, length);
    else if (type == CURLINFO_HEADER_IN && !delivery->quit)
        note_answer(delivery, data, length);
    return 0;
}

static bool is_connected(const struct vb_smtp *delivery)
{
    curl_off_t connected = 0;
    return delivery->words[0] != '\0' ||
           (curl_easy_getinfo(delivery->curl, CURLINFO_CONNECT_TIME_T, &connected) == CURLE_OK &&
            connected > 0);
}

/* For what is waited for now. */
static int64_t patience(const struct vb_smtp *delivery)
{
    if (delivery->quit)
        return QUIT_MOST;
    if (!is_connected(delivery) && delivery->server->patience > CONNECT_MOST)
        return CONNECT_MOST;
    return vb_smtp_is_handed_over(delivery) ? 2 * delivery->server->patience
                                            : delivery->server->patience;
}

/* Asked to stop: at once before the message, after a grace within it, since a message that is cut
 * off may have arrived and would come twice. Called about once a second while libcurl waits. */
static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    struct vb_smtp *delivery = context;
    const struct vb_mail_server *server = delivery->server;
    int64_t now = vb_clock_monotonic();
    delivery->late = now - delivery->since > patience(delivery);
    if (delivery->late)
        return 1;
    if (!server->stop || !server->stop(server->stop_context))
        return 0;
    if (strcmp(delivery->verb, "DATA") != 0)
        return 1;
    if (delivery->stop_seen == 0)
        delivery->stop_seen = now;
    return now - delivery->stop_seen > GRACE;
}

/* NULL leaves the option as libcurl has it. */
void vb_smtp_set_text(struct vb_smtp_setting *setting, CURLoption option, const char *value)
{
    if (setting->code == CURLE_OK && value)
        setting->code = curl_easy_setopt(setting->curl, option, value);
}

void vb_smtp_set_number(struct vb_smtp_setting *setting, CURLoption option, long value)
{
    if (setting->code == CURLE_OK)
        setting->code = curl_easy_setopt(setting->curl, option, value);
}

static void set_callbacks(struct vb_smtp_setting *setting, struct vb_smtp *delivery)
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
static void set_address(struct vb_smtp_setting *setting, const struct vb_mail_server *server)
{
    char url[URL_MOST];
    int length = snprintf(url, sizeof url, "%s/%s", server->url, server->helo);
    if (length < 0 || (size_t)length >= sizeof url)
        setting->code = CURLE_URL_MALFORMAT;
    vb_smtp_set_text(setting, CURLOPT_URL, url);
}

/* SSL_CERT_FILE is what every program that uses OpenSSL goes by. */
static void set_encryption(struct vb_smtp_setting *setting, const struct vb_mail_server *server)
{
    static const long uses[] = {[VB_SMTP_TLS_OFF] = CURLUSESSL_NONE,
                                [VB_SMTP_TLS_TRY] = CURLUSESSL_TRY,
                                [VB_SMTP_TLS_REQUIRE] = CURLUSESSL_ALL};
    bool verify = server->tls == VB_SMTP_TLS_REQUIRE || strncmp(server->url, "smtps:", 6) == 0;
    vb_smtp_set_text(setting, CURLOPT_CAINFO,
                     server->ca_file ? server->ca_file : getenv("SSL_CERT_FILE"));
    vb_smtp_set_number(setting, CURLOPT_USE_SSL, uses[server->tls]);
    vb_smtp_set_number(setting, CURLOPT_SSL_VERIFYPEER, verify ? 1 : 0);
    vb_smtp_set_number(setting, CURLOPT_SSL_VERIFYHOST, verify ? 2 : 0);
    vb_smtp_set_number(setting, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
}

CURLcode vb_smtp_set_up(CURL *curl, struct vb_smtp *delivery)
{
    const struct vb_mail_server *server = delivery->server;
    struct vb_smtp_setting setting = {curl, CURLE_OK};
    long answer = (long)(server->patience / VB_SECOND);
    delivery->curl = curl;
    delivery->since = vb_clock_monotonic();
    set_address(&setting, server);
    vb_smtp_set_text(&setting, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    vb_smtp_set_text(&setting, CURLOPT_USERNAME, server->user);
    vb_smtp_set_text(&setting, CURLOPT_PASSWORD, server->password);
    set_encryption(&setting, server);
    /* Behind our own limits, should those not be asked for. */
    vb_smtp_set_number(&setting, CURLOPT_CONNECTTIMEOUT, ANSWERS_MOST * answer);
    vb_smtp_set_number(&setting, CURLOPT_SERVER_RESPONSE_TIMEOUT, 2 * answer + 5);
    vb_smtp_set_number(&setting, CURLOPT_TIMEOUT, ANSWERS_MOST * answer + 5);
    vb_smtp_set_number(&setting, CURLOPT_NOSIGNAL, 1);
    vb_smtp_set_number(&setting, CURLOPT_NOPROGRESS, 0);
    vb_smtp_set_number(&setting, CURLOPT_VERBOSE, 1); /* to our own function, which logs nothing */
    set_callbacks(&setting, delivery);
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

/* What of it was late, for people. */
static enum vb_status fail_late(const struct vb_smtp *delivery, struct vb_error *err)
{
    const char *to = delivery->verb[0]        ? delivery->verb
                     : is_connected(delivery) ? "the greeting"
                                              : "the connection";
    return vb_fail(err, VB_NETWORK, "the mail server: no answer to %s within %lld s",
                   vb_smtp_is_handed_over(delivery) ? "the message" : to,
                   (long long)(patience(delivery) / VB_SECOND));
}

static enum vb_status fail_otherwise(CURLcode code, const struct vb_smtp *delivery,
                                     struct vb_error *err)
{
    long answer = strtol(delivery->words, NULL, 10);
    vb_fail(err, VB_NETWORK, "the mail server: %s%s%s",
            delivery->reason[0] ? delivery->reason : curl_easy_strerror(code),
            answer >= 400 ? ": " : "", answer >= 400 ? delivery->words : "");
    if (err)
        err->system_code = (int)code;
    return VB_NETWORK;
}

/* Only an answer about the recipient is final; a refused login, sender, greeting or TLS is the
 * operator's to cure, and the mail waits for it. */
enum vb_status vb_smtp_judge(CURLcode code, const struct vb_smtp *delivery, struct vb_error *err)
{
    if (code == CURLE_OK)
        return VB_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return delivery->late ? fail_late(delivery, err) : vb_fail(err, VB_STOPPED, "stopped");
    bool at_recipient = strcmp(delivery->verb, "RCPT") == 0;
    bool about_mail = at_recipient || strcmp(delivery->verb, "DATA") == 0;
    bool refused =
        code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_RECV_ERROR;
    if (about_mail && refused && is_about_recipient(delivery->words, at_recipient))
        return vb_fail(err, VB_INVALID, "the mail server refuses: %s", delivery->words);
    return fail_otherwise(code, delivery, err);
}
