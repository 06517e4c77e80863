/* The HTTP server of a process: loops that listen, one a core, and the protocol between them and a
 * site. HTTP/1.0 and 1.1, with TLS where there are files for it (http/tls.h); SIGHUP reads those
 * again.
 *
 * A site is what is served: it finds routes, shapes errors, and keeps what it needs beside loops
 * and exchanges (http/server.h). Nothing here knows one.
 *
 * Owns its threads and sockets until vb_http_stop, which frees it; borrows the site, which outlives
 * it. Started and stopped by one thread; vb_http_request_stop by any before that. Errors:
 * VB_INVALID for an address, VB_IO for what the system refuses, VB_NO_MEMORY.
 */
#ifndef VERBATIM_HTTP_HTTP_H
#define VERBATIM_HTTP_HTTP_H

#include "verbatim/status.h"

#include <stdint.h>

/* Absolute deadlines of the phases; a struct so that a test can shorten them. Microseconds. */
struct vb_http_times {
    int64_t head;     /* from its first byte, or from the connect, to its last */
    int64_t body;     /* from the end of the head, or from 100 Continue, to its last byte */
    int64_t answer;   /* from the whole request to the first byte of the answer */
    int64_t progress; /* of the answer, without a byte taken by the peer: somebody may pause */
    int64_t idle;     /* between two requests */
    int64_t linger;   /* for the peer to notice a close */
};

struct vb_http_site;
struct vb_http_waits_options;
struct vb_networks;
struct vb_origins;
struct vb_tls_files;

struct vb_http_options {
    const char *listen; /* ADDRESS:PORT */
    const struct vb_http_site *site;
    const struct vb_http_waits_options *waits;
    const struct vb_tls_files *tls;    /* NULL: plain HTTP */
    const struct vb_http_times *times; /* NULL: the contract's */
    int64_t idle, progress;            /* in place of the contract's; 0: that */
    const struct vb_networks *proxies; /* that are trusted to tell a client's address */
    const struct vb_origins *origins;  /* whose pages may call (http/cors.h) */
    unsigned connections; /* at most; 0: as many as the process may have descriptors for */
};

struct vb_http;
unsigned vb_http_loops(void); /* of a server on this machine */
enum vb_status vb_http_start(const struct vb_http_options *options, struct vb_http **ret_http,
                             struct vb_error *err) vb_must_check;
/* All goes on, but each answer ends its connection, so that proxies and clients come to others by
 * themselves. Any thread, and so is the question. */
void vb_http_leave(struct vb_http *http);
bool vb_http_is_leaving(const struct vb_http *http); /* or stops */
/* No more new connections; answers under way go on. */
void vb_http_request_stop(struct vb_http *http);
/* Waits for the answers under way, some seconds at most. NULL is a no-op. */
void vb_http_stop(struct vb_http *http);

#endif
