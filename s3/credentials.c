/* The chain, and the keys it last gave. See s3_credentials.h.
 *
 * The lock is never held while a place is asked. Threads that find a fetch under way go on with
 * valid keys, or wait for its outcome. After a fetch that failed, nobody asks for a while that
 * doubles: its error is the answer meanwhile. Memory: the keys, about 9 KiB.
 *
 * Keys pass through three ages: fresh until 15 minutes before their end, due for renewal but good
 * until a minute before it, then unusable, since a request signed in the last minute may arrive too
 * late. Keys that the store itself called expired (`rejected`) count as unusable whatever their
 * time says. Keys without an end (environment, file without token) are never fetched again on their
 * own account; a store that rejects them makes the chain be asked anew, so a changed file is read.
 *
 * The environment is read by getenv at each fetch, on whatever thread fetches; nobody in this
 * program changes it once threads run.
 */
#include "credentials.h"

#include "verbatim/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Instances and containers get new keys at least 5 minutes before the old ones end; 15 leave
 * several tries. */
#define RENEW_BEFORE (15 * 60 * VB_SECOND)
#define UNUSABLE_BEFORE (60 * VB_SECOND)
#define FIRST_PAUSE (2 * VB_SECOND) /* from a failure to the retry, doubled up to: */
#define LONGEST_PAUSE (60 * VB_SECOND)
#define LOOK_EVERY (60 * VB_SECOND) /* of the thread that keeps the keys fresh */

/* One for the whole process as a rule, so that many threads cost one fetch. */
struct vb_s3_credentials {
    char *region; /* fixed at birth */
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    /* The rest under the lock. */
    struct vb_s3_keys keys;
    bool has_keys, rejected, fetching;
    int64_t not_before;    /* of the next fetch, monotonic; 0: at any time */
    unsigned failures;     /* in a row */
    uint64_t fetches;      /* ended ones */
    struct vb_error error; /* of the last fetch */
    const char *source;
};

static vb_s3_fetch fetch_environment;

static const struct {
    const char *name;
    vb_s3_fetch *fetch;
    /* In the order of the AWS SDKs. */
} places[] = {
    {"environment", fetch_environment},       {"web identity", vb_s3_fetch_web_identity},
    {"shared file", vb_s3_fetch_shared_file}, {"container", vb_s3_fetch_container},
    {"instance", vb_s3_fetch_instance},
};

static enum vb_status fetch_environment(const struct vb_s3_lookup *lookup,
                                        struct vb_s3_keys *ret_keys, struct vb_error *err)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    (void)lookup;
    bool has_id = id && *id, has_secret = secret && *secret;
    if (!has_id && !has_secret)
        return VB_NOT_FOUND;
    /* Half a pair is a mistake; going on to the next place would hide it. */
    if (!has_id || !has_secret)
        return vb_fail(err, VB_INVALID, "%s is set without %s",
                       has_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                       has_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    *ret_keys = (struct vb_s3_keys){0};
    return vb_s3_keys_fill(ret_keys, id, secret, getenv("AWS_SESSION_TOKEN"), err);
}

/* An empty provider: no keys, nobody asked, any fetch allowed at once. */
enum vb_status vb_s3_credentials_new(const char *region, struct vb_s3_credentials **ret_credentials,
                                     struct vb_error *err)
{
    struct vb_s3_credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials)
        return vb_fail(err, VB_NO_MEMORY, "no memory for credentials");
    credentials->source = "";
    credentials->region = region ? strdup(region) : NULL;
    if (region && !credentials->region) {
        free(credentials);
        return vb_fail(err, VB_NO_MEMORY, "no memory for credentials");
    }
    pthread_mutex_init(&credentials->lock, NULL); /* cannot fail with default attributes */
    pthread_cond_init(&credentials->fetched, NULL);
    *ret_credentials = credentials;
    return VB_OK;
}

