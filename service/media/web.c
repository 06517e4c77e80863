/* Fetches from web servers: looked at, asked for, redirected, tried again. See media/web.h.
 *
 * The URL is taken apart by the parser of the library that fetches it, so that both mean the same
 * host. The host is judged before anything is sent; the address is judged in exchange.c.
 *
 * A login is sent to the scheme, host and port that the file has it for, and only while redirects
 * have not left the medium's own: where a server sends us is a stranger's choice, and a platform's
 * media host commonly sends to a store that must not see its key.
 *
 * A fetch keeps its place at a host from the first attempt to the last, also while it waits before
 * the next one: a host in trouble is asked less, not more.
 */
#include "web.h"

#include "exchange.h"
#include "hosts.h"

#include "verbatim/clock.h"
#include "verbatim/hash.h"

#include <stdlib.h>

#define REDIRECTS 5
#define ATTEMPTS 3
/* A server that asks for patience gets more of it: what is skipped then would be most of what it
 * has. */
#define THROTTLED_ATTEMPTS 8
#define FIRST_WAIT (VB_SECOND / 4)
#define CONNECTIONS 4L /* kept open, at least */
/* Unless the thread has looked for so long, a fetch that ran out of time may have done so while
 * nobody took its bytes. */
#define UNATTENDED VB_SECOND

struct vb_web {
    struct vb_web_options options;
    CURLM *multi; /* keeps the connections */
    struct vb_hosts *hosts;
    size_t running;        /* requests under way */
    int64_t looked_at;     /* monotonic; when the last turn ended, */
    int64_t unattended_at; /* and when the last one began that came late */
};

enum state {
    ENDED,   /* or never begun */
    WAITING, /* for a place at its host */
    RESTING, /* at its host, before another attempt */
    RUNNING, /* a request is under way */
};

struct vb_fetch {
    struct vb_web *web;
    enum state state;
    struct vb_medium medium;
    const struct vb_media_credentials *logins;
    struct vb_exchange exchange;
    struct vb_spool spool;
    /* Where its chain of redirects is. */
    CURLU *url;
    struct vb_origin first; /* where it began */
    bool begun, left; /* left: it has been somewhere else; it may come back, without a login */
    int hops;
    struct vb_media_login login;
    struct vb_host *host; /* held; NULL: none */
    bool inside;          /* and counted there */
    int attempt, attempts;
    int64_t due;     /* of the next attempt; monotonic */
    int64_t sent_at; /* of the last */
    enum vb_status status;
    struct vb_error err;
};

/* --- the web --- */

enum vb_status vb_web_new(const struct vb_web_options *options, struct vb_web **ret_web,
                          struct vb_error *err)
{
    struct vb_web *web = calloc(1, sizeof *web);
    if (!web)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    web->options = *options;
    web->multi = curl_multi_init();
    if (!web->multi ||
        vb_hosts_new(options->fetches, options->at_one_host, &web->hosts, err) != VB_OK) {
        vb_web_free(web);
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    }
    long fetches = (long)options->fetches;
    curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS,
                      fetches > CONNECTIONS ? fetches : CONNECTIONS);
    *ret_web = web;
    return VB_OK;
}

void vb_web_free(struct vb_web *web)
{
    if (!web)
        return;
    curl_multi_cleanup(web->multi);
    vb_hosts_free(web->hosts);
    free(web);
}

/* --- the chain of URLs --- */

static void leave_host(struct vb_fetch *fetch)
{
    if (fetch->inside)
        vb_host_abandon(fetch->host);
    if (fetch->host)
        vb_hosts_let_go(fetch->host);
    fetch->inside = false;
    fetch->host = NULL;
}

static void end(struct vb_fetch *fetch, enum vb_status status)
{
    leave_host(fetch);
    curl_url_cleanup(fetch->url);
    fetch->url = NULL;
    fetch->state = ENDED;
    fetch->status = status;
}

