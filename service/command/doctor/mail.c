/* The doctor's look at the mail server: greeting, encryption and login, as for a mail, but none is
 * sent: whether the server takes our sender is known only by the first one. */
#include "doctor.h"

#include "mail/mail.h"

#define SUBJECT "mail"

/* A password in the clear is a warning: it may be meant. */
static void tell_success(struct vb_doctor *doctor, bool encrypted)
{
    const struct vb_options *options = doctor->options;
    const char *login = options->smtp_user ? ", logged in" : "";
    const char *how = encrypted ? "encrypted" : "not encrypted";
    if (options->smtp_user && !encrypted)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "use smtps:// or a server with STARTTLS, and smtp_tls = require",
                         "%s: the password crosses the network in the clear", options->smtp_url);
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "%s: %s%s; no mail was sent",
                         options->smtp_url, how, login);
}

/* Nothing configured is fine: exports work without mail. */
void vb_doctor_mail(struct vb_doctor *doctor)
{
    const struct vb_options *options = doctor->options;
    struct vb_error err;
    bool encrypted = false;
    vb_error_clear(&err);
    if (!options->smtp_url) {
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "not configured, so none is sent");
        return;
    }
    struct vb_mail_sender sender;
    if (vb_mail_sender_parse(options->mail_from, &sender, &err) != VB_OK) {
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, "check mail_from", "%s", err.text);
        return;
    }
    const struct vb_mail_server server = vb_mail_server_of(options, &sender);
    if (vb_mail_check(&server, &encrypted, &err) == VB_OK)
        tell_success(doctor, encrypted);
    else
        vb_doctor_report(
            doctor, VB_FINDING_FAILED, SUBJECT,
            "check smtp_url, smtp_user, smtp_password and smtp_tls; an authority of your own goes "
            "into smtp_ca_file",
            "%s: %s", options->smtp_url, err.text);
}