/* Nobody may be inside a call: the keeper thread is joined and the workers are gone by then. */
void vb_s3_credentials_free(struct vb_s3_credentials *credentials)
{
    if (!credentials)
        return;
    pthread_mutex_destroy(&credentials->lock);
    pthread_cond_destroy(&credentials->fetched);
    vb_s3_keys_wipe(&credentials->keys);
    free(credentials->region);
    free(credentials);
}

/* A thread that awaits another's fetch is woken by that fetch's end, a slice of a transfer
 * later. */
void vb_s3_credentials_stop(struct vb_s3_credentials *credentials)
{
    atomic_store(&credentials->stopping, true);
}

static bool stopping(void *context)
{
    const struct vb_s3_credentials *credentials = context;
    return atomic_load(&credentials->stopping);
}

static const char no_keys[] = "no S3 credentials: neither the environment (AWS_ACCESS_KEY_ID), a "
                              "web identity, a shared file, "
                              "a container nor an instance gave any";

/* A place that has nothing passes to the next; one that fails is told and ends the search.
 * VB_NOT_FOUND, without a text: none has any. */
static enum vb_status fetch(struct vb_s3_credentials *credentials, struct vb_s3_keys *ret_keys,
                            const char **ret_source, struct vb_error *err)
{
    const struct vb_s3_lookup lookup = {
        .region = credentials->region, .stop = stopping, .stop_context = credentials};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct vb_error own = {0};
        enum vb_status status = places[i].fetch(&lookup, ret_keys, &own);
        if (status == VB_NOT_FOUND)
            continue;
        *ret_source = places[i].name;
        if (status != VB_OK) {
            *err = own;
            return vb_fail_within(err, status, "S3 credentials from the %s", places[i].name);
        }
        return VB_OK;
    }
    return VB_NOT_FOUND;
}

/* Two thresholds: renew long before the end, refuse shortly before it. By the wall clock, since the
 * end is told in it; a clock that is wrong shows as keys that are born expired (renew). */
static bool outlast(const struct vb_s3_keys *keys, int64_t before)
{
    return keys->expires == 0 || vb_clock_now() < keys->expires - before;
}

/* Lock held. Given keys serve for ever, whatever a store says of them. */
static bool usable(const struct vb_s3_credentials *credentials, int64_t before)
{
    return credentials->has_keys && !credentials->rejected && outlast(&credentials->keys, before);
}

/* Jittered by a quarter to either side, so that processes which failed together do not come back
 * together. */