/* A URL with a user of its own keeps to that. */
static bool find_login(struct vb_fetch *fetch, const struct vb_origin *origin)
{
    char *user = NULL;
    bool has_user = curl_url_get(fetch->url, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    return !fetch->left && !has_user &&
           vb_media_credentials_find(fetch->logins, origin->scheme, origin->host, origin->port,
                                     &fetch->login);
}

/* One URL of the chain. */
static enum vb_status visit(struct vb_fetch *fetch, const char *text)
{
    struct vb_web *web = fetch->web;
    struct vb_origin origin;
    enum vb_status status = vb_origin_parse(fetch->url, text, &fetch->err);
    if (status == VB_OK)
        status = vb_origin_of(fetch->url, &origin, &fetch->err);
    if (status != VB_OK)
        return status;
    if (!vb_media_allow_host(web->options.allow, origin.host, origin.port))
        return vb_fail(&fetch->err, VB_NOT_FOUND, "%.200s:%u is not in media_allow", origin.host,
                       origin.port);
    if (!fetch->begun)
        fetch->first = origin;
    fetch->begun = true;
    fetch->left = fetch->left || !vb_origin_equals(&origin, &fetch->first);
    fetch->exchange.login = find_login(fetch, &origin) ? &fetch->login : NULL;
    leave_host(fetch);
    fetch->host = vb_hosts_hold(web->hosts, origin.host);
    fetch->attempt = 0;
    fetch->state = WAITING;
    return VB_OK;
}

/* At most REDIRECTS hops; a loop of redirects ends there too. */
static enum vb_status follow(struct vb_fetch *fetch)
{
    const char *next = NULL;
    if (fetch->hops++ >= REDIRECTS)
        return vb_fail(&fetch->err, VB_NOT_FOUND, "more than %d redirects", REDIRECTS);
    /* The text lives until the handle's next request. */
    curl_easy_getinfo(fetch->exchange.easy, CURLINFO_REDIRECT_URL, &next);
    return visit(fetch, next);
}

/* --- attempts --- */

static enum vb_status send_request(struct vb_fetch *fetch, int64_t now)
{
    struct vb_web *web = fetch->web;
    enum vb_status status = vb_exchange_prepare(&fetch->exchange, fetch->url, &fetch->err);
    if (status != VB_OK)
        return status;
    if (curl_easy_setopt(fetch->exchange.easy, CURLOPT_PRIVATE, fetch) != CURLE_OK ||
        curl_multi_add_handle(web->multi, fetch->exchange.easy) != CURLM_OK)
        return vb_fail(&fetch->err, VB_NO_MEMORY, "no memory for fetching media");
    if (web->running++ == 0)
        web->looked_at = now;
    fetch->attempt++;
    fetch->sent_at = now;
    fetch->state = RUNNING;
    return VB_OK;
}

/* The first attempt at this host. A host that has failed before gets one, or none. */
static enum vb_status enter(struct vb_fetch *fetch, int64_t now)
{
    struct vb_host *host = fetch->host;
    fetch->inside = true;
    if (vb_host_is_passed_over(host, now))
        return vb_fail(&fetch->err, VB_NOT_FOUND,
                       "%s has failed %u times in a row and was not asked", host->name,
                       host->failures);
    fetch->attempts = vb_host_is_weak(host) ? 1 : ATTEMPTS;
    return send_request(fetch, now);
}

int64_t vb_fetch_start(struct vb_fetch *fetch, int64_t now)
{
    enum vb_status status = VB_OK;
    if (fetch->state == WAITING) {
        if (!vb_host_enter(fetch->host, now))
            return fetch->host->throttled_until > now ? fetch->host->throttled_until : INT64_MAX;
        status = enter(fetch, now);
    } else if (fetch->state == RESTING) {
        if (now < fetch->due)
            return fetch->due;
        status = send_request(fetch, now);
    }
    if (status != VB_OK)
        end(fetch, status);
    return INT64_MAX;
}

/* Jittered, doubled each time, and not less than was asked for. */
static void rest(struct vb_fetch *fetch, enum vb_outcome outcome, int64_t now)
{
    int64_t wait = (int64_t)((double)(FIRST_WAIT << fetch->attempt) * (0.5 + vb_random_unit()));
    if (wait < fetch->exchange.retry_after)
        wait = fetch->exchange.retry_after;
    vb_host_slow_down(fetch->host, outcome == VB_THROTTLED ? now + wait : 0);
    fetch->due = now + wait;
    fetch->state = RESTING;
}

/* Whether the trouble may be our own: the thread did something else, or let the fetch rest. */
static bool was_unattended(const struct vb_fetch *fetch, CURLcode code)
{
    return (code == CURLE_OPERATION_TIMEDOUT && fetch->web->unattended_at > fetch->sent_at) ||
           (code != CURLE_OK && fetch->exchange.rested);
}

/* Or several shared what one alone would have had in time. */
static bool was_crowded(const struct vb_fetch *fetch, CURLcode code)
{
    return code == CURLE_OPERATION_TIMEDOUT && fetch->spool.size > 0 && fetch->host->most > 1;
}

/* Whether the attempt is as if it had not been. */
static bool is_forgiven(struct vb_fetch *fetch, CURLcode code, int64_t now)
{
    if (was_unattended(fetch, code)) {
        fetch->attempt--;
        fetch->due = now;
        fetch->state = RESTING;
        return true;
    }
    if (!was_crowded(fetch, code))
        return false;
    vb_host_calm(fetch->host);
    vb_host_abandon(fetch->host);
    fetch->inside = false;
    fetch->attempt = 0;
    fetch->state = WAITING;
    return true;
}

/* A request came to its end. Several attempts at one URL; a host that throttles gets more of them,
 * each after the wait that it asked for. */
static void settle(struct vb_fetch *fetch, CURLcode code, int64_t now)
{
    enum vb_outcome outcome = VB_FAILED;
    enum vb_status status = vb_exchange_settle(&fetch->exchange, code, fetch->host->name,
                                               fetch->medium.declared, &outcome, &fetch->err);
    bool healthy = outcome != VB_MAY_HEAL && outcome != VB_THROTTLED;
    if (outcome == VB_MAY_HEAL && is_forgiven(fetch, code, now))
        return;
    if (outcome == VB_THROTTLED && fetch->attempts > 1)
        fetch->attempts = THROTTLED_ATTEMPTS;
    if (!healthy && fetch->attempt < fetch->attempts) {
        rest(fetch, outcome, now);
        return;
    }
    if (status == VB_OK || status == VB_NOT_FOUND) {
        fetch->inside = false;
        vb_host_leave(fetch->web->hosts, fetch->host, healthy, now);
    }
    if (outcome == VB_REDIRECTED)
        status = follow(fetch);
    if (status != VB_OK || outcome != VB_REDIRECTED)
        end(fetch, status);
}

/* --- a turn --- */

static void take_out(struct vb_fetch *fetch)
{
    curl_multi_remove_handle(fetch->web->multi, fetch->exchange.easy);
    fetch->web->running--;
}

/* Whether any request has ended. */
static bool collect(struct vb_web *web, int64_t now)
{
    const CURLMsg *message = NULL;
    bool any = false;
    int left = 0;
    while ((message = curl_multi_info_read(web->multi, &left))) {
        CURLcode code = message->data.result; /* gone with the handle */
        char *fetch = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        take_out((struct vb_fetch *)(void *)fetch);
        settle((struct vb_fetch *)(void *)fetch, code, now);
        any = true;
    }
    return any;
}

/* A multi handle that fails is out of memory or misused, so each of its failures counts as want of
 * memory, which may pass. */
static bool look(struct vb_web *web, bool *ret_any)
{
    int running = 0;
    int64_t now = vb_clock_monotonic();
    if (web->running > 0 && now - web->looked_at > UNATTENDED)
        web->unattended_at = now;
    CURLMcode code = curl_multi_perform(web->multi, &running);
    *ret_any = code == CURLM_OK && collect(web, now);
    web->looked_at = vb_clock_monotonic();
    return code == CURLM_OK;
}

enum vb_status vb_web_turn(struct vb_web *web, int64_t wait, struct vb_error *err)
{
    bool any = false, good = look(web, &any);
    if (good && !any && wait > 0) {
        good = curl_multi_poll(web->multi, NULL, 0, (int)((wait + 999) / 1000), NULL) == CURLM_OK;
        good = good && look(web, &any);
    }
    return good ? VB_OK : vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
}

/* --- a fetch --- */

static bool has_room(void *context, size_t length)
{
    const struct vb_fetch *fetch = context;
    const struct vb_web_options *options = &fetch->web->options;
    return options->has_room(options->room_context, fetch, length);
}

enum vb_status vb_fetch_new(struct vb_web *web, struct vb_fetch **ret_fetch, struct vb_error *err)
{
    struct vb_fetch *fetch = calloc(1, sizeof *fetch);
    if (!fetch)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    fetch->web = web;
    vb_spool_init(&fetch->spool);
    fetch->exchange = (struct vb_exchange){.easy = curl_easy_init(),
                                           .allow = web->options.allow,
                                           .patience = web->options.patience,
                                           .spool = &fetch->spool,
                                           .has_room = has_room,
                                           .room_context = fetch};
    if (!fetch->exchange.easy) {
        vb_fetch_free(fetch);
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    }
    *ret_fetch = fetch;
    return VB_OK;
}

void vb_fetch_free(struct vb_fetch *fetch)
{
    if (!fetch)
        return;
    vb_fetch_drop(fetch);
    curl_easy_cleanup(fetch->exchange.easy);
    vb_spool_done(&fetch->spool);
    free(fetch);
}

void vb_fetch_begin(struct vb_fetch *fetch, const struct vb_media_credentials *logins,
                    const struct vb_medium *medium, uint64_t most)
{
    fetch->medium = *medium;
    fetch->logins = logins;
    fetch->exchange.most = most;
    fetch->begun = fetch->left = false;
    fetch->hops = 0;
    fetch->url = curl_url();
    enum vb_status status =
        fetch->url ? visit(fetch, medium->url)
                   : vb_fail(&fetch->err, VB_NO_MEMORY, "no memory for fetching media");
    if (status != VB_OK)
        end(fetch, status);
}

void vb_fetch_go_on(struct vb_fetch *fetch)
{
    if (fetch->state == RUNNING && fetch->exchange.rested)
        curl_easy_pause(fetch->exchange.easy, CURLPAUSE_CONT);
}

/* Taken out in the middle, the connection is closed. */
void vb_fetch_drop(struct vb_fetch *fetch)
{
    if (fetch->state == RUNNING)
        take_out(fetch);
    end(fetch, VB_STOPPED);
}

bool vb_fetch_has_ended(const struct vb_fetch *fetch)
{
    return fetch->state == ENDED;
}

enum vb_status vb_fetch_result(const struct vb_fetch *fetch, struct vb_error *err)
{
    if (fetch->status != VB_OK && err)
        *err = fetch->err;
    return fetch->status;
}

struct vb_spool *vb_fetch_spool(struct vb_fetch *fetch)
{
    return &fetch->spool;
}

int64_t vb_fetch_told_size(const struct vb_fetch *fetch)
{
    curl_off_t length = -1;
    if (fetch->state == RUNNING)
        curl_easy_getinfo(fetch->exchange.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}
