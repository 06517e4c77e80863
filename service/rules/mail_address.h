/* Addresses of mail: of recipients, and the option mail_from.
 *
 * They are checked here and nowhere else: libcurl passes CR LF in a recipient on to the server.
 * Sources: RFC 5321, 4.1.2 and 4.5.3.1; RFC 5322, 3.2.3.
 *
 * Nothing is owned; a sender is a plain value. Any thread: pure. VB_INVALID for what is no address,
 * and nothing is written then. Results live as long as their holder.
 */
#ifndef VERBATIM_RULES_MAIL_ADDRESS_H
#define VERBATIM_RULES_MAIL_ADDRESS_H

#include "verbatim/text.h"

#define VB_MAIL_ADDRESS 255 /* with the NUL: 254 is the longest path of RFC 5321 */

/* An address that mail can be sent to: dot-atom local part (at most 64 bytes), a domain of at least
 * two labels of letters, digits and inner hyphens, the last one not all digits. ASCII only: other
 * scripts need a relay with SMTPUTF8, which is not asked for, so such an address is refused here
 * rather than lost later (the xn-- form of a domain is fine). No quoted local parts, no address
 * literals, no comments. */
bool vb_mail_address_valid(struct vb_view address);

/* Whether a mail with this sender may go there: to an address as above; and, where the sender's own
 * domain has one label, as on a machine that delivers to its own users, also to that domain and to
 * `localhost`. No other domain of one label: that is mostly a slip, of which nobody would hear. */
bool vb_mail_recipient_valid(struct vb_view address, const char *sender);
/* Either kind: whose domain is one label is fit for some senders. */
bool vb_mail_address_plausible(struct vb_view address);

/* The option mail_from: "ADDRESS" or "NAME <ADDRESS>". Unlike a recipient its domain may be one
 * label (`verbatim@localhost`). The name is UTF-8 without controls. */
struct vb_mail_sender {
    char address[VB_MAIL_ADDRESS];
    char name[128];
};
enum vb_status vb_mail_sender_parse(const char *text, struct vb_mail_sender *ret_sender,
                                    struct vb_error *err) vb_must_check;
/* vb_mail_recipient_valid beside the sender of an option mail_from; NULL, or one that is none, is
 * fit for ordinary addresses alone. */
bool vb_mail_may_go_to(struct vb_view address, const char *mail_from);

#endif
