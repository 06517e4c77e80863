/* How many connections there may be, in all and from one address. Atomic counters; any thread.
 *
 * Addresses share counters by a keyed hash, so the table has a fixed size; two that collide share
 * their allowance. One address may hold half of all connections, so it can't lock the others out.
 */
#include "server.h"

#include <netinet/in.h>
#include <string.h>

/* FNV-1a over the address and a seed nobody outside knows; IPv6 counts by its /64, but for an
 * address of IPv4 inside of it. */
static unsigned slot_of(const struct vb_http *http, const struct sockaddr *address)
{
    unsigned char bytes[16] = {0};
    size_t length = 0;
    if (address->sa_family == AF_INET) {
        length = 4;
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, length);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *in =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(in);
        length = is_mapped ? 4 : 8;
        memcpy(bytes, in->s6_addr + (is_mapped ? 12 : 0), length);
    }
    uint64_t hash = http->address_seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (unsigned)((hash ^ (hash >> 32)) % VB_HTTP_ADDRESS_SLOTS);
}

/* Counted first and taken back, so that two loops never both take the last place. */
bool vb_http_limits_enter(struct vb_http *http, const struct sockaddr *address, unsigned *ret_slot)
{
    unsigned slot = slot_of(http, address), limit = atomic_load(&http->connection_limit);
    *ret_slot = slot;
    if (atomic_fetch_add(&http->connections, 1) < limit) {
        if (atomic_fetch_add(&http->addresses[slot], 1) < limit / 2)
            return true;
        atomic_fetch_sub(&http->addresses[slot], 1);
    }
    atomic_fetch_sub(&http->connections, 1);
    return false;
}

/* The slot is remembered by the connection: an address is hashed once. */
void vb_http_limits_leave(struct vb_http *http, unsigned slot)
{
    atomic_fetch_sub(&http->connections, 1);
    atomic_fetch_sub(&http->addresses[slot], 1);
}
