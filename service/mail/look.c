/* A look at a mail server without a mail. Each command is a transfer of libcurl's on the connection
 * of the one before.
 */
#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum vb_mail_step failed_at(CURLcode code)
{
    if (code == CURLE_LOGIN_DENIED)
        return VB_MAIL_LOGIN;
    bool about_tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
                     code == CURLE_SSL_CACERT_BADFILE || code == CURLE_USE_SSL_FAILED;
    return about_tls ? VB_MAIL_ENCRYPT : VB_MAIL_CONNECT;
}

/* One command on the connection that is there, or is made. libcurl takes 553 for a success, as it
 * is one to VRFY. */
static enum vb_status say(struct vb_smtp_setting *setting, struct vb_smtp *delivery,
                          const char *command, CURLcode *ret_code, struct vb_error *err)
{
    vb_smtp_set_text(setting, CURLOPT_CUSTOMREQUEST, command);
    if (setting->code == CURLE_OK)
        setting->code = curl_easy_perform(setting->curl);
    if (setting->code == CURLE_OK && strtol(delivery->words, NULL, 10) >= 400)
        setting->code = CURLE_WEIRD_SERVER_REPLY;
    *ret_code = setting->code;
    return vb_smtp_judge(setting->code, delivery, err);
}

/* `VERB:<ADDRESS>` for libcurl, which decodes percent signs in it. */
static void write_command(char *out, size_t size, const char *verb, const char *address)
{
    size_t at = (size_t)snprintf(out, size, "%s:<", verb);
    for (; *address && at + 5 < size; address++)
        at += (size_t)snprintf(out + at, size - at, *address == '%' ? "%%25" : "%c", *address);
    snprintf(out + at, size - at, ">");
}

static enum vb_status take_look(struct vb_smtp_setting *setting, struct vb_smtp *delivery,
                                const char *from, const char *recipient, struct vb_mail_look *look,
                                struct vb_error *err)
{
    char sender[3 * VB_MAIL_ADDRESS + 16], receiver[3 * VB_MAIL_ADDRESS + 16];
    CURLcode code = CURLE_OK;
    write_command(sender, sizeof sender, "MAIL FROM", from);
    write_command(receiver, sizeof receiver, "RCPT TO", recipient);
    enum vb_status status = say(setting, delivery, sender, &code, err);
    look->encrypted = delivery->encrypted;
    look->offers_login = delivery->offers_login;
    look->step = strcmp(delivery->verb, "MAIL") == 0 ? VB_MAIL_SENDER : failed_at(code);
    if (status != VB_OK)
        return status;
    look->step = VB_MAIL_RECIPIENT;
    status = say(setting, delivery, receiver, &code, err);
    look->about_recipient = status == VB_INVALID;
    if (status != VB_OK)
        return status;
    look->step = VB_MAIL_DONE;
    vb_smtp_set_number(setting, CURLOPT_FORBID_REUSE, 1); /* its limits are ours, see set_up */
    if (say(setting, delivery, "RSET", &code, NULL) != VB_OK)
        return VB_OK; /* it has told all that was to be known */
    return VB_OK;
}

enum vb_status vb_mail_check(const struct vb_mail_server *server, const char *from,
                             const char *recipient, struct vb_mail_look *ret_look,
                             struct vb_error *err)
{
    struct vb_smtp delivery = {.server = server};
    delivery.encrypted = strncmp(server->url, "smtps:", 6) == 0;
    *ret_look = (struct vb_mail_look){.step = VB_MAIL_CONNECT};
    CURL *curl = curl_easy_init();
    if (!curl)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the mail server");
    struct vb_smtp_setting setting = {curl, vb_smtp_set_up(curl, &delivery)};
    vb_smtp_set_number(&setting, CURLOPT_NOBODY, 1);
    enum vb_status status = take_look(&setting, &delivery, from, recipient, ret_look, err);
    curl_easy_cleanup(curl);
    return status;
}

static enum vb_status append_chain(CURL *curl, struct vb_buffer *chain)
{
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info)
        return VB_NETWORK;
    enum vb_status status = VB_OK;
    for (int i = 0; i < info->num_of_certs && status == VB_OK; i++)
        for (struct curl_slist *at = info->certinfo[i]; at && status == VB_OK; at = at->next)
            if (strncmp(at->data, "Cert:", 5) == 0)
                status = vb_buffer_printf(chain, "%s\n", at->data + 5);
    return status == VB_OK && chain->length == 0 ? VB_NETWORK : status;
}

enum vb_status vb_smtp_chain(const struct vb_mail_server *server, struct vb_buffer *chain,
                             struct vb_error *err)
{
    /* Nobody whose certificate is in doubt gets the password. */
    struct vb_mail_server stranger = *server;
    stranger.user = stranger.password = NULL;
    struct vb_smtp delivery = {.server = &stranger};
    CURL *curl = curl_easy_init();
    if (!curl)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the mail server");
    struct vb_smtp_setting setting = {curl, vb_smtp_set_up(curl, &delivery)};
    vb_smtp_set_number(&setting, CURLOPT_NOBODY, 1);
    vb_smtp_set_number(&setting, CURLOPT_SSL_VERIFYPEER, 0);
    vb_smtp_set_number(&setting, CURLOPT_SSL_VERIFYHOST, 0);
    vb_smtp_set_number(&setting, CURLOPT_CERTINFO, 1);
    vb_smtp_set_text(&setting, CURLOPT_CUSTOMREQUEST, "NOOP");
    if (setting.code == CURLE_OK)
        setting.code = curl_easy_perform(curl);
    enum vb_status status = append_chain(curl, chain);
    curl_easy_cleanup(curl);
    return status == VB_OK ? VB_OK
                           : vb_fail(err, status, "the mail server's certificate could not be had");
}
