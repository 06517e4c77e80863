/* The attempt loop: each attempt signed afresh, what may heal tried again with jitter. See call.h.
 *
 * Waits full-jittered: a random share of a bound that doubles, so that clients which failed
 * together do not come back together. The digest of the body is computed once a call.
 *
 * Three kinds of failure take three ways. A correction (clock, keys, more headers) is made once a
 * call, waits for nothing and does not count against the attempts, since nothing is overloaded.
 * What may heal is repeated up to `attempts` times. All else ends at once. Requests are safe to
 * repeat: a PUT, a part and a DELETE give the same state twice; a created upload whose answer was
 * lost stays behind and is found by vb_s3_list_uploads; a completion looks for its object
 * (multipart.c).
 *
 * Nothing is known of a body that was not sent whole, so an attempt always begins with its first
 * byte.
 */
#include "call.h"

#include "verbatim/metrics.h"
#include "verbatim/text.h"
#include "verbatim/trace.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bounds of the waits before the second attempt; a store that asks for patience gets five times as
 * much. Doubled for each further attempt up to LONGEST_WAIT, which is also the most that a
 * Retry-After may ask: a longer one is passed over, and the worker's own back-off does the rest. */
#define FIRST_WAIT (VB_SECOND / 5)
#define FIRST_WAIT_THROTTLED VB_SECOND
#define LONGEST_WAIT (20 * VB_SECOND)
/* S3 lets a signature's time be 15 minutes off; a HEAD's 403 counts as a wrong clock from ten times
 * this. */
#define SKEW_WORTH_CORRECTING (60 * VB_SECOND)
#define SLOWEST_BYTES_PER_SECOND 65536u /* an attempt may take size / this, and half a minute */
#define PATIENT_SECONDS 600u
#define HEADERS 13
#define MD5_TEXT 25 /* base64 of 16 bytes, with the NUL */

/* What one call remembers between its attempts. */
struct progress {
    unsigned attempt; /* from 1 */
    bool clock_corrected, keys_renewed, sse_tried;
    size_t body_start; /* length of the answer's buffer before the call */
    char digest[VB_SHA256_HEX];
    char md5[MD5_TEXT]; /* of the body, base64; "": not sent */
};

/* The pieces in their order; the part is never laid out in one stretch. Without a body it is the
 * digest of nothing, which is signed as well. */
static void hash_body(const struct vb_s3_body *body, char digest[VB_SHA256_HEX])
{
    unsigned char raw[VB_SHA256];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && body && i < body->count; i++)
        good = EVP_DigestUpdate(context, body->pieces[i].iov_base, body->pieces[i].iov_len) == 1;
    if (!good || EVP_DigestFinal_ex(context, raw, NULL) != 1)
        abort(); /* only without memory or without SHA-256, as in vb_sha256 */
    EVP_MD_CTX_free(context);
    vb_hex_encode(raw, sizeof raw, digest);
}

/* RFC 1864. Stays "" where this machine's OpenSSL has no MD5 (FIPS): the store's refusal stands
 * then. No security rests on it, a store asks for it against damage on the way. */
static void hash_md5(const struct vb_s3_body *body, char md5[MD5_TEXT])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
    for (size_t i = 0; good && i < body->count; i++)
        good = EVP_DigestUpdate(context, body->pieces[i].iov_base, body->pieces[i].iov_len) == 1;
    if (good && EVP_DigestFinal_ex(context, raw, NULL) == 1)
        (void)EVP_EncodeBlock((unsigned char *)md5, raw, 16);
    EVP_MD_CTX_free(context);
}

/* Relaxed: figures for an operator, nothing waits for them. */
static void count(struct vb_s3_client *client, enum vb_s3_outcome outcome, uint64_t sent)
{
    if (!client->counters)
        return;
    atomic_fetch_add_explicit(&client->counters->requests[outcome], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&client->counters->bytes_sent, sent, memory_order_relaxed);
}

/* The path of the key under the bucket's, decoded: "/PREFIX/BUCKET/KEY". Of the bucket alone it has
 * no slash at its end, but a bucket that is in the host name has "/" for its path. */
