/* The list of media_allow: parsing and matching. See media_allow.h.
 *
 * Addresses are compared as network.h has them, so that every notation and every embedding of an
 * address is one case.
 *
 * A name is asked twice: vb_media_allow_host before it is resolved, vb_media_allow_address for each
 * address that it leads to, at the moment of connecting. Only so does it help that a stranger's
 * name server may answer differently at each question. What the tables do not name as special
 * counts as public, for IPv4; for IPv6 only what is handed out does, since most of it is not.
 */
#include "media_allow.h"

#include "network.h"

#include "verbatim/digits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_MOST 253u /* of a name in DNS */

enum entry_kind { EVERY_HOST, HOST, BELOW_HOST, ADDRESS, OBJECTS };

struct entry {
    enum entry_kind kind;
    unsigned port; /* 0: the usual ones */
    struct vb_network network;
    char *name; /* host in lower case, or "BUCKET/PREFIX" */
};

/* In the order of the option's text; all of it is read for each question, and lists are short. */
struct vb_media_allow {
    struct entry *entries;
    size_t count;
};

static const unsigned char nat64[12] = {0x00, 0x64, 0xFF, 0x9B}; /* RFC 6052 */

/* From the registries of special-purpose addresses (RFC 6890, RFC 8190): this network, private
 * ones, carrier-grade NAT, loopback, link-local (where clouds keep their credentials), protocol
 * assignments, documentation, 6to4 relays, benchmarks, multicast, reserved. */
static const struct {
    unsigned char bytes[4];
    unsigned bits;
} not_public_4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};

/* Of IPv6 only 2000::/3 is handed out, and of that not these: IETF protocols with Teredo,
 * documentation, 6to4. */
static const struct vb_network not_public_6[] = {
    {{0x20, 0x01}, 23},
    {{0x20, 0x01, 0x0D, 0xB8}, 32},
    {{0x20, 0x02}, 16},
    {{0x3F, 0xFF}, 20},
};

static bool is_public_4(const unsigned char address[VB_ADDRESS])
{
    for (size_t i = 0; i < sizeof not_public_4 / sizeof *not_public_4; i++) {
        struct vb_network network = {.bits = VB_NETWORK_4 + not_public_4[i].bits};
        vb_address_of_4(not_public_4[i].bytes, network.bytes);
        if (vb_network_has(&network, address))
            return false;
    }
    return true;
}

static bool is_public(const unsigned char address[VB_ADDRESS])
{
    if (vb_address_is_4(address))
        return is_public_4(address);
    if ((address[0] & 0xE0) != 0x20)
        return false;
    for (size_t i = 0; i < sizeof not_public_6 / sizeof *not_public_6; i++)
        if (vb_network_has(&not_public_6[i], address))
            return false;
    return true;
}

/* What leads to an IPv4 address is that address. */
static void normalize(unsigned char address[VB_ADDRESS])
{
    static const unsigned char compatible[12] = {0};
    bool is_4 = memcmp(address, nat64, sizeof nat64) == 0 ||
                (memcmp(address, compatible, sizeof compatible) == 0 && address[12] != 0);
    if (is_4) {
        unsigned char four[4];
        memcpy(four, address + sizeof nat64, sizeof four);
        vb_address_of_4(four, address);
    }
}

static bool parse_address(const char *text, unsigned char ret_address[VB_ADDRESS])
{
    bool is_good = vb_address_read(text, ret_address);
    if (is_good)
        normalize(ret_address);
    return is_good;
}

