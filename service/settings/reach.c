/* The host is cut out by hand: what is given here was checked when the options were read. An
 * IPv4 address inside IPv6 is judged as the IPv4 address that it is. */
#include "reach.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOOPBACK_NET 127u

/* Without scheme, port, path and brackets. Cut where it is longer than any name that is judged. */
static void cut_host(const char *address, char host[256])
{
    const char *mark = strstr(address, "://");
    const char *start = mark ? mark + 3 : address;
    size_t length = strcspn(start, "/?");
    if (*start == '[') {
        start++;
        length = strcspn(start, "]");
    } else {
        size_t name = strcspn(start, ":");
        length = name < length ? name : length;
    }
    (void)snprintf(host, 256, "%.*s", (int)(length < 255 ? length : 255), start);
}

static enum vb_reach reach_of_v4(uint32_t address)
{
    return address == 0                      ? VB_REACH_NOBODY
           : (address >> 24) == LOOPBACK_NET ? VB_REACH_MACHINE
                                             : VB_REACH_OTHERS;
}

static enum vb_reach reach_of_v6(const struct in6_addr *address)
{
    uint32_t last;
    memcpy(&last, address->s6_addr + 12, sizeof last);
    if (IN6_IS_ADDR_V4MAPPED(address))
        return reach_of_v4(ntohl(last));
    return IN6_IS_ADDR_UNSPECIFIED(address) ? VB_REACH_NOBODY
           : IN6_IS_ADDR_LOOPBACK(address)  ? VB_REACH_MACHINE
                                            : VB_REACH_OTHERS;
}

/* RFC 6761: every name below localhost is the machine itself. */
static enum vb_reach reach_of_name(const char *name)
{
    static const char own[] = "localhost";
    size_t length = strlen(name), most = sizeof own - 1;
    if (length < most || strcasecmp(name + length - most, own) != 0)
        return VB_REACH_OTHERS;
    return length == most || name[length - most - 1] == '.' ? VB_REACH_MACHINE : VB_REACH_OTHERS;
}

enum vb_reach vb_reach_of(const char *address)
{
    char host[256];
    struct in_addr v4;
    struct in6_addr v6;
    cut_host(address, host);
    if (inet_pton(AF_INET, host, &v4) == 1)
        return reach_of_v4(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return reach_of_v6(&v6);
    return reach_of_name(host);
}