static enum vb_status make_path(const struct vb_s3_client *client, const struct vb_s3_call *call,
                                struct vb_buffer *out)
{
    const char *key = call->key ? call->key : "";
    return vb_buffer_printf(out, "%s%s%s", client->address.base,
                            call->key || !*client->address.base ? "/" : "", key);
}

/* Optional headers are left out, never sent empty. */
static size_t keep_given(const struct vb_s3_pair *all, size_t count, struct vb_s3_pair *kept)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].value.length > 0)
            kept[used++] = all[i];
    return used;
}

/* Amazon takes the headers where an upload begins and nowhere later in it. MinIO's policies look
 * for them with each part and the completion. */
static bool has_sse(const struct vb_s3_client *client, const struct vb_s3_call *call)
{
    return client->sse != VB_S3_SSE_OFF &&
           (call->stores || (call->in_upload && client->sse_in_uploads));
}

/* As S3 writes them; "" is not sent. */
static const char *sse_of(const struct vb_s3_client *client, const struct vb_s3_call *call)
{
    static const char *const names[] = {"", "AES256", "aws:kms"};
    return has_sse(client, call) ? names[client->sse] : "";
}

static const char *sse_key_of(const struct vb_s3_client *client, const struct vb_s3_call *call)
{
    bool has_key = has_sse(client, call) && client->sse == VB_S3_SSE_KMS && client->sse_key;
    return has_key ? client->sse_key : "";
}

/* The headers that are signed are those whose change would change what is done. Disposition, Range
 * and If-Match are left out: they may stay unsigned, and proxies touch them less than they touch
 * signatures. x-amz-date and the token are added by the signer. */
static enum vb_status sign(struct vb_s3_client *client, const struct vb_s3_call *call,
                           const char *digest, struct vb_s3_signature *signature,
                           struct vb_error *err)
{
    struct vb_buffer path;
    vb_buffer_init(&path, 16384);
    const struct vb_s3_pair all[] = {
        {VB_VIEW("host"), vb_view_of(client->address.host)},
        {VB_VIEW("x-amz-content-sha256"), vb_view_of(digest)},
        {VB_VIEW("content-type"), vb_view_of(call->content_type)},
        {VB_VIEW("x-amz-server-side-encryption"), vb_view_of(sse_of(client, call))},
        {VB_VIEW("x-amz-server-side-encryption-aws-kms-key-id"),
         vb_view_of(sse_key_of(client, call))},
    };
    struct vb_s3_pair headers[sizeof all / sizeof *all];
    size_t used = keep_given(all, sizeof all / sizeof *all, headers);
    enum vb_status status = make_path(client, call, &path);
    if (status != VB_OK)
        (void)vb_fail(err, status, "%s",
                      status == VB_LIMIT ? "the key is too long" : "no memory for a request");
    const struct vb_s3_signing signing = {
        .method = call->method,
        .path = {path.data, path.length},
        .query = call->query,
        .query_count = call->query_count,
        .headers = headers,
        .header_count = used,
        .payload_sha256 = digest,
        .access_key_id = client->keys.access_key_id,
        .secret_access_key = client->keys.secret_access_key,
        .session_token = client->keys.session_token,
        /* Now, for each attempt: a signature is good for some minutes only. */
        .at = vb_clock_now() + client->clock_offset,
        .region = client->region,
        .service = "s3",
        .mode = VB_S3_SIGN_HEADER,
    };
    if (status == VB_OK)
        status = vb_s3_sign(&signing, signature, err);
    vb_buffer_done(&path);
    return status;
}

/* What was signed must be among these word for word. */
static size_t make_headers(const struct vb_s3_client *client, const struct vb_s3_call *call,
                           const struct progress *progress, const struct vb_s3_signature *signature,
                           const char *trace, struct vb_s3_pair headers[HEADERS])
{
    const struct vb_s3_pair all[] = {
        {VB_VIEW("Host"), vb_view_of(client->address.host)},
        {VB_VIEW("x-amz-date"), vb_view_of(signature->date)},
        {VB_VIEW("x-amz-content-sha256"), vb_view_of(progress->digest)},
        {VB_VIEW("Authorization"),
         {signature->authorization.data, signature->authorization.length}},
        {VB_VIEW("x-amz-security-token"), vb_view_of(client->keys.session_token)},
        {VB_VIEW("Content-Type"), vb_view_of(call->content_type)},
        {VB_VIEW("Content-Disposition"), vb_view_of(call->content_disposition)},
        {VB_VIEW("Range"), vb_view_of(call->range)},
        {VB_VIEW("If-Match"), vb_view_of(call->if_match)},
        {VB_VIEW("Content-MD5"), vb_view_of(progress->md5)},
        {VB_VIEW("x-amz-server-side-encryption"), vb_view_of(sse_of(client, call))},
        {VB_VIEW("x-amz-server-side-encryption-aws-kms-key-id"),
         vb_view_of(sse_key_of(client, call))},
        {VB_VIEW("traceparent"), vb_view_of(trace)}, /* not signed, as whatever proxies add */
    };
    _Static_assert(sizeof all / sizeof *all == HEADERS, "one place for each");
    return keep_given(all, sizeof all / sizeof *all, headers);
}