/* Digits alone, from 0 to `most`. */
static bool parse_number(const char *text, unsigned most, unsigned *ret_number)
{
    int64_t number;
    if (vb_digits_whole(vb_view_of(text), &number) != VB_OK || number > most)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

/* Takes ":PORT" off the end of the text. An address of IPv6 has its colons in brackets. */
static bool take_port(char *text, unsigned *ret_port)
{
    char *bracket = strrchr(text, ']'), *colon = strrchr(bracket ? bracket : text, ':');
    *ret_port = 0;
    if (!colon)
        return true;
    *colon = '\0';
    return parse_number(colon + 1, 65535, ret_port) && *ret_port > 0;
}

/* ADDRESS[/BITS], the IPv6 one in brackets. False: no address; it may still be a name. */
static bool parse_network(char *text, struct vb_network *ret_network)
{
    bool is_bracketed = text[0] == '[';
    char *slash = strchr(text, '/'), *end = is_bracketed ? strchr(text, ']') : NULL;
    if (slash)
        *slash = '\0';
    if (is_bracketed && (!end || end[1]))
        return false;
    if (is_bracketed)
        *end = '\0';
    bool is_4 = !strchr(text, ':');
    if (is_4 == is_bracketed || !parse_address(text + is_bracketed, ret_network->bytes))
        return false;
    unsigned bits = is_4 ? 32 : 128, given = bits;
    if (slash && !parse_number(slash + 1, bits, &given))
        return false;
    ret_network->bits = given + 128 - bits;
    return true;
}

/* An underscore is no letter of host names, but names with one are resolved and used. */
static bool is_name(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > HOST_MOST || text[0] == '.' || strstr(text, ".."))
        return false;
    for (; *text; text++)
        if (!isascii(*text) || (!isalnum((unsigned char)*text) && !strchr("-_.", *text)))
            return false;
    return true;
}

static void lower(char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    if (length > 1 && text[length - 1] == '.')
        text[length - 1] = '\0';
}

/* A host, a network or a wildcard; `text` is consumed. */
static enum vb_status parse_host(char *text, struct entry *entry)
{
    bool has_slash = strchr(text, '/') != NULL;
    if (strcmp(text, "*") == 0) {
        entry->kind = EVERY_HOST;
        return VB_OK;
    }
    if (!take_port(text, &entry->port))
        return VB_INVALID;
    entry->kind = ADDRESS;
    if (parse_network(text, &entry->network))
        return VB_OK;
    entry->kind = strncmp(text, "*.", 2) == 0 ? BELOW_HOST : HOST;
    char *name = text + (entry->kind == BELOW_HOST ? 2 : 0);
    if (has_slash || !is_name(name))
        return VB_INVALID;
    lower(name);
    entry->name = strdup(name);
    return entry->name ? VB_OK : VB_NO_MEMORY;
}

