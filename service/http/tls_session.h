/* OpenSSL's side of http/tls.h, for those files of this room that speak to it. */
#ifndef VERBATIM_HTTP_TLS_SESSION_H
#define VERBATIM_HTTP_TLS_SESSION_H

#include "tls.h"

#include <openssl/ssl.h>

/* One of a server over this descriptor, which it does not own; NULL: no memory. Any thread. */
SSL *vb_tls_session(struct vb_tls *tls, int fd);

#endif