/* A line that carries 64 KiB a second is slow but not broken. A day is the end of it. */
static unsigned total_seconds(const struct vb_s3_call *call)
{
    uint64_t size = call->body ? call->body->size : 0;
    uint64_t seconds = 30 + size / SLOWEST_BYTES_PER_SECOND;
    if (call->patient)
        return PATIENT_SECONDS;
    return seconds > 86400 ? 86400u : (unsigned)seconds;
}

/* No limit of silence for a patient call: stores assemble large objects without a byte for
 * minutes. */
static enum vb_status send_once(struct vb_s3_client *client, const struct vb_s3_call *call,
                                const struct progress *progress,
                                const struct vb_s3_signature *signature,
                                struct vb_s3_wire_answer *answer, struct vb_error *err)
{
    struct vb_s3_pair headers[HEADERS];
    char trace[VB_TRACE_PARENT];
    const char *told = vb_trace_here(trace) ? trace : NULL;
    struct vb_buffer url;
    vb_buffer_init(&url, 65536);
    enum vb_status status =
        vb_buffer_printf(&url, "%s%s", client->address.origin, signature->target.data);
    if (status != VB_OK)
        return vb_fail(err, status, "%s",
                       status == VB_LIMIT ? "the request's URL is too long"
                                          : "no memory for a request");
    const struct vb_s3_wire_request request = {
        .method = call->method,
        .url = url.data,
        .headers = headers,
        .header_count = make_headers(client, call, progress, signature, told, headers),
        .body = call->body,
        .connect_seconds = client->connect_seconds,
        .stall_seconds = call->patient ? 0 : client->stall_seconds,
        .total_seconds = total_seconds(call),
        .stop = client->stop,
        .stop_context = client->stop_context,
    };
    status = vb_s3_wire_exchange(client->http, &request, answer, err);
    vb_buffer_done(&url);
    return status;
}

/* The caller's buffer may already hold something: only this call's bytes are looked at. */
static struct vb_view body_since(const struct vb_buffer *body, size_t start)
{
    if (!body || body->length <= start)
        return (struct vb_view){"", 0};
    return (struct vb_view){body->data + start, body->length - start};
}

/* An answer without a body (HEAD) can only hint; then a date far from ours tells a wrong
 * clock, and a 400 with temporary keys an expired token. */
static void guess_code(struct vb_s3_client *client, const struct vb_s3_call *call,
                       const struct vb_s3_wire_answer *answer, struct vb_s3_failure *failure)
{
    vb_instant ours = vb_clock_now() + client->clock_offset;
    vb_instant apart = answer->date > ours ? answer->date - ours : ours - answer->date;
    if (*failure->code || strcmp(call->method, "HEAD") != 0)
        return;
    if (answer->status == 403 && answer->date && apart > 10 * SKEW_WORTH_CORRECTING)
        snprintf(failure->code, sizeof failure->code, "RequestTimeTooSkewed");
    else if (answer->status == 400 && client->keys.temporary)
        snprintf(failure->code, sizeof failure->code, "ExpiredToken");
}

/* VB_OK if the answer is a success; VB_INVALID: `failure` says what it is; VB_NO_MEMORY: nobody can
 * tell. A 2xx answer is looked into where the call asks for it, since S3 may send its status before
 * it knows how the call ends. */
