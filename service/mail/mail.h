/* One mail: composition (MIME) and delivery over SMTP, to addresses that rules/mail_address.h
 * finds good.
 *
 * Composition is pure: the same values give the same bytes, so a repeated mail is the same mail.
 * Delivery blocks, for as long as RFC 5321 bids a client to wait. One recipient, no attachments,
 * no SMTPUTF8, no DKIM (the relay signs).
 *
 * Everything passed is borrowed for the call; buffers are the caller's and appended to. Any
 * thread, each call by itself; libcurl must be set up (settings/process.h). Errors: VB_INVALID
 * is final for this mail, VB_NETWORK may pass, VB_STOPPED, VB_NO_MEMORY, VB_LIMIT of a buffer.
 * Nothing lives beyond a call.
 */
#ifndef VERBATIM_MAIL_MAIL_H
#define VERBATIM_MAIL_MAIL_H

#include "rules/mail_address.h"
#include "settings/options.h"
#include "verbatim/clock.h"

#include <stdatomic.h>

/* A mail as its readers see it. All borrowed; subject and name may hold any UTF-8: controls become
 * blanks. */
struct vb_mail {
    const struct vb_mail_sender *sender;
    const char *recipient;
    const char *message_id; /* without the angle brackets; the same for a repetition */
    vb_instant date;
    const char *subject;
    struct vb_view text, html; /* UTF-8, lines end in \n */
};
/* Appends the message of RFC 5322, lines ended by CR LF, both bodies quoted-printable. */
enum vb_status vb_mail_compose(const struct vb_mail *mail, struct vb_buffer *out,
                               struct vb_error *err) vb_must_check;

/* What the mail of a finished export tells. Strings are borrowed, raw: escaping is done here. */
struct vb_export_notice {
    const char *label;                 /* of what is exported; NULL: "Channel" */
    const char *channel;               /* name, else number, else id; or whatever the label says */
    const char *phone;                 /* "" for none */
    const char *start_date, *end_date; /* "" for an open end */
    int64_t conversations, messages, size;
    const char *file_name;  /* "" where nobody knows */
    const char *format;     /* as the specification has it */
    const char *incomplete; /* why rows may be missing; "" or NULL: nothing is known of that */
    const char *link;
    vb_instant link_expires_at;
    const char *time_zone; /* IANA name: of the dates, and for the second form of the expiry */
    int offset_seconds;    /* of that zone at that instant */
};
/* Appends the subject, the plain text and the HTML of the notice. */
enum vb_status vb_export_notice_write(const struct vb_export_notice *notice,
                                      struct vb_buffer *subject, struct vb_buffer *text,
                                      struct vb_buffer *html, struct vb_error *err) vb_must_check;

/* In the order of the option's words. */
enum vb_smtp_tls {
    VB_SMTP_TLS_OFF, /* no STARTTLS */
    VB_SMTP_TLS_TRY, /* where it is offered, with any certificate: as relays do, since who could
                        forge one could also hide the offer */
    VB_SMTP_TLS_REQUIRE
};
struct vb_mail_server {
    const char *url; /* smtp://HOST[:PORT], or smtps://HOST[:PORT]: always encrypted and verified */
    const char *helo; /* what we call ourselves */
    const char *user, *password;
    enum vb_smtp_tls tls;
    const char *ca_file; /* authorities in PEM; NULL: the system's */
    int64_t patience;    /* microseconds for each answer; twice as long for that to the message */
    bool (*stop)(
        void *context); /* may be NULL; true ends a delivery that is not past the message's start */
    void *stop_context;
};
/* The server of the options, borrowing them; `sender` is that of mail_from. */
struct vb_mail_server vb_mail_server_of(const struct vb_options *options,
                                        const struct vb_mail_sender *sender);
/* Hands a composed message to the server. VB_INVALID: the server refuses this recipient for good
 * (RFC 3463: 5.1.x but for the sender's 5.1.7 and 5.1.8, and 5.2.x; without such a code 550, 551
 * and 553 to RCPT). Everything else may pass and is VB_NETWORK: unreachable, 4xx, TLS, greeting,
 * sender or login refused, which an operator can set right. VB_STOPPED as asked. The error's text
 * carries the server's words.
 *
 * *handed_over, which others may read meanwhile, is true from when the server was given the end of
 * the message until it has answered to it. Where it is true after a failure, the mail may have
 * arrived. */
enum vb_status vb_mail_deliver(const struct vb_mail_server *server, const char *from,
                               const char *recipient, struct vb_view message,
                               atomic_bool *handed_over, struct vb_error *err) vb_must_check;

/* How far a look at the server came, and what it saw on the way. */
enum vb_mail_step {
    VB_MAIL_CONNECT,
    VB_MAIL_ENCRYPT,
    VB_MAIL_LOGIN,
    VB_MAIL_SENDER,    /* MAIL FROM */
    VB_MAIL_RECIPIENT, /* RCPT TO */
    VB_MAIL_DONE
};
struct vb_mail_look {
    enum vb_mail_step step; /* that failed */
    bool encrypted;         /* by STARTTLS or smtps */
    bool offers_login;
    bool about_recipient; /* at VB_MAIL_RECIPIENT: the server knows no such mailbox */
};
/* Greeting, encryption and login as for a mail, its sender, a recipient, then RSET: nothing is
 * sent. The look is written always, the statuses are those of a delivery. */
enum vb_status vb_mail_check(const struct vb_mail_server *server, const char *from,
                             const char *recipient, struct vb_mail_look *ret_look,
                             struct vb_error *err) vb_must_check;

#endif
