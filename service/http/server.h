/* Inside of the HTTP front end: loop, connection, exchange, and how they call each other and the
 * site.
 *
 * Everything here belongs to one loop's thread, but for struct vb_http, which is shared and
 * read-only after start except where a member says atomic.
 *
 * A loop owns its connections, a connection its exchange and its file or stream. An exchange is one
 * request and its answer; it lives from the end of its head to the last byte of its answer, and
 * what it is waiting for is dropped when its connection dies. Nothing is freed under whoever holds
 * it: what events and handlers do is posted (vb_http_connection_ready, _break), and carried out at
 * the connection's turn.
 *
 * Errors are answers: whatever fails is told to the client as a status, or ends its connection once
 * an answer has begun.
 */
#ifndef VERBATIM_HTTP_SERVER_H
#define VERBATIM_HTTP_SERVER_H

#include "body.h"
#include "database/pool.h"
#include "http.h"
#include "rules/network.h"
#include "specification/problems.h"
#include "tls.h"

#include "verbatim/clock.h"
#include "verbatim/json.h"
#include "verbatim/liveness.h"
#include "verbatim/log.h"
#include "verbatim/thread.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define VB_HTTP_CHUNK 16384 /* bytes of one read, and of what is read ahead on a connection */
/* Held of a connection at most: a head and the empty line before it, and a read behind it. */
#define VB_HTTP_INPUT (VB_HTTP_HEAD + 2 + VB_HTTP_CHUNK)
#define VB_HTTP_ANSWER (2u << 20) /* most bytes of an answer that is no file */
/* bytes of a link: a session's token alone may have thousands */
#define VB_HTTP_LINK_MOST (16u << 10)
#define VB_HTTP_HEADERS_MOST (VB_HTTP_LINK_MOST + 4096) /* bytes of an answer's own headers */
#define VB_HTTP_REQUEST_ID 64u
#define VB_HTTP_ADDRESS_SLOTS 16384u

struct vb_http_exchange;
struct vb_http_connection;
struct vb_http_loop;
struct vb_http_wait;
struct vb_http_waits;
struct vb_http_channel;
struct vb_http_pack;

/* The site's own, unknown here: beside each loop, and beside each exchange. */
struct vb_api_site_loop;
struct vb_api_site_request;

/* What is served. Called on the loop's thread but where it says otherwise; none of them waits. */
struct vb_http_site {
    void *context; /* the site's */
    /* Makes loop->site, before its thread starts. What fails is cleaned up by loop_done. */
    enum vb_status (*loop_init)(struct vb_http_loop *loop, struct vb_error *err);
    void (*loop_tick)(struct vb_http_loop *loop, int64_t now); /* several times a second */
    /* After the turns of each round; it was quiet where it had none. True: what was asked for waits
     * for a quiet one. */
    bool (*loop_round)(struct vb_http_loop *loop, bool is_quiet);
    /* a stop has to wait for something */
    bool (*loop_is_busy)(const struct vb_http_loop *loop);
    /* All threads have ended; by the one that stops them. Then loop_done, for each, without
     * exchanges left. */
    void (*loops_ended)(void *context);
    void (*loop_done)(struct vb_http_loop *loop);
    /* Its part of an exchange, which is used again and again. NULL: no memory. */
    struct vb_api_site_request *(*request_new)(void);
    void (*request_reset)(struct vb_api_site_request *request);
    void (*request_free)(struct vb_api_site_request *request);
    /* The head is parsed: it answers, or waits for something that will. */
    void (*begin)(struct vb_http_exchange *exchange);
    /* One whole JSON body each; that of problems gives the status. */
    void (*put_error)(const struct vb_http_exchange *exchange, struct vb_json *json, int status,
                      const char *detail);
    int (*put_problems)(const struct vb_http_exchange *exchange, struct vb_json *json,
                        const struct vb_problems *problems);
    /* For the log: whose request it is, NULL for nobody's; and whether it is one of very many like
     * it. */
    const char *(*workspace)(const struct vb_http_exchange *exchange);
    bool (*is_poll)(const struct vb_http_exchange *exchange);
    /* How important the line of the answer is. */
    enum vb_log_level (*log_level)(const struct vb_http_exchange *exchange);
    /* Once for each answer whose status is known, at the end of one that is streamed. */
    void (*answered)(struct vb_http_exchange *exchange, int64_t microseconds);
};