static int64_t pause_after(unsigned failures)
{
    int64_t pause = FIRST_PAUSE;
    for (unsigned i = 1; i < failures && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    pause = pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
    return (int64_t)((double)pause * (0.75 + vb_random_unit() / 2));
}

static bool paused(const struct vb_s3_credentials *credentials)
{
    return vb_clock_monotonic() < credentials->not_before;
}

/* Lock held. Metadata services hand out the same keys until shortly before their end, some only
 * short-lived ones: both are asked again in a while, not at every call. */
static void take_over(struct vb_s3_credentials *credentials, const struct vb_s3_keys *keys,
                      const char *source)
{
    credentials->not_before = credentials->has_keys ? vb_clock_monotonic() + LOOK_EVERY : 0;
    credentials->keys = *keys;
    credentials->has_keys = true;
    credentials->rejected = false;
    credentials->source = source;
    credentials->failures = 0;
}

/* Called with the lock held; gives it up meanwhile. */
static enum vb_status renew(struct vb_s3_credentials *credentials)
{
    struct vb_s3_keys keys = {0};
    struct vb_error error = {0};
    const char *source = "";
    credentials->fetching = true;
    pthread_mutex_unlock(&credentials->lock);
    enum vb_status status = fetch(credentials, &keys, &source, &error);
    if (status == VB_OK && !outlast(&keys, UNUSABLE_BEFORE))
        status = vb_fail(&error, VB_EXPIRED,
                         "the S3 credentials from the %s have expired, or the clock is "
                         "wrong",
                         source);
    pthread_mutex_lock(&credentials->lock);
    /* A place that gave keys before and is silent comes back; one that never was is the operator's
     * to set up. */
    if (status == VB_NOT_FOUND)
        status = vb_fail(&error, credentials->has_keys ? VB_EXPIRED : VB_DENIED, "%s", no_keys);
    credentials->fetching = false;
    credentials->fetches++;
    credentials->error = error;
    if (status == VB_OK)
        take_over(credentials, &keys, source);
    else
        credentials->not_before = vb_clock_monotonic() + pause_after(++credentials->failures);
    vb_s3_keys_wipe(&keys);
    pthread_cond_broadcast(&credentials->fetched);
    return status;
}

/* Waits for the fetch of another thread. Lock held. Bounded by that fetch: its network calls have
 * limits of seconds each, and vb_s3_credentials_stop ends it. */
static enum vb_status await(struct vb_s3_credentials *credentials)
{
    uint64_t before = credentials->fetches;
    while (credentials->fetches == before)
        pthread_cond_wait(&credentials->fetched, &credentials->lock);
    return credentials->error.status;
}

/* Keys that serve, fetched if need be. Lock held, given up while a place is asked. The order
 * matters: keys that serve are never held up by a fetch of another thread or by a pause; only a
 * thread that has none waits. */
static enum vb_status obtain(struct vb_s3_credentials *credentials)
{
    bool serve = usable(credentials, UNUSABLE_BEFORE);
    if (serve &&
        (usable(credentials, RENEW_BEFORE) || credentials->fetching || paused(credentials)))
        return VB_OK;
    if (serve) {
        (void)renew(credentials); /* the keys at hand serve on if it fails */
        return VB_OK;
    }
    if (credentials->fetching)
        return await(credentials);
    if (paused(credentials) && credentials->failures > 0)
        return credentials->error.status;
    return renew(credentials);
}

enum vb_status vb_s3_credentials_get(struct vb_s3_credentials *credentials,
                                     struct vb_s3_keys *ret_keys, struct vb_error *err)
{
    pthread_mutex_lock(&credentials->lock);
    enum vb_status status = obtain(credentials);
    if (status == VB_OK)
        *ret_keys = credentials->keys;
    else if (err)
        *err = credentials->error;
    pthread_mutex_unlock(&credentials->lock);
    return status;
}

/* Takes the lock, which nobody holds while waiting for the network, so it never waits for long. */
enum vb_status vb_s3_credentials_peek(struct vb_s3_credentials *credentials,
                                      struct vb_s3_keys *ret_keys, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    pthread_mutex_lock(&credentials->lock);
    if (usable(credentials, UNUSABLE_BEFORE))
        *ret_keys = credentials->keys;
    else
        status = vb_fail(err, VB_EXPIRED, "no S3 credentials are at hand that are still good%s%s",
                         credentials->failures ? ": " : "", credentials->error.text);
    pthread_mutex_unlock(&credentials->lock);
    return status;
}

/* Not sooner than the pause that obtain keeps, so that this thread does not turn idly. */
int64_t vb_s3_credentials_keep(struct vb_s3_credentials *credentials)
{
    pthread_mutex_lock(&credentials->lock);
    (void)obtain(credentials);
    int64_t pause = credentials->not_before - vb_clock_monotonic();
    bool fresh = usable(credentials, RENEW_BEFORE);
    pthread_mutex_unlock(&credentials->lock);
    if (fresh || pause > LOOK_EVERY)
        return LOOK_EVERY;
    return pause > VB_SECOND ? pause : VB_SECOND;
}

/* Keys that another thread renewed meanwhile are not these any more, and stay. */
void vb_s3_credentials_expired(struct vb_s3_credentials *credentials, const struct vb_s3_keys *keys)
{
    pthread_mutex_lock(&credentials->lock);
    if (strcmp(credentials->keys.access_key_id, keys->access_key_id) == 0 &&
        strcmp(credentials->keys.session_token, keys->session_token) == 0)
        credentials->rejected = true;
    pthread_mutex_unlock(&credentials->lock);
}

const char *vb_s3_credentials_source(struct vb_s3_credentials *credentials)
{
    pthread_mutex_lock(&credentials->lock);
    const char *source = credentials->source;
    pthread_mutex_unlock(&credentials->lock);
    return source;
}
