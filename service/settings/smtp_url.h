/* The option smtp_url: SCHEME://[USER[:PASSWORD]@]HOST[:PORT].
 *
 * Most products take the login there, so it is taken here as well; the program itself keeps it
 * apart, so that nothing that prints the server's address can print the password.
 *
 * Results are the caller's to free, and hold secrets. Pure; any thread. VB_INVALID for what has
 * another form, VB_NO_MEMORY; nothing is written then. Nothing borrowed lives beyond the call.
 */
#ifndef VERBATIM_SETTINGS_SMTP_URL_H
#define VERBATIM_SETTINGS_SMTP_URL_H

#include "options.h"

struct vb_smtp_url {
    char *server;          /* without the login and without a trailing slash */
    char *user, *password; /* percent-decoded; NULL where the address has none */
};
/* What stands before the last '@' is the login, up to its first ':' the user: a password with '@',
 * ':' or '/' is understood as it is. A '%' has to be %25. Neither may be empty or hold controls. */
enum vb_status vb_smtp_url_parse(const char *text, struct vb_smtp_url *ret_url,
                                 struct vb_error *err) vb_must_check;
void vb_smtp_url_done(struct vb_smtp_url *url);
/* Moves a login out of the option smtp_url, if there are both, into smtp_user and smtp_password;
 * VB_INVALID where it is given there as well. */
enum vb_status vb_smtp_url_derive(struct vb_options *options, struct vb_error *err) vb_must_check;

#endif