struct vb_http_exchange {
    struct vb_http_connection *connection;
    struct vb_http_loop *loop;
    struct vb_http_exchange *spare; /* next of the loop's list of unused ones */
    struct vb_api_site_request *request;
    struct vb_buffer head_bytes; /* what the views of `head` point into */
    struct vb_http_head head;
    struct vb_http_body framing;
    struct vb_buffer body;
    char request_id[VB_HTTP_REQUEST_ID + 1];
    int64_t begun_at;
    bool is_head, continued, keep_alive;
    bool is_for_own_pages; /* no page of another origin reads the answer, whatever the list says */
    bool may_be_kept;      /* by caches: the handler says how long; an error never is */
    int status;            /* of the answer; 0: none yet */
    uint64_t answer_size;
    size_t path_shown; /* bytes of its path that the log may show: what follows is a secret */
    /* Of the answer, beside the usual: of the one that is meant, and of an error in its place. */
    struct vb_buffer headers, error_headers;
    enum vb_status headers_status; /* VB_OK: none of them is missing */
    struct vb_pg_ticket *ticket;   /* what is waited for */
    void (*on_body)(struct vb_http_exchange *exchange);
    /* While the handler has it: the client has closed its side. It may be gone, or only have no
     * more to ask. */
    void (*on_left)(struct vb_http_exchange *exchange);
    /* Its file has gone out, or its connection ended before: so many of its bytes were taken by the
     * kernel, which may hold the last megabytes. Not called where the process ends. */
    void (*on_file_end)(struct vb_http_exchange *exchange, uint64_t sent);
    struct vb_http_wait *wait; /* for the end of a job (http/waits.h); a part of `state` */
    /* The handler's own; freed with the exchange. */
    void *state;
    void (*free_state)(void *state);
};

enum vb_http_phase {
    VB_HTTP_IDLE,      /* no byte of the next request */
    VB_HTTP_READ,      /* its head */
    VB_HTTP_READ_BODY, /* its body */
    VB_HTTP_WORK,      /* the handler has it */
    VB_HTTP_WRITE,     /* the answer goes out */
    VB_HTTP_DRAIN,     /* the rest of a body nobody wanted comes in */
    VB_HTTP_LINGER,    /* closed for writing; waiting for the peer to read and close */
    VB_HTTP_DEAD       /* freed at the end of the round */
};

struct vb_http_connection {
    struct vb_http_loop *loop;
    struct vb_http_connection *previous, *next;
    int fd;
    struct vb_http_channel *tls; /* NULL: plain HTTP (http/channel.h) */
    unsigned slot;               /* of its address in the limits */
    unsigned char peer[VB_ADDRESS];
    struct event readable, writable;
    bool reads, writes, ended; /* events on; the peer has closed its side */
    bool is_ready;             /* in the loop's list of ready ones */
    bool is_broken;            /* its answer failed: closed at its turn */
    struct vb_http_connection *next_ready;
    enum vb_http_phase phase;
    int64_t deadline;
    int64_t kept_until; /* a stop closes it no sooner: its first request may be under way */
    struct vb_buffer input;
    struct vb_http_scan scan;
    struct vb_buffer output;
    size_t sent;
    int unacknowledged; /* bytes the socket held at the last look */
    struct vb_http_exchange *exchange;
    int file; /* the rest of the answer; -1: none */
    off_t file_at;
    uint64_t file_left;
    struct vb_http_stream
        *stream; /* the rest of an answer without a length; NULL: none (http/stream.h) */
};

/* Handshakes of TLS under way (http/channel.h). */
struct vb_http_handshakes {
    struct vb_http_connection *oldest, *newest;
    unsigned count;
};

