/* Addresses and networks: see network.h. Lists are short, and read from their begin for each
 * question. */
#include "network.h"

#include "verbatim/digits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* So many of the first bits of the address count. */
struct network {
    unsigned char bytes[VB_ADDRESS];
    unsigned bits;
};

struct vb_networks {
    size_t count;
    struct network each[];
};

static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};

void vb_address_of(const struct sockaddr *socket, unsigned char ret_address[VB_ADDRESS])
{
    memset(ret_address, 0, VB_ADDRESS);
    if (socket->sa_family == AF_INET) {
        memcpy(ret_address, mapped, sizeof mapped);
        memcpy(ret_address + sizeof mapped,
               &((const struct sockaddr_in *)(const void *)socket)->sin_addr, 4);
    } else if (socket->sa_family == AF_INET6) {
        memcpy(ret_address, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr,
               VB_ADDRESS);
    }
}

/* inet_pton takes neither octal nor short forms, which two readers could take for two addresses. */
static bool parse_bare(const char *text, unsigned char ret_address[VB_ADDRESS])
{
    unsigned char four[4];
    if (inet_pton(AF_INET6, text, ret_address) == 1)
        return true;
    if (inet_pton(AF_INET, text, four) != 1)
        return false;
    memcpy(ret_address, mapped, sizeof mapped);
    memcpy(ret_address + sizeof mapped, four, sizeof four);
    return true;
}

static bool is_port(const char *text)
{
    int64_t number;
    return vb_digits_whole(vb_view_of(text), &number) == VB_OK && number <= 65535;
}

bool vb_address_parse(struct vb_view text, unsigned char ret_address[VB_ADDRESS])
{
    char copy[VB_ADDRESS_TEXT + 8];
    if (text.length == 0 || text.length >= sizeof copy || memchr(text.data, '\0', text.length))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *end = strchr(copy, ']'), *colon = strchr(copy, ':');
    if (copy[0] == '[') {
        if (!end || (end[1] && (end[1] != ':' || !is_port(end + 2))))
            return false;
        *end = '\0';
        return strchr(copy, ':') && parse_bare(copy + 1, ret_address);
    }
    if (colon && colon == strrchr(copy, ':')) { /* with more of them it is one of IPv6 */
        if (!is_port(colon + 1))
            return false;
        *colon = '\0';
    }
    return parse_bare(copy, ret_address);
}

void vb_address_format(const unsigned char address[VB_ADDRESS], char ret_text[VB_ADDRESS_TEXT])
{
    bool is_4 = memcmp(address, mapped, sizeof mapped) == 0;
    if (!inet_ntop(is_4 ? AF_INET : AF_INET6, is_4 ? address + sizeof mapped : address, ret_text,
                   VB_ADDRESS_TEXT))
        ret_text[0] = '\0';
}

/* Bits of IPv4 are counted behind its prefix. */
static bool parse_network(struct vb_view text, struct network *ret_network)
{
    char copy[VB_ADDRESS_TEXT + 4];
    if (text.length == 0 || text.length >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    if (!parse_bare(copy, ret_network->bytes))
        return false;
    int64_t most = strchr(copy, ':') ? 128 : 32, given = most;
    if (slash && (vb_digits_whole(vb_view_of(slash + 1), &given) != VB_OK || given > most))
        return false;
    ret_network->bits = (unsigned)(given + 128 - most);
    return true;
}

enum vb_status vb_networks_new(const char *text, struct vb_networks **ret_networks,
                               struct vb_error *err)
{
    size_t most = text && *text ? 1 : 0;
    for (const char *at = text; at && *at; at++)
        most += *at == ',';
    struct vb_networks *networks = calloc(1, sizeof *networks + most * sizeof *networks->each);
    if (!networks)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a list of networks");
    for (; networks->count < most; networks->count++) {
        struct vb_view entry = {text, strcspn(text, ",")};
        text += entry.length + (text[entry.length] == ',');
        entry = vb_view_trim(entry, " \t");
        if (!parse_network(entry, &networks->each[networks->count])) {
            free(networks);
            return vb_fail(err, VB_INVALID, "'%.*s' is no address or network",
                           (int)(entry.length < 80 ? entry.length : 80), entry.data);
        }
    }
    *ret_networks = networks;
    return VB_OK;
}

void vb_networks_free(struct vb_networks *networks)
{
    free(networks);
}

/* The rest are the first bits of the byte behind the whole ones; with 128 there is none. */
static bool is_within(const unsigned char address[VB_ADDRESS], const struct network *network)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8, mask = 0xFF00u >> rest & 0xFFu;
    return memcmp(address, network->bytes, whole) == 0 &&
           (rest == 0 || (address[whole] & mask) == (network->bytes[whole] & mask));
}

bool vb_networks_have(const struct vb_networks *networks, const unsigned char address[VB_ADDRESS])
{
    for (size_t i = 0; networks && i < networks->count; i++)
        if (is_within(address, &networks->each[i]))
            return true;
    return false;
}
