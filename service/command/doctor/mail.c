/* The doctor's look at the mail server: greeting, encryption, login, our sender and a recipient, as
 * for a mail, but none is sent unless one was asked for.
 *
 * What is wrong is told with the option that cures it: most servers refuse greeting, sender and
 * login only when the recipient is named, so that their words alone lead to the wrong place.
 */
#include "doctor.h"

#include "mail/certificate.h"
#include "mail/mail.h"
#include "verbatim/uuid.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT "mail"
/* Somebody waits for the doctor; a mail has more patience. */
#define LOOK_MOST (60 * VB_SECOND)
#define WORDS 1024u /* of what is wrong with a certificate, and of its cures */

static void add(struct vb_buffer *list, const char *text)
{
    if (vb_buffer_printf(list, "%s%s", list->length > 0 ? "; " : "", text) != VB_OK)
        vb_buffer_reset(list); /* without memory there are no words */
}

static void add_authority(const struct vb_mail_certificate *certificate, struct vb_buffer *wrong,
                          struct vb_buffer *cures)
{
    if (!certificate->untrusted)
        return;
    add(wrong, certificate->self_signed ? "it is self-signed: no authority vouches for it"
                                        : "no authority that is known here vouches for it");
    add(cures, certificate->self_signed ? "put the certificate into smtp_ca_file"
                                        : "put its authority into smtp_ca_file");
}

static void add_name(const struct vb_mail_certificate *certificate, struct vb_buffer *wrong,
                     struct vb_buffer *cures)
{
    char text[640];
    if (!certificate->other_name)
        return;
    snprintf(text, sizeof text, "its name is %s, not %s",
             certificate->names[0] ? certificate->names : "missing", certificate->host);
    add(wrong, text);
    add(cures, "use a name of the certificate as the host in smtp_url");
}

static void add_date(const struct vb_mail_certificate *certificate, struct vb_buffer *wrong,
                     struct vb_buffer *cures)
{
    char text[64];
    if (!certificate->early && !certificate->expired)
        return;
    snprintf(text, sizeof text, certificate->early ? "it begins on %s" : "it ended on %s",
             certificate->date);
    add(wrong, text);
    add(cures, "have it renewed, or set this machine's clock");
}

/* False: the certificate is not what is wrong. */
static bool tell_certificate(struct vb_doctor *doctor, const struct vb_mail_server *server)
{
    struct vb_mail_certificate certificate;
    struct vb_buffer wrong, cures;
    if (vb_mail_certificate_look(server, &certificate, NULL) != VB_OK)
        return false;
    vb_buffer_init(&wrong, WORDS);
    vb_buffer_init(&cures, WORDS);
    add_authority(&certificate, &wrong, &cures);
    add_name(&certificate, &wrong, &cures);
    add_date(&certificate, &wrong, &cures);
    bool found = wrong.length > 0 && cures.length > 0;
    if (found && strncmp(server->url, "smtp:", 5) == 0)
        add(&cures, "or smtp_tls = try (and smtp_require_tls off), which takes any certificate");
    if (found)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, cures.data,
                         "%s: the server's certificate does not hold: %s", server->url, wrong.data);
    vb_buffer_done(&wrong);
    vb_buffer_done(&cures);
    return found;
}

static const char *cure_of(const struct vb_mail_look *look)
{
    switch (look->step) {
    case VB_MAIL_CONNECT:
        return "check the host and port of smtp_url, and that the server lets this machine in";
    case VB_MAIL_ENCRYPT:
        return "check smtp_tls, and smtp:// or smtps:// in smtp_url";
    case VB_MAIL_LOGIN:
        return "check smtp_user and smtp_password";
    case VB_MAIL_SENDER:
    case VB_MAIL_RECIPIENT:
    case VB_MAIL_DONE:
        break;
    }
    return "check mail_from, smtp_helo, and smtp_user with smtp_password: the server says here "
           "what it has against sender, greeting or login";
}

static void tell_failure(struct vb_doctor *doctor, const struct vb_mail_server *server,
                         const struct vb_mail_look *look, const struct vb_error *err)
{
    const char *url = server->url, *sender = strchr(server->helo, '.') ? "" : " (of one label)";
    if (look->step == VB_MAIL_ENCRYPT && tell_certificate(doctor, server))
        return;
    if (look->step == VB_MAIL_RECIPIENT && look->about_recipient)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "give mail_from a mailbox that exists, or leave it so if nobody is to "
            "answer; verbatim doctor --mail-to ADDRESS sends a mail",
            "%s: the server knows no mailbox of mail_from, so what comes back is lost: "
            "%s",
            url, err->text);
    else if (look->step == VB_MAIL_RECIPIENT || look->step == VB_MAIL_SENDER)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, cure_of(look),
                         "%s: greeted as %s%s, %s", url, server->helo, sender, err->text);
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, cure_of(look), "%s: %s", url,
                         err->text);
}