/* The site's part is made by loop_init; the lists are of connections by their state. */
struct vb_http_loop {
    struct vb_http *http;
    struct vb_api_site_loop *site;
    struct vb_thread thread;
    struct vb_liveness liveness; /* of its rounds: nothing in them waits */
    struct event_base *base;
    int listener;
    struct event *accepting, *ticking, *waking;
    int spare_fd;            /* given up to tell a client that there are none left; -1: none */
    int64_t accepting_again; /* 0: it accepts; else when it does */
    int wake_fd;
    int ring_fd; /* http/waits.c */
    struct event *ringing;
    struct vb_http_wait *rung; /* under the mutex of the waits */
    struct vb_http_connection *first, *dead;
    struct vb_http_connection *ready,
        **last_ready; /* those that can go on, in the order of their turns */
    struct vb_http_handshakes handshakes;
    size_t connections, spares;
    struct vb_http_exchange *spare;
    bool is_draining;
    struct vb_buffer scratch;  /* bodies of answers are made here */
    struct vb_http_pack *pack; /* for whole ones; NULL before the first */
    struct vb_buffer packed;
    time_t date_of;
    char date[64];
    uint64_t request_prefix, request_number;
    char chunk[VB_HTTP_CHUNK];
};

struct vb_http {
    const struct vb_http_site *site;
    struct vb_http_times times;
    const struct vb_networks *proxies; /* that are trusted; borrowed */
    const struct vb_origins *origins;  /* whose pages may call; borrowed */
    struct vb_tls *tls;                /* NULL: plain HTTP */
    struct vb_http_loop *loops;
    size_t loop_count;
    struct vb_http_waits *waits;
    atomic_bool leaving, asked, stopping;
    int64_t stop_by;
    atomic_uint connections, connection_limit;
    atomic_llong shortage_told; /* when the log said last that descriptors are short */
    uint64_t address_seed;
    atomic_uint addresses[VB_HTTP_ADDRESS_SLOTS];
};

/* --- connection (http/connection.c, http/turn.c) --- */
void vb_http_connection_new(struct vb_http_loop *loop, int fd, unsigned slot,
                            const unsigned char peer[VB_ADDRESS]);
/* its deadline */
void vb_http_connection_sweep(struct vb_http_connection *connection, int64_t now);
/* At once: for turns, the connection's own events and the tick, never for a handler. */
void vb_http_connection_close(struct vb_http_connection *connection);
void vb_http_connection_bury(struct vb_http_loop *loop); /* frees what was closed; none is ready */
/* It can go on: at its turn, once the loop has called back for all events of a round. So whoever
 * answers or asks for a body comes back to an exchange that is still there. Once is enough. */
void vb_http_connection_ready(struct vb_http_connection *connection);
/* Nothing can be answered any more: it is closed at its turn. */
void vb_http_connection_break(struct vb_http_connection *connection);
/* A turn for each that was ready when it was called, and so none waits for one that pipelines. */
void vb_http_connection_turns(struct vb_http_loop *loop);

/* --- exchange (http/exchange.c) --- */
/* NULL: no memory. */
struct vb_http_exchange *vb_http_exchange_new(struct vb_http_connection *connection);
/* NULL is a no-op. The handler's state goes with it. */
void vb_http_exchange_free(struct vb_http_exchange *exchange);
/* Parses the head, and the site begins. VB_INVALID: refused as framing. */
enum vb_status vb_http_exchange_begin(struct vb_http_exchange *exchange, struct vb_view head,
                                      struct vb_http_refusal *ret_refusal) vb_must_check;
/* The handler wants the body: `on_body` is called once it is whole; refusals are answered here. */
void vb_http_exchange_read_body(struct vb_http_exchange *exchange,
                                void (*on_body)(struct vb_http_exchange *exchange));
/* as announced by its head */
bool vb_http_exchange_has_body(const struct vb_http_exchange *exchange);

/* --- answers (http/answer.c): exactly one for each exchange --- */
/* A name for who saves the body: "Content-Disposition: attachment". */
void vb_http_answer_attachment(struct vb_http_exchange *exchange, const char *name);
/* The same for a body that a browser shows: "Content-Disposition: inline". */
void vb_http_answer_inline(struct vb_http_exchange *exchange, const char *name);
/* One more header of an answer below 400; the value must be clean. One that finds no room makes the
 * answer an error. */
