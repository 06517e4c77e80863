/* The file of logins for media: parsing and looking up. See media_credentials.h.
 *
 * One copy of the text is kept, with NULs put between its fields; entries point into it, so
 * there is one place to wipe. A login is sent in a header: what could end one is refused here.
 */
#include "media_credentials.h"

#include "verbatim/digits.h"
#include "verbatim/file_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FILE_CEILING (1024u * 1024u)

struct entry {
    const char *host; /* into the text, without a dot at the end */
    unsigned port;
    bool is_plain; /* http */
    struct vb_media_login login;
};

struct vb_media_credentials {
    struct vb_buffer text;
    struct entry *entries;
    size_t count;
};

/* Where the parser is, for its errors. */
struct place {
    const char *name;
    size_t line;
};

static enum vb_status refuse(const struct place *place, const char *rule, struct vb_error *err)
{
    return vb_fail(err, VB_INVALID, "%s, line %zu: %s", place->name, place->line, rule);
}

/* The text up to the next blank, ended by a NUL; *at moves behind the blanks. NULL: there is no
 * more, or nothing behind it. */
static char *take_word(char **at)
{
    char *word = *at;
    size_t length = strcspn(word, " \t");
    if (length == 0 || word[length] == '\0')
        return NULL;
    word[length] = '\0';
    *at = word + length + 1;
    *at += strspn(*at, " \t");
    return word;
}

/* Cuts ":PORT" off and puts it into *port. Colons of an address in brackets are its own. */
static bool take_port(char *host, unsigned *port)
{
    char *end = strrchr(host, ']'), *colon = strchr(end ? end : host, ':');
    int64_t number = 0;
    if (!colon)
        return true;
    if (vb_digits_whole(vb_view_of(colon + 1), &number) != VB_OK || number < 1 || number > 65535)
        return false;
    *colon = '\0';
    *port = (unsigned)number;
    return true;
}

/* Letters, digits, '.', '-', '_'; or an address in brackets. */
static bool is_host(const char *host)
{
    size_t length = strlen(host);
    if (*host == '[')
        return length > 3 && host[length - 1] == ']' &&
               strspn(host + 1, "0123456789abcdefABCDEF:.") == length - 2;
    return length > 0 && length <= 253 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               length;
}

static enum vb_status parse_host(char *host, struct entry *entry, const struct place *place,
                                 struct vb_error *err)
{
    entry->port = 443;
    if (strncasecmp(host, "https://", strlen("https://")) == 0) {
        host += strlen("https://");
    } else if (strncasecmp(host, "http://", strlen("http://")) == 0) {
        host += strlen("http://");
        entry->is_plain = true;
        entry->port = 80;
    }
    if (!take_port(host, &entry->port) || !is_host(host))
        return refuse(place, "must begin with HOST, HOST:PORT or http://HOST[:PORT]", err);
    size_t length = strlen(host);
    if (host[length - 1] == '.')
        host[length - 1] = '\0';
    entry->host = host;
    return VB_OK;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return true;
    return false;
}

/* RFC 6750, 2.1: the characters of a token. */
static bool is_token(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=|:";
    return *text && text[strspn(text, letters)] == '\0';
}

static enum vb_status parse_login(const char *method, char *secret, struct entry *entry,
                                  const struct place *place, struct vb_error *err)
{
    if (strcasecmp(method, "bearer") == 0) {
        entry->login.token = secret;
        return is_token(secret)
                   ? VB_OK
                   : refuse(place, "a token has letters, digits and -._~+/=|: alone", err);
    }
    if (strcasecmp(method, "basic") != 0)
        return refuse(place, "behind the host must stand basic or bearer", err);
    char *colon = strchr(secret, ':');
    if (!colon || colon == secret || has_control(secret))
        return refuse(place, "behind basic must stand USER:PASSWORD", err);
    *colon = '\0';
    entry->login.user = secret;
    entry->login.password = colon + 1;
    return VB_OK;
}

static bool is_same(const struct entry *entry, bool is_plain, const char *host, unsigned port)
{
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.')
        length--;
    return entry->is_plain == is_plain && entry->port == port && strlen(entry->host) == length &&
           strncasecmp(entry->host, host, length) == 0;
}

static const struct entry *find(const struct vb_media_credentials *credentials, bool is_plain,
                                const char *host, unsigned port)
{
    for (size_t i = 0; i < credentials->count; i++)
        if (is_same(&credentials->entries[i], is_plain, host, port))
            return &credentials->entries[i];
    return NULL;
}

