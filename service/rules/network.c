/* Addresses and networks: see network.h. Lists are short, and read from their begin for each
 * question. */
#include "network.h"

#include "verbatim/digits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct vb_networks {
    size_t count;
    struct vb_network each[];
};

static const unsigned char mapped[VB_NETWORK_4 / 8] = {[10] = 0xFF, [11] = 0xFF};

bool vb_address_is_4(const unsigned char address[VB_ADDRESS])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

void vb_address_of_4(const unsigned char bytes[4], unsigned char ret_address[VB_ADDRESS])
{
    memcpy(ret_address, mapped, sizeof mapped);
    memcpy(ret_address + sizeof mapped, bytes, 4);
}

void vb_address_of(const struct sockaddr *socket, unsigned char ret_address[VB_ADDRESS])
{
    memset(ret_address, 0, VB_ADDRESS);
    if (socket->sa_family == AF_INET) {
        unsigned char four[4];
        memcpy(four, &((const struct sockaddr_in *)(const void *)socket)->sin_addr, sizeof four);
        vb_address_of_4(four, ret_address);
    } else if (socket->sa_family == AF_INET6) {
        memcpy(ret_address, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr,
               VB_ADDRESS);
    }
}

/* inet_pton takes neither octal nor short forms ("127.1"), which other parsers read as addresses:
 * libcurl's URL parser has turned those into four numbers before. */
bool vb_address_read(const char *text, unsigned char ret_address[VB_ADDRESS])
{
    unsigned char four[4];
    if (inet_pton(AF_INET6, text, ret_address) == 1)
        return true;
    if (inet_pton(AF_INET, text, four) != 1)
        return false;
    vb_address_of_4(four, ret_address);
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
        return strchr(copy, ':') && vb_address_read(copy + 1, ret_address);
    }
    if (colon && colon == strrchr(copy, ':')) { /* with more of them it is one of IPv6 */
        if (!is_port(colon + 1))
            return false;
        *colon = '\0';
    }
    return vb_address_read(copy, ret_address);
}

void vb_address_format(const unsigned char address[VB_ADDRESS], char ret_text[VB_ADDRESS_TEXT])
{
    bool is_4 = vb_address_is_4(address);
    if (!inet_ntop(is_4 ? AF_INET : AF_INET6, is_4 ? address + sizeof mapped : address, ret_text,
                   VB_ADDRESS_TEXT))
        ret_text[0] = '\0';
}

/* Bits of IPv4 are counted behind its prefix. */
static bool parse_network(struct vb_view text, struct vb_network *ret_network)
{
    char copy[VB_ADDRESS_TEXT + 4];
    if (text.length == 0 || text.length >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    if (!vb_address_read(copy, ret_network->bytes))
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
    struct vb_view rest = vb_view_of(text);
    size_t most = rest.length > 0;
    for (size_t i = 0; i < rest.length; i++)
        most += rest.data[i] == ',';
    struct vb_networks *networks = calloc(1, sizeof *networks + most * sizeof *networks->each);
    if (!networks)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a list of networks");
    for (; networks->count < most; networks->count++) {
        struct vb_view entry = vb_view_cut(&rest, ',');
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
bool vb_network_has(const struct vb_network *network, const unsigned char address[VB_ADDRESS])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8, mask = 0xFF00u >> rest & 0xFFu;
    return memcmp(address, network->bytes, whole) == 0 &&
           (rest == 0 || (address[whole] & mask) == (network->bytes[whole] & mask));
}

bool vb_networks_have(const struct vb_networks *networks, const unsigned char address[VB_ADDRESS])
{
    for (size_t i = 0; networks && i < networks->count; i++)
        if (vb_network_has(&networks->each[i], address))
            return true;
    return false;
}
