/* Values of options: numbers, words, and the forms of text. Pure; any thread.
 *
 * A check looks at the form and asks nobody: no name is resolved, no file opened, no server
 * connected. `serve` must start where its surroundings come up later; whether they are right is the
 * doctor's question.
 */
#include "options_table.h"
#include "rules/mail_address.h"
#include "rules/media_allow.h"
#include "rules/network.h"
#include "rules/origin.h"
#include "rules/quantity.h"
#include "smtp_url.h"
#include "verbatim/digits.h"
#include "verbatim/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* Switches are choices of two words. The position of the word is what is stored, so an option's
 * choices and its enum must be in one order. */
static enum vb_status store_choice(const struct vb_option *option, const char *text, void *member)
{
    static const char *const off_on[] = {"off", "on", NULL};
    const char *const *choices = option->choices ? option->choices : off_on;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) != 0)
            continue;
        if (!option->choices)
            *(bool *)member = i == 1;
        else
            *(int *)member = i; /* the enums start at 0 in the order of their words */
        return VB_OK;
    }
    return VB_INVALID;
}

_Static_assert(sizeof(enum vb_s3_addressing) == sizeof(int) &&
                   sizeof(enum vb_log_level) == sizeof(int),
               "an enum member is stored as int");

/* The check may tidy the copy, for instance take a trailing slash away. */
static enum vb_status store_text(const struct vb_option *option, const char *text, char **member)
{
    char *copy = strdup(text);
    if (!copy)
        return VB_NO_MEMORY;
    enum vb_status status = option->check && !option->check(copy) ? VB_INVALID : VB_OK;
    if (status == VB_OK && option->parse)
        status = option->parse(copy);
    if (status != VB_OK) {
        free(copy);
        return status;
    }
    free(*member);
    *member = copy;
    return VB_OK;
}

enum vb_status vb_option_store(const struct vb_option *option, const char *text,
                               struct vb_options *options)
{
    void *member = (char *)options + option->offset;
    const char *rest = "";
    int64_t value = 0;
    uint64_t size = 0;
    enum vb_status status = VB_INVALID;
    switch (option->kind) {
    case VB_OPTION_TEXT:
        return store_text(option, text, member);
    case VB_OPTION_CHOICE:
        return store_choice(option, text, member);
    case VB_OPTION_DURATION:
        status = vb_duration_parse(text, &value);
        break;
    case VB_OPTION_SIZE:
        status = vb_size_parse(text, &size);
        value = (int64_t)size;
        break;
    case VB_OPTION_NUMBER:
        status = vb_digits_parse(text, &value, &rest);
        break;
    }
    if (status != VB_OK || *rest || value < option->least || value > option->most)
        return VB_INVALID;
    /* Durations, sizes and numbers are all eight bytes. */
    memcpy(member, &value, sizeof value);
    return VB_OK;
}

/* Whether any of a list's items has an '@' that is not its first character, which names an abstract
 * socket. */
static bool has_at_inside(const char *list)
{
    for (const char *at = list; (at = strchr(at, '@')); at++)
        if (at != list && at[-1] != ',')
            return true;
    return false;
}

/* A password with an '@' or '/' that is not escaped makes libpq take parts of it for a host or a
 * port, which its messages tell. */
static bool is_misread(const PQconninfoOption *option)
{
    if (!option->val)
        return false;
    if (strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0)
        return has_at_inside(option->val);
    return strcmp(option->keyword, "port") == 0 &&
           option->val[strspn(option->val, "0123456789, ")] != '\0';
}

/* Only its form; whether the server is there is seen when it is used. */
enum vb_status vb_option_parse_connection(const char *text)
{
    char *words = NULL;
    PQconninfoOption *parsed = PQconninfoParse(text, &words);
    bool good = parsed != NULL;
    /* libpq has no code for it, and no words at all where even they found no memory. */
    bool is_short = !parsed && (!words || strstr(words, "out of memory"));
    for (const PQconninfoOption *option = parsed; good && option->keyword; option++)
        good = !is_misread(option);
    PQconninfoFree(parsed);
    PQfreemem(words);
    return is_short ? VB_NO_MEMORY : good ? VB_OK : VB_INVALID;
}

/* Secret files end in what editors leave; libpq would take a blank there for part of the database's
 * name. Blanks of a password are %20, or in quotes. */
bool vb_option_trim(char *text)
{
    struct vb_view rest = vb_view_trim(vb_view_of(text), " \t\r\n");
    memmove(text, rest.data, rest.length);
    text[rest.length] = '\0';
    return rest.length > 0;
}

/* PostgreSQL would cut a longer name without a word. */
bool vb_option_is_identifier(char *text)
{
    return strlen(text) <= 63;
}

/* The form alone: whether there is one of that name is asked when the source is there. */
bool vb_option_is_zone(char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-";
    return strlen(text) <= 64 && text[strspn(text, allowed)] == '\0';
}

/* An address, not a name: what is listened on must not depend on a resolver. IPv6 in brackets. */
bool vb_option_is_listen(char *text)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char binary[sizeof(struct in6_addr)];
    const char *colon = strrchr(text, ':'), *rest;
    int64_t port;
    if (!colon || vb_digits_parse(colon + 1, &port, &rest) != VB_OK || *rest || port < 1 ||
        port > 65535)
        return false;
    const char *start = text;
    size_t length = (size_t)(colon - text);
    int family = AF_INET;
    if (length > 2 && text[0] == '[' && colon[-1] == ']') {
        start++;
        length -= 2;
        family = AF_INET6;
    }
    if (length >= sizeof address)
        return false;
    memcpy(address, start, length);
    address[length] = '\0';
    return inet_pton(family, address, binary) == 1;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* HOST[:PORT] up to the end or a slash, without user, blanks or controls anywhere. */
