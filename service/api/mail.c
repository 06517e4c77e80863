/* What the front end knows of mails: whether somebody sends them, and what became of one.
 *
 * The front end sends none itself. Who does is read with the secrets (api/pools.c), about once a
 * minute, so no request asks for it; where nobody does, soon after somebody was told so.
 */
#include "api.h"

#include "rules/mail_address.h"

bool vb_api_mail_is_sent(const struct vb_api_site_loop *site)
{
    bool is_sent = site->service->options->smtp_url || !site->no_mail;
    if (!is_sent)
        atomic_store(&site->known->mail_is_missed, true);
    return is_sent;
}

bool vb_api_mail_may_go_to(const struct vb_api_site_loop *site, const char *address)
{
    return vb_mail_may_go_to(vb_view_of(address), site->service->options->mail_from);
}

void vb_api_put_mail(const struct vb_api_site_loop *site, struct vb_json *json, struct vb_view mail)
{
    vb_json_name(json, "notification");
    if (vb_view_equals(mail, VB_VIEW("waiting")) && !vb_api_mail_is_sent(site))
        vb_json_text(json, "not_configured");
    else
        vb_json_view(json, mail);
}
