/* One message to one recipient over SMTP (RFC 5321). Blocks; one connection a mail, so nothing is
 * kept.
 *
 * The moment at which the server has the whole message is noted for the caller. A repetition has
 * the same Message-ID, by which readers can recognize it.
 */
#include "smtp.h"

#include "verbatim/renewed.h"

#include <string.h>

struct vb_mail_server vb_mail_server_of(const struct vb_options *options,
                                        const struct vb_mail_sender *sender)
{
    return (struct vb_mail_server){
        .url = options->smtp_url,
        .helo = options->smtp_helo ? options->smtp_helo : strchr(sender->address, '@') + 1,
        .user = options->smtp_user,
        .password = vb_renewed_text(options->smtp_password),
        .tls =
            options->smtp_require_tls ? VB_SMTP_TLS_REQUIRE : (enum vb_smtp_tls)options->smtp_tls,
        .ca_file = options->smtp_ca_file,
        .patience = options->smtp_timeout,
    };
}

/* The connection ends with the mail: otherwise libcurl says farewell when the handle is freed, with
 * limits of its own. */
static CURLcode set_up(CURL *curl, struct vb_smtp *delivery, const char *from,
                       struct curl_slist *recipients)
{
    struct vb_smtp_setting setting = {curl, vb_smtp_set_up(curl, delivery)};
    vb_smtp_set_text(&setting, CURLOPT_MAIL_FROM, from);
    vb_smtp_set_number(&setting, CURLOPT_UPLOAD, 1);
    vb_smtp_set_number(&setting, CURLOPT_FORBID_REUSE, 1);
    if (setting.code == CURLE_OK)
        setting.code = curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    return setting.code;
}

enum vb_status vb_mail_deliver(const struct vb_mail_server *server, const char *from,
                               const char *recipient, struct vb_view message,
                               atomic_bool *handed_over, struct vb_error *err)
{
    struct vb_smtp delivery = {.server = server, .rest = message, .handed_over = handed_over};
    atomic_store(handed_over, false);
    if (!vb_mail_recipient_valid(vb_view_of(recipient), from))
        return vb_fail(err, VB_INVALID, "the recipient is no mail address");
    CURL *curl = curl_easy_init();
    struct curl_slist *recipients = curl_slist_append(NULL, recipient);
    enum vb_status status;
    if (!curl || !recipients) {
        status = vb_fail(err, VB_NO_MEMORY, "no memory for a mail");
        goto done;
    }
    CURLcode code = set_up(curl, &delivery, from, recipients);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    status = vb_smtp_judge(code, &delivery, err);
    if (status == VB_OK)
        atomic_store(handed_over, false);
    else if (atomic_load(handed_over))
        vb_fail_within(err, status, "the message was handed over and may have arrived");
done:
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return status;
}
