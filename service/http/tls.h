/* TLS of the listener: certificate, key and authorities from files, by OpenSSL.
 *
 * TLS 1.2 and 1.3, without renegotiation, compression and early data; by ALPN http/1.1 and nothing
 * else. With a file of authorities every client has to show a certificate of one of them; who it is
 * of is asked of nobody, since keys say who may do what.
 *
 * vb_tls_open's result is its caller's until vb_tls_close, when no session is left. It is renewed
 * by one thread while others open sessions: those that live keep what they began with. Errors name
 * the option: VB_INVALID for files that cannot be read, are no PEM, or do not belong together;
 * VB_NO_MEMORY.
 */
#ifndef VERBATIM_HTTP_TLS_H
#define VERBATIM_HTTP_TLS_H

#include "verbatim/status.h"

#include <stdint.h>

/* Paths, borrowed; `client_ca` NULL: clients need no certificate. */
struct vb_tls_files {
    const char *certificate, *key, *client_ca;
};

struct vb_tls;

/* Borrows the paths as long as it lives. */
enum vb_status vb_tls_open(const struct vb_tls_files *files, struct vb_tls **ret_tls,
                           struct vb_error *err) vb_must_check;
/* Reads the files again. After an error sessions begin as before. */
enum vb_status vb_tls_renew(struct vb_tls *tls, bool *ret_changed,
                            struct vb_error *err) vb_must_check;
/* NULL is a no-op. */
void vb_tls_close(struct vb_tls *tls);

/* What vb_tls_open would say to the files, and the second in which the certificate ends. */
enum vb_status vb_tls_check(const struct vb_tls_files *files, int64_t *ret_ends,
                            struct vb_error *err) vb_must_check;

#endif
