/* Addresses of the internet, networks, and lists of them: which addresses are whose.
 *
 * An address is 16 bytes, IPv4 in its mapped form (RFC 4291, 2.5.5.2), so that both kinds are
 * compared alike. Resolves no name.
 *
 * A list is its maker's until vb_networks_free, keeps nothing of its text, and is never changed, so
 * any thread may ask. VB_INVALID names the entry, VB_NO_MEMORY; a question is answered by true or
 * false.
 */
#ifndef VERBATIM_RULES_NETWORK_H
#define VERBATIM_RULES_NETWORK_H

#include "verbatim/buffer.h"

#include <sys/socket.h>

#define VB_ADDRESS 16u
#define VB_ADDRESS_TEXT 46u /* with its NUL, as INET6_ADDRSTRLEN has it */

/* All zero for what is no address of the internet. */
void vb_address_of(const struct sockaddr *socket, unsigned char ret_address[VB_ADDRESS]);
/* ADDRESS alone. */
bool vb_address_read(const char *text, unsigned char ret_address[VB_ADDRESS]);
bool vb_address_is_4(const unsigned char address[VB_ADDRESS]);
void vb_address_of_4(const unsigned char bytes[4], unsigned char ret_address[VB_ADDRESS]);
/* ADDRESS, ADDRESS:PORT, [ADDRESS6], [ADDRESS6]:PORT, as proxies write them. */
bool vb_address_parse(struct vb_view text, unsigned char ret_address[VB_ADDRESS]);
void vb_address_format(const unsigned char address[VB_ADDRESS], char ret_text[VB_ADDRESS_TEXT]);

/* So many of the first bits count, 0 to 128: those of IPv4 begin behind its prefix. */
struct vb_network {
    unsigned char bytes[VB_ADDRESS];
    unsigned bits;
};
#define VB_NETWORK_4 96u /* bits of that prefix */
bool vb_network_has(const struct vb_network *network, const unsigned char address[VB_ADDRESS]);

struct vb_networks;
/* ADDRESS[/BITS], joined by commas. NULL or "" is the list without any. */
enum vb_status vb_networks_new(const char *text, struct vb_networks **ret_networks,
                               struct vb_error *err) vb_must_check;
void vb_networks_free(struct vb_networks *networks);
/* False for a NULL list. */
bool vb_networks_have(const struct vb_networks *networks, const unsigned char address[VB_ADDRESS]);

#endif