static bool is_authority(const char *text)
{
    if (*text == '\0' || *text == '/' || *text == ':')
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F || strchr("@?#\\\"", *text))
            return false;
    return true;
}

/* So that paths can be put behind it with one. */
static void trim_slashes(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '/')
        text[--length] = '\0';
}

bool vb_option_is_web_address(char *text)
{
    size_t scheme = has_prefix(text, "http://") ? 7 : has_prefix(text, "https://") ? 8 : 0;
    if (scheme == 0 || !is_authority(text + scheme))
        return false;
    trim_slashes(text);
    return true;
}

/* Whether it is there is looked at when it is needed. */
bool vb_option_is_folder(char *text)
{
    return text[0] == '/' && vb_utf8_is_line(vb_view_of(text));
}

/* A prefix may hold anything; what a store makes of it, its own rules say. */
bool vb_option_is_storage(char *text)
{
    if (has_prefix(text, "file:///"))
        return true;
    if (!has_prefix(text, "s3://"))
        return false;
    const char *bucket = text + 5;
    size_t length = strcspn(bucket, "/");
    for (size_t i = 0; i < length; i++)
        if (!isascii(bucket[i]) ||
            (!isalnum((unsigned char)bucket[i]) && !strchr(".-_", bucket[i])))
            return false;
    trim_slashes(text);
    return length > 0;
}

static bool is_word(const char *text)
{
    for (; *text; text++)
        if (!isascii(*text) || (!isalnum((unsigned char)*text) && *text != '-' && *text != '_'))
            return false;
    return true;
}

/* It becomes part of a host name and of the signature's scope. */
bool vb_option_is_region(char *text)
{
    return is_word(text);
}

/* It becomes a header: ids, aliases and ARNs of AWS, names of other stores. */
bool vb_option_is_key_id(char *text)
{
    size_t length = strlen(text);
    bool good = length > 0 && length <= 2048;
    for (const char *at = text; *at && good; at++)
        good = isascii(*at) && (isalnum((unsigned char)*at) || strchr("-_.:/", *at));
    return good;
}

/* Labels of letters, digits and hyphens, joined by dots. */
bool vb_option_is_host(char *text)
{
    size_t length = strlen(text);
    bool good = length > 0 && length <= 253;
    for (const char *at = text; *at && good; at++)
        good = isascii(*at) && (isalnum((unsigned char)*at) || *at == '-' ||
                                (*at == '.' && at > text && at[-1] != '.' && at[1]));
    return good;
}

/* What RFC 6750 lets stand behind "Bearer"; short ones are guessed. */
bool vb_option_is_token(char *text)
{
    size_t length = strlen(text);
    bool good = length >= 16 && length <= 256;
    for (const char *at = text; *at && good; at++)
        good = isascii(*at) && (isalnum((unsigned char)*at) || strchr("-._~+/=", *at));
    return good;
}

enum vb_status vb_option_parse_smtp(const char *text)
{
    struct vb_smtp_url url;
    enum vb_status status = vb_smtp_url_parse(text, &url, NULL);
    if (status == VB_OK)
        vb_smtp_url_done(&url);
    return status;
}

bool vb_option_is_sender(char *text)
{
    struct vb_mail_sender sender;
    return vb_mail_sender_parse(text, &sender, NULL) == VB_OK;
}

enum vb_status vb_option_parse_origins(const char *text)
{
    struct vb_origins *origins = NULL;
    enum vb_status status = vb_origins_new(text, &origins, NULL);
    vb_origins_free(origins);
    return status;
}

enum vb_status vb_option_parse_networks(const char *text)
{
    struct vb_networks *networks = NULL;
    enum vb_status status = vb_networks_new(text, &networks, NULL);
    vb_networks_free(networks);
    return status;
}

enum vb_status vb_option_parse_media_allow(const char *text)
{
    struct vb_media_allow *allow = NULL;
    enum vb_status status = vb_media_allow_new(text, &allow, NULL);
    vb_media_allow_free(allow);
    return status;
}

/* Two digits each, 00:00 to 23:59: compared as text where digits sort as numbers. */
bool vb_option_is_time_of_day(char *text)
{
    if (strlen(text) != 5 || strspn(text, "0123456789") != 2 || text[2] != ':' ||
        strspn(text + 3, "0123456789") != 2)
        return false;
    return strncmp(text, "24", 2) < 0 && text[3] <= '5';
}

const char *vb_option_text(const struct vb_option *option, const struct vb_options *options)
{
    return *(char *const *)((const char *)options + option->offset);
}

bool vb_option_same(const struct vb_option *option, const struct vb_options *one,
                    const struct vb_options *other)
{
    const char *a = (const char *)one + option->offset, *b = (const char *)other + option->offset;
    switch (option->kind) {
    case VB_OPTION_TEXT: {
        const char *text = vb_option_text(option, one), *wish = vb_option_text(option, other);
        return text && wish ? strcmp(text, wish) == 0 : text == wish;
    }
    case VB_OPTION_CHOICE:
        return memcmp(a, b, option->choices ? sizeof(int) : sizeof(bool)) == 0;
    case VB_OPTION_DURATION:
    case VB_OPTION_SIZE:
    case VB_OPTION_NUMBER:
        break;
    }
    return memcmp(a, b, sizeof(int64_t)) == 0;
}