static enum vb_status parse_objects(const char *text, struct entry *entry)
{
    size_t bucket = strcspn(text, "/");
    entry->kind = OBJECTS;
    if (bucket == 0 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_") < bucket)
        return VB_INVALID;
    entry->name = strdup(text);
    return entry->name ? VB_OK : VB_NO_MEMORY;
}

static enum vb_status add_entry(struct vb_media_allow *allow, struct vb_view text,
                                struct vb_error *err)
{
    struct entry entry = {0};
    struct entry *grown = realloc(allow->entries, (allow->count + 1) * sizeof *grown);
    char *copy = strndup(text.data, text.length);
    if (grown)
        allow->entries = grown;
    enum vb_status status = grown && copy ? VB_OK : VB_NO_MEMORY;
    if (status == VB_OK)
        status = strncmp(copy, "s3://", 5) == 0 ? parse_objects(copy + 5, &entry)
                                                : parse_host(copy, &entry);
    free(copy);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for media_allow");
    if (status != VB_OK)
        return vb_fail(err, status, "'%.*s' is no entry of media_allow", (int)text.length,
                       text.data);
    allow->entries[allow->count++] = entry;
    return VB_OK;
}

enum vb_status vb_media_allow_new(const char *text, struct vb_media_allow **ret_allow,
                                  struct vb_error *err)
{
    struct vb_media_allow *allow = calloc(1, sizeof *allow);
    if (!allow)
        return vb_fail(err, VB_NO_MEMORY, "no memory for media_allow");
    enum vb_status status = VB_OK;
    struct vb_view rest = vb_view_of(text);
    while (rest.length > 0 && status == VB_OK)
        status = add_entry(allow, vb_view_cut(&rest, ','), err);
    if (status == VB_OK)
        *ret_allow = allow;
    else
        vb_media_allow_free(allow);
    return status;
}

void vb_media_allow_free(struct vb_media_allow *allow)
{
    if (!allow)
        return;
    for (size_t i = 0; i < allow->count; i++)
        free(allow->entries[i].name);
    free(allow->entries);
    free(allow);
}

bool vb_media_allow_is_empty(const struct vb_media_allow *allow)
{
    return allow->count == 0;
}

static bool port_fits(const struct entry *entry, unsigned port)
{
    return entry->port ? port == entry->port : port == 80 || port == 443;
}

/* At a dot: "evil-example.org" is not below "example.org". */
static bool is_below(const char *host, const char *name)
{
    size_t length = strlen(host), tail = strlen(name);
    return length > tail + 1 && host[length - tail - 1] == '.' &&
           strcmp(host + length - tail, name) == 0;
}

/* A URL with an address in it needs an entry of that address, or `*` where it is public. */
static bool fits_address(const struct entry *entry, const unsigned char address[VB_ADDRESS])
{
    return entry->kind == ADDRESS ? vb_network_has(&entry->network, address)
                                  : entry->kind == EVERY_HOST && is_public(address);
}

static bool fits_name(const struct entry *entry, const char *host)
{
    return entry->kind == EVERY_HOST || (entry->kind == HOST && strcmp(host, entry->name) == 0) ||
           (entry->kind == BELOW_HOST && is_below(host, entry->name));
}

/* With an address in the URL the list decides as it would for what a name leads to, but a private
 * one must be listed for itself. */
bool vb_media_allow_host(const struct vb_media_allow *allow, const char *host, unsigned port)
{
    char name[HOST_MOST + 2];
    unsigned char address[VB_ADDRESS];
    size_t length = strlen(host);
    if (length == 0 || length >= sizeof name)
        return false;
    memcpy(name, host, length + 1);
    lower(name);
    if (name[0] == '[' && name[length - 1] == ']') {
        memmove(name, name + 1, length);
        name[length - 2] = '\0';
    }
    bool is_address = parse_address(name, address);
    for (size_t i = 0; i < allow->count; i++) {
        const struct entry *entry = &allow->entries[i];
        if (port_fits(entry, port) &&
            (is_address ? fits_address(entry, address) : fits_name(entry, name)))
            return true;
    }
    return false;
}

/* By address alone, whatever entry let the name pass, and whatever the port. */
bool vb_media_allow_address(const struct vb_media_allow *allow, const struct sockaddr *address)
{
    unsigned char bytes[VB_ADDRESS];
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return false;
    vb_address_of(address, bytes);
    normalize(bytes);
    if (is_public(bytes))
        return true;
    for (size_t i = 0; i < allow->count; i++)
        if (allow->entries[i].kind == ADDRESS && vb_network_has(&allow->entries[i].network, bytes))
            return true;
    return false;
}

/* A prefix is a folder: `s3://b/calls` allows `calls/1.wav`, not `calls-secret/1.wav`. */
bool vb_media_allow_object(const struct vb_media_allow *allow, struct vb_view bucket,
                           struct vb_view key)
{
    for (size_t i = 0; i < allow->count; i++) {
        if (allow->entries[i].kind != OBJECTS)
            continue;
        const char *name = allow->entries[i].name;
        size_t own = strcspn(name, "/"), folder = strlen(name);
        if (own != bucket.length || memcmp(name, bucket.data, own) != 0)
            continue;
        const char *prefix = name + own + (name[own] == '/');
        folder -= (size_t)(prefix - name);
        while (folder > 0 && prefix[folder - 1] == '/')
            folder--;
        if (folder == 0 || (key.length > folder + 1 && memcmp(prefix, key.data, folder) == 0 &&
                            key.data[folder] == '/'))
            return true;
    }
    return false;
}