static enum vb_status judge(struct vb_s3_client *client, const struct vb_s3_call *call,
                            const struct vb_s3_wire_answer *answer, size_t body_start,
                            struct vb_s3_failure *failure)
{
    struct vb_view body = body_since(answer->body, body_start);
    *failure = (struct vb_s3_failure){.status = answer->status};
    snprintf(failure->request_id, sizeof failure->request_id, "%s", answer->request_id);
    /* Amazon names it in every answer; it says something where the bucket is elsewhere. */
    if (answer->status == 400 || (answer->status >= 300 && answer->status < 400))
        snprintf(failure->region, sizeof failure->region, "%s", answer->region);
    if (answer->status >= 200 && answer->status < 300)
        return call->check ? call->check(body, failure) : VB_OK;
    /* Without its code a refusal that may pass would be taken for one that lasts. */
    if (body.length > 0 && vb_s3_failure_read(body, failure) == VB_NO_MEMORY)
        return VB_NO_MEMORY;
    guess_code(client, call, answer, failure);
    return VB_INVALID;
}

static enum vb_s3_remedy remedy_of(const struct vb_s3_client *client, const struct vb_s3_call *call,
                                   const struct vb_s3_failure *failure)
{
    bool may_want_sse = call->in_upload && client->sse != VB_S3_SSE_OFF && failure->status == 403 &&
                        strcmp(failure->code, "AccessDenied") == 0;
    return may_want_sse ? VB_S3_SEND_SSE : vb_s3_failure_remedy(failure);
}

/* One attempt. VB_OK: the answer counts. Else `*ret_remedy` says what may help. What an earlier
 * attempt left in the caller's buffer is taken off first. */
static enum vb_status attempt(struct vb_s3_client *client, const struct vb_s3_call *call,
                              const struct progress *progress, struct vb_s3_wire_answer *answer,
                              enum vb_s3_remedy *ret_remedy, struct vb_error *err)
{
    struct vb_s3_signature signature = {0};
    struct vb_s3_failure failure;
    *ret_remedy = VB_S3_GIVE_UP;
    if (answer->body && answer->body->length > progress->body_start) {
        answer->body->length = progress->body_start;
        answer->body->data[answer->body->length] = '\0';
    }
    enum vb_status status = vb_s3_credentials_get(client->credentials, &client->keys, err);
    if (vb_status_retryable(status))
        *ret_remedy = VB_S3_TRY_LATER; /* as if the store itself were away */
    if (status == VB_OK)
        status = sign(client, call, progress->digest, &signature, err);
    if (status != VB_OK)
        return status;
    status = send_once(client, call, progress, &signature, answer, err);
    vb_s3_signature_done(&signature);
    if (status != VB_OK) {
        count(client, status == VB_STOPPED ? VB_S3_CUT_SHORT : VB_S3_UNREACHABLE, answer->sent);
        if (status == VB_NETWORK)
            *ret_remedy = VB_S3_TRY_AGAIN;
        return status;
    }
    memcpy(client->version, answer->version, sizeof client->version);
    client->is_marker = answer->is_marker;
    status = judge(client, call, answer, progress->body_start, &failure);
    if (status == VB_OK)
        count(client, VB_S3_SUCCEEDED, answer->sent);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for the answer");
    if (status == VB_OK)
        return VB_OK;
    count(client, vb_s3_failure_outcome(&failure), answer->sent);
    memcpy(client->code, failure.code, sizeof client->code);
    *ret_remedy = remedy_of(client, call, &failure);
    return vb_s3_failure_explain(&failure, &client->keys, err);
}

/* False if the same remedy was taken before: it did not help. The clock's offset stays with the
 * client for later calls. Expired keys are only called so; the next attempt's vb_s3_credentials_get
 * fetches. */
static bool apply(struct vb_s3_client *client, const struct vb_s3_call *call,
                  enum vb_s3_remedy remedy, const struct vb_s3_wire_answer *answer,
                  struct progress *progress)
{
    if (remedy == VB_S3_SEND_SSE) {
        client->sse_in_uploads = !client->sse_in_uploads && !progress->sse_tried;
        progress->sse_tried = true;
        return client->sse_in_uploads;
    }
    if (remedy == VB_S3_SEND_MD5) {
        if (*progress->md5 || !call->body)
            return false;
        atomic_store(client->wants_md5, true);
        hash_md5(call->body, progress->md5);
        return *progress->md5 != '\0';
    }
    if (remedy == VB_S3_CORRECT_CLOCK) {
        if (progress->clock_corrected || !answer->date)
            return false;
        client->clock_offset = answer->date - vb_clock_now();
        progress->clock_corrected = true;
        return true;
    }
    if (remedy == VB_S3_RENEW_KEYS) {
        if (progress->keys_renewed)
            return false;
        vb_s3_credentials_expired(client->credentials, &client->keys);
        progress->keys_renewed = true;
        return true;
    }
    return remedy != VB_S3_GIVE_UP;
}