static enum vb_status add_line(struct vb_media_credentials *credentials, char *line,
                               const struct place *place, struct vb_error *err)
{
    struct entry entry = {.host = NULL};
    char *host = take_word(&line), *method = host ? take_word(&line) : NULL;
    if (!method || *line == '\0')
        return refuse(place, "must be HOST[:PORT] basic USER:PASSWORD, or HOST[:PORT] bearer TOKEN",
                      err);
    enum vb_status status = parse_host(host, &entry, place, err);
    if (status == VB_OK)
        status = parse_login(method, line, &entry, place, err);
    if (status == VB_OK && find(credentials, entry.is_plain, entry.host, entry.port))
        status = refuse(place, "the host has a login already", err);
    if (status != VB_OK)
        return status;
    struct entry *entries =
        realloc(credentials->entries, (credentials->count + 1) * sizeof *entries);
    if (!entries)
        return vb_fail(err, VB_NO_MEMORY, "no memory for logins");
    credentials->entries = entries;
    entries[credentials->count++] = entry;
    return VB_OK;
}

/* Line by line in place. Windows' line ends and a byte order mark are passed over. */
static enum vb_status parse(struct vb_media_credentials *credentials, const char *name,
                            struct vb_error *err)
{
    struct place place = {.name = name};
    char *at = credentials->text.data, *end = at + credentials->text.length;
    enum vb_status status = VB_OK;
    if (credentials->text.length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (at < end && status == VB_OK) {
        char *newline = memchr(at, '\n', (size_t)(end - at)), *line_end = newline ? newline : end;
        char *line = at;
        at = line_end + 1;
        place.line++;
        if (memchr(line, '\0', (size_t)(line_end - line)))
            return refuse(&place, "must be text", err);
        if (line_end > line && line_end[-1] == '\r')
            line_end--;
        *line_end = '\0';
        line += strspn(line, " \t");
        if (*line && *line != '#')
            status = add_line(credentials, line, &place, err);
    }
    return status;
}

/* Of `text`, whose ownership passes, also on failure. */
static enum vb_status make(struct vb_buffer *text, const char *name,
                           struct vb_media_credentials **ret_credentials, struct vb_error *err)
{
    struct vb_media_credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials) {
        vb_buffer_done(text);
        return vb_fail(err, VB_NO_MEMORY, "no memory for logins");
    }
    credentials->text = *text;
    enum vb_status status = text->length > 0 ? parse(credentials, name, err) : VB_OK;
    if (status == VB_OK)
        *ret_credentials = credentials;
    else
        vb_media_credentials_free(credentials);
    return status;
}

enum vb_status vb_media_credentials_new(struct vb_view text, const char *name,
                                        struct vb_media_credentials **ret_credentials,
                                        struct vb_error *err)
{
    struct vb_buffer copy;
    vb_buffer_init_secret(&copy, FILE_CEILING);
    if (text.length > 0 && vb_buffer_append(&copy, text.data, text.length) != VB_OK) {
        vb_buffer_done(&copy);
        return vb_fail(err, VB_NO_MEMORY, "no memory for logins");
    }
    return make(&copy, name, ret_credentials, err);
}

/* The group may read it: that is how orchestrators hand secrets to a process that is not root. */
static enum vb_status check_mode(const char *path, struct vb_error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return vb_fail_system(err, vb_status_of_errno(errno), errno, "cannot open %s", path);
    if (facts.st_mode & (S_IRWXO | S_IWGRP))
        return vb_fail(err, VB_DENIED,
                       "%s: others may read or change it; its mode must be 0640 or less", path);
    return VB_OK;
}

enum vb_status vb_media_credentials_load(const char *path,
                                         struct vb_media_credentials **ret_credentials,
                                         struct vb_error *err)
{
    struct vb_buffer text;
    vb_buffer_init_secret(&text, FILE_CEILING);
    enum vb_status status = path ? check_mode(path, err) : VB_OK;
    if (status == VB_OK && path)
        status = vb_file_read(path, &text, err);
    if (status == VB_OK)
        return make(&text, path, ret_credentials, err);
    vb_buffer_done(&text);
    return status;
}

/* By their texts, which parsing has cut up in the same way. */
bool vb_media_credentials_same(const struct vb_media_credentials *a,
                               const struct vb_media_credentials *b)
{
    return a->text.length == b->text.length &&
           (a->text.length == 0 || memcmp(a->text.data, b->text.data, a->text.length) == 0);
}

void vb_media_credentials_free(struct vb_media_credentials *credentials)
{
    if (!credentials)
        return;
    vb_buffer_done(&credentials->text);
    free(credentials->entries);
    free(credentials);
}

bool vb_media_credentials_find(const struct vb_media_credentials *credentials, const char *scheme,
                               const char *host, unsigned port, struct vb_media_login *ret_login)
{
    const struct entry *entry = find(credentials, strcmp(scheme, "http") == 0, host, port);
    if (entry)
        *ret_login = entry->login;
    return entry != NULL;
}