/* A password in the clear, and a login that nobody asks for, are warnings: both may be meant. */
static void tell_success(struct vb_doctor *doctor, const struct vb_mail_look *look)
{
    const struct vb_options *options = doctor->options;
    const char *login = options->smtp_user ? ", logged in" : "";
    const char *how = look->encrypted ? "encrypted" : "not encrypted";
    if (options->smtp_user && !look->offers_login)
        vb_doctor_report(
            doctor, VB_FINDING_WARNING, SUBJECT,
            "take smtp_user and smtp_password away, or use the port for logins, mostly "
            "587 or 465",
            "%s: the server offers no login here, so mails go without smtp_user",
            options->smtp_url);
    else if (options->smtp_user && !look->encrypted)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "use smtps:// or a server with STARTTLS, and smtp_tls = require",
                         "%s: the password crosses the network in the clear", options->smtp_url);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "%s: %s%s; no mail was sent, the server takes one from %s",
                         options->smtp_url, how, login, options->mail_from);
}

/* --- a mail that was asked for --- */

static enum vb_status compose(const struct vb_mail_sender *sender, const char *recipient,
                              struct vb_buffer *message, struct vb_error *err)
{
    static const char text[] = "This mail was sent by verbatim doctor --mail-to.\n\n"
                               "Mails of finished exports come the same way.\n";
    static const char html[] = "<!DOCTYPE html>\n<html lang=\"en\"><body>\n"
                               "<p>This mail was sent by verbatim doctor --mail-to.</p>\n"
                               "<p>Mails of finished exports come the same way.</p>\n"
                               "</body></html>\n";
    char id[VB_MAIL_ADDRESS + 64], uuid[37];
    vb_uuid_format(vb_uuid_random(), uuid);
    snprintf(id, sizeof id, "%s.doctor%s", uuid, strchr(sender->address, '@'));
    const struct vb_mail mail = {.sender = sender,
                                 .recipient = recipient,
                                 .message_id = id,
                                 .date = vb_clock_now(),
                                 .subject = "Verbatim can send mail",
                                 .text = vb_view_of(text),
                                 .html = vb_view_of(html)};
    return vb_mail_compose(&mail, message, err);
}

static void send_one(struct vb_doctor *doctor, const struct vb_mail_server *server,
                     const struct vb_mail_sender *sender)
{
    struct vb_error err;
    struct vb_buffer message;
    atomic_bool handed_over = false;
    const char *recipient = doctor->mail_to;
    vb_buffer_init(&message, 65536);
    vb_error_clear(&err);
    enum vb_status status = compose(sender, recipient, &message, &err);
    if (status == VB_OK)
        status =
            vb_mail_deliver(server, sender->address, recipient,
                            (struct vb_view){message.data, message.length}, &handed_over, &err);
    if (status == VB_OK)
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "the server took a mail to %s; look whether it arrives", recipient);
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         status == VB_INVALID ? "check the address"
                                              : "the server's words say what it has against it",
                         "a mail to %s: %s", recipient, err.text);
    vb_buffer_done(&message);
}

/* Nothing configured is fine: exports work without mail. */
static void tell_none(struct vb_doctor *doctor)
{
    if (doctor->mail_to)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, "set smtp_url and mail_from",
                         "not configured, so none can be sent to %s", doctor->mail_to);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "not configured, so none is sent");
}

void vb_doctor_mail(struct vb_doctor *doctor)
{
    const struct vb_options *options = doctor->options;
    struct vb_error err;
    struct vb_mail_sender sender;
    struct vb_mail_look look;
    vb_error_clear(&err);
    if (!options->smtp_url) {
        tell_none(doctor);
        return;
    }
    if (vb_mail_sender_parse(options->mail_from, &sender, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, "check mail_from", "%s", err.text);
        return;
    }
    const struct vb_mail_server server = vb_mail_server_of(options, &sender);
    struct vb_mail_server looked_at = server;
    if (looked_at.patience > LOOK_MOST)
        looked_at.patience = LOOK_MOST;
    if (vb_mail_check(&looked_at, sender.address, sender.address, &look, &err) == VB_OK)
        tell_success(doctor, &look);
    else
        tell_failure(doctor, &looked_at, &look, &err);
    if (doctor->mail_to)
        send_one(doctor, &server, &sender);
}
