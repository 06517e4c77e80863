/* What the mail of a claimed row says: the job's own words and its link. */
#include "errand_row.h"
#include "storage/short_link.h"
#include "verbatim/zone.h"

#include <stdio.h>
#include <string.h>

/* A zone that this machine does not know leaves UTC, rather than no mail. */
static void fill_zone(struct vb_export_notice *notice, const char *name)
{
    struct vb_zone *zone = NULL;
    notice->time_zone = "UTC";
    notice->offset_seconds = 0;
    if (vb_zone_new(name, &zone, NULL) != VB_OK)
        return;
    notice->time_zone = name;
    notice->offset_seconds = vb_zone_offset(zone, notice->link_expires_at);
    vb_zone_free(zone);
}

static enum vb_status link_of(struct vb_pg *pg, const char *base_url,
                              const struct vb_errand *errand, struct vb_buffer *link,
                              struct vb_error *err)
{
    struct vb_link_secrets secrets;
    enum vb_status status = vb_link_secrets_load(pg, &secrets, err);
    if (status != VB_OK)
        return status;
    status = vb_short_link_write(base_url, &secrets, errand->job_id, errand->link, link, err);
    explicit_bzero(&secrets, sizeof secrets);
    return status;
}

static struct vb_export_notice notice_of(const struct vb_errand *errand, const char *link)
{
    const char *name = vb_errand_text(errand, COLUMN_CHANNEL),
               *phone = vb_errand_text(errand, COLUMN_PHONE);
    const char *id = vb_errand_text(errand, COLUMN_CHANNEL_ID),
               *title = vb_errand_text(errand, COLUMN_TITLE);
    bool is_channel = name[0] || phone[0] || id[0];
    struct vb_export_notice notice = {
        .label = is_channel ? NULL : "Conversations of",
        .channel = name[0]      ? name
                   : phone[0]   ? phone
                   : is_channel ? id
                   : title[0]   ? title
                                : "the workspace",
        .phone = phone,
        .start_date = vb_errand_text(errand, COLUMN_START),
        .end_date = vb_errand_text(errand, COLUMN_END),
        .conversations = vb_errand_number(errand, COLUMN_CONVERSATIONS),
        .messages = vb_errand_number(errand, COLUMN_MESSAGES),
        .size = vb_errand_number(errand, COLUMN_SIZE),
        .file_name = vb_errand_text(errand, COLUMN_FILE),
        .format = vb_errand_text(errand, COLUMN_FORMAT),
        .incomplete = vb_errand_text(errand, COLUMN_INCOMPLETE),
        .link = link,
        .link_expires_at = errand->expires_at,
    };
    fill_zone(&notice, vb_errand_text(errand, COLUMN_ZONE));
    return notice;
}

enum vb_status vb_errand_compose(struct vb_pg *pg, const char *base_url,
                                 const struct vb_mail_sender *sender,
                                 const struct vb_errand *errand, struct vb_buffer *message,
                                 struct vb_error *err)
{
    struct vb_buffer link, subject, text, html;
    char message_id[VB_MAIL_ADDRESS + 64];
    vb_buffer_init(&link, 16384);
    vb_buffer_init(&subject, 2048);
    vb_buffer_init(&text, VB_ERRAND_MESSAGE);
    vb_buffer_init(&html, VB_ERRAND_MESSAGE);
    snprintf(message_id, sizeof message_id, "%s.mail%s", errand->job_id,
             strchr(sender->address, '@'));
    enum vb_status status = link_of(pg, base_url, errand, &link, err);
    if (status == VB_OK) {
        struct vb_export_notice notice = notice_of(errand, link.data);
        status = vb_export_notice_write(&notice, &subject, &text, &html, err);
    }
    if (status == VB_OK) {
        const struct vb_mail mail = {sender,
                                     errand->recipient,
                                     message_id,
                                     errand->finished_at,
                                     subject.data,
                                     {text.data, text.length},
                                     {html.data, html.length}};
        status = vb_mail_compose(&mail, message, err);
    }
    vb_buffer_done(&link);
    vb_buffer_done(&subject);
    vb_buffer_done(&text);
    vb_buffer_done(&html);
    return status;
}
