/* How many connections there may be, in all and from one address. Atomic counters; any thread.
 *
 * Addresses share counters by a keyed hash, so the table has a fixed size; two that collide share
 * their allowance. One address may hold half of all connections, so it can't lock the others out;
 * a trusted proxy's may hold all, for behind it are many.
 */
#include "server.h"

#include <netinet/in.h>
#include <string.h>

/* FNV-1a over the address and a seed nobody outside knows; IPv6 counts by its /64, but for an
 * address of IPv4 inside of it. */
unsigned vb_http_limits_slot(const struct vb_http *http, const unsigned char address[VB_ADDRESS])
{
    struct in6_addr in;
    memcpy(&in, address, sizeof(in));
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in);
    uint64_t hash = http->address_seed;
    for (size_t i = is_mapped ? 12 : 0; i < (is_mapped ? 16 : 8); i++)
        hash = (hash ^ address[i]) * UINT64_C(1099511628211);
    return (unsigned)((hash ^ (hash >> 32)) % VB_HTTP_ADDRESS_SLOTS);
}

/* Counted first and taken back, so that two loops never both take the last place. */
bool vb_http_limits_enter(struct vb_http *http, const unsigned char address[VB_ADDRESS],
                          unsigned *ret_slot)
{
    unsigned slot = vb_http_limits_slot(http, address);
    unsigned limit = atomic_load(&http->connection_limit);
    unsigned own = vb_networks_have(http->proxies, address) ? limit : limit / 2;
    *ret_slot = slot;
    if (atomic_fetch_add(&http->connections, 1) < limit) {
        if (atomic_fetch_add(&http->addresses[slot], 1) < own)
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
