/* A conversation with a mail server by libcurl: set up, followed, and judged. Private to this
 * folder.
 *
 * libcurl tells that a command failed but not which: the last command and the server's last words
 * are noted from its trace. Commands are never kept whole, since AUTH carries the password.
 *
 * Patience is our own, a command at a time (RFC 5321, 4.5.3.2): libcurl's limit on an answer knows
 * no difference between commands, and its limit on connecting includes greeting and login.
 *
 * The struct and the handle are the caller's, and stay where they are while the handle lives. One
 * thread. Errors are as mail.h has them.
 */
#ifndef VERBATIM_MAIL_SMTP_H
#define VERBATIM_MAIL_SMTP_H

#include "mail.h"

#include <curl/curl.h>

struct vb_smtp {
    const struct vb_mail_server *server;
    struct vb_view rest;          /* of the message */
    char verb[12];                /* of the last command */
    char words[300];              /* the server's last line */
    char reason[CURL_ERROR_SIZE]; /* libcurl's own; "" for none */
    bool encrypted;
    bool offers_login;
    bool quit;         /* what follows is libcurl's farewell */
    bool late;         /* our patience is at its end */
    int64_t since;     /* monotonic: the last command or answer */
    int64_t stop_seen; /* monotonic; 0: not asked yet */
    CURL *curl;
    atomic_bool *handed_over; /* see mail.h */
};

/* Options of a handle, set one after the other. */
struct vb_smtp_setting {
    CURL *curl;
    CURLcode code; /* the first failure */
};

/* NULL leaves the option as libcurl has it. */
void vb_smtp_set_text(struct vb_smtp_setting *setting, CURLoption option, const char *value);
void vb_smtp_set_number(struct vb_smtp_setting *setting, CURLoption option, long value);

/* Where to, as whom, how encrypted, how patient. The server is set in the struct by then. */
CURLcode vb_smtp_set_up(CURL *curl, struct vb_smtp *delivery);
/* What a result of libcurl means for a mail. */
enum vb_status vb_smtp_judge(CURLcode code, const struct vb_smtp *delivery,
                             struct vb_error *err) vb_must_check;
/* Appends the certificates of the server in PEM, its own first, whatever they are worth: nothing is
 * verified, and nobody logs in. */
enum vb_status vb_smtp_chain(const struct vb_mail_server *server, struct vb_buffer *chain,
                             struct vb_error *err) vb_must_check;
static inline bool vb_smtp_is_handed_over(const struct vb_smtp *delivery)
{
    return delivery->handed_over && atomic_load(delivery->handed_over);
}

#endif