void vb_http_answer_header(struct vb_http_exchange *exchange, const char *name, const char *value);
/* The same of an answer from 400 on: it carries none of the others, since it is another answer than
 * the one meant. */
void vb_http_answer_error_header(struct vb_http_exchange *exchange, const char *name,
                                 const char *value);
/* `type` "": no body. The body is copied. */
void vb_http_answer(struct vb_http_exchange *exchange, int status, const char *type,
                    struct vb_view body);
/* 304, with the headers put so far: those by which the client knows what it holds, and no others
 * (RFC 9110, 15.4.5). */
void vb_http_answer_unchanged(struct vb_http_exchange *exchange);
void vb_http_answer_json(struct vb_http_exchange *exchange, int status, const struct vb_json *json);
/* Errors, in the shape that the site gives them. */
void vb_http_answer_detail(struct vb_http_exchange *exchange, int status, const char *detail);
void vb_http_answer_problems(struct vb_http_exchange *exchange, const struct vb_problems *problems);
/* 503 with Retry-After where `error` is passing, else 500; logs the reason. */
void vb_http_answer_error(struct vb_http_exchange *exchange, const struct vb_error *error);
/* The same, of what was being done and how it ended. */
void vb_http_answer_status(struct vb_http_exchange *exchange, enum vb_status status,
                           const char *what);
/* Streams `length` bytes of `file` from `at`; owns the descriptor from here on. */
void vb_http_answer_file(struct vb_http_exchange *exchange, int status, const char *type, int file,
                         off_t at, uint64_t length);
/* False: a header of the answer is missing, and an error was answered. */
bool vb_http_answer_headers_hold(struct vb_http_exchange *exchange);
/* 200 and the head of an answer whose body the connection streams, or has none of; its headers
 * hold. */
void vb_http_answer_begin(struct vb_http_exchange *exchange, const char *type, bool chunked);
/* For a body that is over: its size is known only then. */
void vb_http_answer_log(struct vb_http_exchange *exchange);
/* The line of a file that has gone out, or was cut short; it was counted when it began. */
void vb_http_answer_log_file(const struct vb_http_exchange *exchange, uint64_t sent);
/* Whether If-None-Match names this tag, which holds nothing that could be part of another one. */
bool vb_http_tag_is_held(const struct vb_http_exchange *exchange, const char *etag);
/* A JSON writer into the loop's scratch buffer, emptied. */
struct vb_json vb_http_json(struct vb_http_exchange *exchange);
void vb_http_date_text(time_t time, char text[64]);

/* --- who asks (http/client.c): the address of the client behind the proxies that are trusted. From
 * an exchange whose head is there; worked out at each call --- */
void vb_http_client_text(const struct vb_http_exchange *exchange, char ret_text[VB_ADDRESS_TEXT]);
/* Where mistakes of this address are counted, with those of others (vb_http_limits_slot). */
unsigned vb_http_client_slot(const struct vb_http_exchange *exchange);

/* --- listening, limits, loops (http/loop.c, http/limits.c) --- */
enum vb_status vb_http_listen(const char *address, int *ret_fds, size_t count,
                              struct vb_error *err) vb_must_check;
/* False: refused, and nothing is counted. Each true needs its leave. */
bool vb_http_limits_enter(struct vb_http *http, const unsigned char address[VB_ADDRESS],
                          unsigned *ret_slot);
/* Where an address is counted, with others that have the same hash. */
unsigned vb_http_limits_slot(const struct vb_http *http, const unsigned char address[VB_ADDRESS]);
void vb_http_limits_leave(struct vb_http *http, unsigned slot);
enum vb_status vb_http_loop_init(struct vb_http_loop *loop, struct vb_http *http, int listener,
                                 struct vb_error *err) vb_must_check;
enum vb_status vb_http_loop_start(struct vb_http_loop *loop, struct vb_error *err) vb_must_check;
void vb_http_loop_wake(void *context); /* the loop; any thread */
void vb_http_loop_done(struct vb_http_loop *loop);

#endif
