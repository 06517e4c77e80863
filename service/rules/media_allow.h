/* Where media may be fetched: the option media_allow, and the addresses that are nobody's business.
 *
 * URLs of attachments are written by strangers, and the fetch happens inside the operator's
 * network. So no host is asked that the list does not name, and no private address even then,
 * unless the list names that too. Resolves no name and opens no connection itself. Sources: RFC
 * 6890 and 8190 for special addresses, RFC 6052 for NAT64.
 *
 * The list is its maker's until vb_media_allow_free and copies what it needs of its text. Read once
 * and shared: any thread, never changed. Errors at birth alone: VB_INVALID, VB_NO_MEMORY; a
 * question is answered by true or false.
 */
#ifndef VERBATIM_RULES_MEDIA_ALLOW_H
#define VERBATIM_RULES_MEDIA_ALLOW_H

#include "verbatim/buffer.h"

#include <sys/socket.h>

/* Entries, joined by commas:
 *   NAME[:PORT]       that host; without a port, 80 and 443
 *   *.NAME[:PORT]     hosts below it, not itself
 *   *                 every host (its addresses still have to be public)
 *   ADDRESS[/BITS][:PORT], [ADDRESS6][/BITS][:PORT]
 *                     URLs with that address; and names of the list may lead there, though it is
 *                     private
 *   s3://BUCKET[/PREFIX]
 *                     objects there, with the service's own credentials
 */
struct vb_media_allow;

/* VB_INVALID names the entry. NULL or "" is a list that allows nothing. */
enum vb_status vb_media_allow_new(const char *text, struct vb_media_allow **ret_allow,
                                  struct vb_error *err) vb_must_check;
void vb_media_allow_free(struct vb_media_allow *allow);
/* Nothing at all may be fetched. */
bool vb_media_allow_is_empty(const struct vb_media_allow *allow);

/* `host` as libcurl's URL parser gives it: ASCII, an IPv6 address in brackets. Case and a dot at
 * the end do not matter. */
bool vb_media_allow_host(const struct vb_media_allow *allow, const char *host, unsigned port);
/* Whether a name of the list may lead there: public, or listed. IPv4 within IPv6 (mapped, NAT64)
 * counts as IPv4. */
bool vb_media_allow_address(const struct vb_media_allow *allow, const struct sockaddr *address);
/* `key` decoded, as the store has it. */
bool vb_media_allow_object(const struct vb_media_allow *allow, struct vb_view bucket,
                           struct vb_view key);

#endif
