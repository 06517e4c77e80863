/* Logins for media that lie behind a password: the file of the option media_credentials_file.
 *
 * A line is `HOST[:PORT] basic USER:PASSWORD` or `HOST[:PORT] bearer TOKEN`; empty lines and lines
 * that begin with '#' count for nothing. A host stands for https, port 443 unless it says another;
 * `http://HOST[:PORT]` for http alone, port 80. No patterns: a login is for one host.
 *
 * The list is its maker's until vb_media_credentials_free, which wipes it; a login that was
 * found is borrowed from it. Read once and never changed: any thread. Errors at birth alone:
 * VB_INVALID names the file, the line's number and the rule, never what stands there; VB_DENIED
 * for a file that others may read or change; what vb_file_read says; VB_NO_MEMORY.
 */
#ifndef VERBATIM_RULES_MEDIA_CREDENTIALS_H
#define VERBATIM_RULES_MEDIA_CREDENTIALS_H

#include "verbatim/buffer.h"

struct vb_media_credentials;

struct vb_media_login {
    const char *user, *password; /* of Basic; else NULL */
    const char *token;           /* of Bearer; else NULL */
};

/* `path` NULL: no logins. */
enum vb_status vb_media_credentials_load(const char *path,
                                         struct vb_media_credentials **ret_credentials,
                                         struct vb_error *err) vb_must_check;
/* The same from the file's text; `name` is what errors call it. */
enum vb_status vb_media_credentials_new(struct vb_view text, const char *name,
                                        struct vb_media_credentials **ret_credentials,
                                        struct vb_error *err) vb_must_check;
/* Whether both files said the same. */
bool vb_media_credentials_same(const struct vb_media_credentials *a,
                               const struct vb_media_credentials *b);
void vb_media_credentials_free(struct vb_media_credentials *credentials);

/* `scheme` in lower case, `host` as libcurl's URL parser gives it: ASCII, an IPv6 address in
 * brackets. Case and a dot at the end do not matter. False: there is none. */
bool vb_media_credentials_find(const struct vb_media_credentials *credentials, const char *scheme,
                               const char *host, unsigned port, struct vb_media_login *ret_login);

#endif