/* Made once a call, at once, and not counted as an attempt. */
static bool is_correction(enum vb_s3_remedy remedy)
{
    return remedy == VB_S3_CORRECT_CLOCK || remedy == VB_S3_RENEW_KEYS ||
           remedy == VB_S3_SEND_MD5 || remedy == VB_S3_SEND_SSE;
}

/* False if stopped meanwhile. Corrections need no wait: nothing is overloaded. */
static bool wait_before_next(const struct vb_s3_client *client, enum vb_s3_remedy remedy,
                             const struct vb_s3_wire_answer *answer, unsigned attempt_number)
{
    if (is_correction(remedy))
        return vb_clock_wait(0, client->stop, client->stop_context);
    int64_t bound = remedy == VB_S3_TRY_LATER ? FIRST_WAIT_THROTTLED : FIRST_WAIT;
    for (unsigned i = 1; i < attempt_number && bound < LONGEST_WAIT; i++)
        bound *= 2;
    if (bound > LONGEST_WAIT)
        bound = LONGEST_WAIT;
    int64_t wait = (int64_t)(vb_random_unit() * (double)bound);
    /* Only the form in seconds; a date would need a clock that both sides trust. */
    long asked = answer->status ? strtol(answer->retry_after, NULL, 10) : 0;
    if (asked > 0 && asked <= LONGEST_WAIT / VB_SECOND)
        wait += asked * VB_SECOND;
    return vb_clock_wait(wait, client->stop, client->stop_context);
}

/* "put conversations/a.zip: HTTP 503 SlowDown: ..., after 5 attempts" */
static enum vb_status name_call(const struct vb_s3_call *call, unsigned attempts,
                                struct vb_error *err)
{
    struct vb_view key = vb_view_of(call->key ? call->key : "the bucket");
    int shown = (int)vb_utf8_cut(key, 200);
    if (err->status == VB_STOPPED)
        return err->status;
    if (attempts > 1)
        return vb_fail_within(err, err->status, "%s %.*s, attempt %u", call->verb, shown, key.data,
                              attempts);
    return vb_fail_within(err, err->status, "%s %.*s", call->verb, shown, key.data);
}

/* `err` may be NULL, but name_call builds on a text, so there is always one to write into. */
enum vb_status vb_s3_call(struct vb_s3_client *client, const struct vb_s3_call *call,
                          struct vb_s3_wire_answer *answer, struct vb_error *err)
{
    struct vb_error own;
    struct progress progress = {.body_start = answer->body ? answer->body->length : 0};
    struct vb_error *error = err ? err : &own;
    unsigned most = call->attempts ? call->attempts : client->attempts;
    enum vb_s3_remedy remedy;
    client->code[0] = client->version[0] = '\0';
    client->is_marker = false;
    hash_body(call->body, progress.digest);
    if (atomic_load(client->wants_md5) && call->body && strcmp(call->method, "PUT") == 0)
        hash_md5(call->body, progress.md5);
    for (;;) {
        progress.attempt++;
        enum vb_status status = attempt(client, call, &progress, answer, &remedy, error);
        if (status == VB_OK) {
            client->code[0] = '\0';
            return VB_OK;
        }
        if (!apply(client, call, remedy, answer, &progress) ||
            (progress.attempt >= most && !is_correction(remedy)))
            return name_call(call, progress.attempt, error);
        if (!wait_before_next(client, remedy, answer, progress.attempt))
            return vb_fail(error, VB_STOPPED, "stopped");
        if (client->counters)
            atomic_fetch_add_explicit(&client->counters->retries, 1, memory_order_relaxed);
        vb_count(VB_COUNT_STORAGE_RETRIES, 1);
    }
}
