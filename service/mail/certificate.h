/* What is wrong with the certificate of a mail server, each by itself and in words: a program that
 * verifies tells the first thing it finds and no more.
 *
 * Connects as for a mail, without sending any or logging in. The result is a plain value. Any
 * thread; blocks. VB_NETWORK where there is no certificate to be had, VB_NO_MEMORY, VB_LIMIT of
 * one that is too large. Nothing lives beyond a call.
 */
#ifndef VERBATIM_MAIL_CERTIFICATE_H
#define VERBATIM_MAIL_CERTIFICATE_H

#include "mail.h"

struct vb_mail_certificate {
    bool untrusted;      /* nobody whom we trust has signed it */
    bool self_signed;    /* but itself */
    bool other_name;     /* not that of smtp_url */
    bool early, expired; /* by this machine's clock */
    char host[256];      /* of smtp_url */
    char names[256];     /* that it is for, joined by ", "; cut where there are many */
    char date[16];       /* where early or expired: when it begins or has ended, as 2026-06-12 */
};
enum vb_status vb_mail_certificate_look(const struct vb_mail_server *server,
                                        struct vb_mail_certificate *ret_certificate,
                                        struct vb_error *err) vb_must_check;
/* The same of a chain in PEM, the server's own certificate first. VB_CORRUPT: it is none. */
enum vb_status vb_mail_certificate_read(const struct vb_mail_server *server, struct vb_view pem,
                                        struct vb_mail_certificate *ret_certificate,
                                        struct vb_error *err) vb_must_check;

#endif
