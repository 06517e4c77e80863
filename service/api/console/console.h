/* The console's own routes: its files, and whatever its page needs beside the doors.
 *
 * Handlers as in api/api.h: on the loop's thread, never waiting; errors are answers. What they
 * serve is constant.
 */
#ifndef VERBATIM_API_CONSOLE_CONSOLE_H
#define VERBATIM_API_CONSOLE_CONSOLE_H

struct vb_http_exchange;

/* GET /console: on to /console/, so that what the page names relatively lies below it. */
void vb_console_root_begin(struct vb_http_exchange *exchange);
/* GET /console/: the page. */
void vb_console_page_begin(struct vb_http_exchange *exchange);
/* GET /console/PATH: one of its files, or 404. */
void vb_console_asset_begin(struct vb_http_exchange *exchange);

/* /api/v1/console/session: a key is exchanged for a cookie that stands for it below /api/; who is
 * here, and until when; and the end of it. */
void vb_console_sign_in_begin(struct vb_http_exchange *exchange);
void vb_console_session_begin(struct vb_http_exchange *exchange);
void vb_console_sign_out_begin(struct vb_http_exchange *exchange);

#endif
