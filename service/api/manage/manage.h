/* Handlers for people who run a workspace, by the console or by a program: what can be exported is
 * found by name, keys are made and revoked.
 *
 * As in api/api.h: on the loop's thread, never waiting; errors are answers, in the shape of the
 * native door.
 */
#ifndef VERBATIM_API_MANAGE_MANAGE_H
#define VERBATIM_API_MANAGE_MANAGE_H

struct vb_http_exchange;

/* GET of assistants, channels, contacts by a piece of their texts (manage/find.c). */
void vb_manage_assistants_begin(struct vb_http_exchange *exchange);
void vb_manage_channels_begin(struct vb_http_exchange *exchange);
void vb_manage_contacts_begin(struct vb_http_exchange *exchange);

/* Keys of the workspace: the list, a new one, the end of one (manage/keys.c). */
void vb_manage_keys_begin(struct vb_http_exchange *exchange);
void vb_manage_key_make_begin(struct vb_http_exchange *exchange);
void vb_manage_key_revoke_begin(struct vb_http_exchange *exchange);

/* The audit of exports, page by page, and all of it as CSV (manage/audit.c, manage/audit_csv.c). */
void vb_manage_audit_begin(struct vb_http_exchange *exchange);
void vb_manage_audit_csv_begin(struct vb_http_exchange *exchange);

/* Settings of the workspace, and changes of them (manage/settings.c). */
void vb_manage_settings_begin(struct vb_http_exchange *exchange);
void vb_manage_settings_change_begin(struct vb_http_exchange *exchange);
/* The life of an export (manage/history.c). */
void vb_manage_history_begin(struct vb_http_exchange *exchange);

#endif
