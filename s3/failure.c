/* The classes of S3's errors. See failure.h. One table says which codes may heal.
 *
 * Codes decide before the HTTP status, because stores agree on codes more than on statuses: a
 * throttled request is 503 here, 429 or 400 there. A code that the table does not know leaves the
 * decision to the status. Source: Amazon S3 API Reference, "Error responses"; the SDKs' lists of
 * throttling codes; MinIO's XAmzContentSHA256Mismatch.
 *
 * A store's words may repeat what it was sent. They are shown to people, so keys, signatures and
 * digests are taken out of them first.
 */
#include "failure.h"

#include "verbatim/text.h"
#include "xml.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Codes whose remedy differs from what their HTTP status suggests. */
static const struct {
    const char *code;
    enum vb_s3_remedy remedy;
} known_codes[] = {
    {"BadDigest", VB_S3_TRY_AGAIN}, /* the body was damaged on its way */
    {"BandwidthLimitExceeded", VB_S3_TRY_LATER},
    {"ExpiredToken", VB_S3_RENEW_KEYS},
    {"ExpiredTokenException", VB_S3_RENEW_KEYS},
    {"IncompleteBody", VB_S3_TRY_AGAIN},
    {"InternalError", VB_S3_TRY_AGAIN},
    {"NotImplemented", VB_S3_GIVE_UP},
    {"OperationAborted", VB_S3_TRY_AGAIN},
    {"PriorRequestNotComplete", VB_S3_TRY_AGAIN},
    {"RequestLimitExceeded", VB_S3_TRY_LATER},
    {"RequestThrottled", VB_S3_TRY_LATER},
    {"RequestThrottledException", VB_S3_TRY_LATER},
    {"RequestTimeTooSkewed", VB_S3_CORRECT_CLOCK},
    {"RequestTimeout", VB_S3_TRY_AGAIN},
    {"RequestTimeoutException", VB_S3_TRY_AGAIN},
    {"ServiceUnavailable", VB_S3_TRY_AGAIN},
    {"SlowDown", VB_S3_TRY_LATER},
    {"SlowDownRead", VB_S3_TRY_LATER},
    {"SlowDownWrite", VB_S3_TRY_LATER},
    {"Throttling", VB_S3_TRY_LATER},
    {"ThrottlingException", VB_S3_TRY_LATER},
    {"TokenRefreshRequired", VB_S3_RENEW_KEYS},
    {"TooManyRequests", VB_S3_TRY_LATER},
    {"TooManyRequestsException", VB_S3_TRY_LATER},
    {"XAmzContentSHA256Mismatch", VB_S3_TRY_AGAIN},
};

/* A text that does not fit is cut at a character. */
static void copy(char *to, size_t room, const char *from)
{
    size_t length = vb_utf8_cut(vb_view_of(from), room - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

/* S3's error document: the codes decide, the message is for the log. Values are cut to their
 * field. */
struct reading {
    struct vb_s3_failure *failure;
    bool is_error;
};

/* The header's request id wins over the document's: it is there for answers without a body too. */
static void on_element(void *context, const char *path, const char *text)
{
    struct reading *reading = context;
    struct vb_s3_failure *failure = reading->failure;
    if (strcmp(path, "Error") == 0)
        reading->is_error = true;
    else if (strcmp(path, "Error/Code") == 0)
        copy(failure->code, sizeof failure->code, text);
    else if (strcmp(path, "Error/Message") == 0)
        copy(failure->message, sizeof failure->message, text);
    else if (strcmp(path, "Error/RequestId") == 0 && !*failure->request_id)
        copy(failure->request_id, sizeof failure->request_id, text);
    else if (strcmp(path, "Error/Region") == 0)
        copy(failure->region, sizeof failure->region, text);
}

/* A body that is no error document changes nothing: proxies answer in HTML, and the status is
 * left. */
enum vb_status vb_s3_failure_read(struct vb_view body, struct vb_s3_failure *failure)
{
    struct vb_s3_failure found = *failure;
    struct reading reading = {.failure = &found};
    const struct vb_xml_reader reader = {on_element, &reading};
    enum vb_status status = vb_xml_read(body, &reader, NULL);
    if (status != VB_OK || !reading.is_error)
        return status == VB_NO_MEMORY ? status : VB_INVALID;
    *failure = found;
    return VB_OK;
}

/* Amazon, of a bucket with a retention: "Content-MD5 OR x-amz-checksum- HTTP header is required".
 * BadDigest and InvalidDigest name the header too, and mean one that was sent. */
static bool wants_md5(const struct vb_s3_failure *failure)
{
    return failure->status == 400 && (strcmp(failure->code, "MissingContentMD5") == 0 ||
                                      (strcmp(failure->code, "InvalidRequest") == 0 &&
                                       strstr(failure->message, "Content-MD5")));
}

/* A 200 without a code is an answer that could not be understood or was cut; one with a code is a
 * refusal that came late. */
enum vb_s3_remedy vb_s3_failure_remedy(const struct vb_s3_failure *failure)
{
    for (size_t i = 0; i < sizeof known_codes / sizeof *known_codes; i++)
        if (strcmp(known_codes[i].code, failure->code) == 0)
            return known_codes[i].remedy;
    if (wants_md5(failure))
        return VB_S3_SEND_MD5;
    if (failure->status == 429)
        return VB_S3_TRY_LATER;
    if (failure->status == 501 || failure->status == 505)
        return VB_S3_GIVE_UP;
    if (failure->status == 200)
        return *failure->code ? VB_S3_GIVE_UP : VB_S3_TRY_AGAIN; /* a success that was none */
    if (failure->status >= 500 || failure->status == 408)
        return VB_S3_TRY_AGAIN;
    return VB_S3_GIVE_UP;
}

/* For counters only. A failure inside a 200 is the server's as much as a 5xx. */
enum vb_s3_outcome vb_s3_failure_outcome(const struct vb_s3_failure *failure)
{
    if (vb_s3_failure_remedy(failure) == VB_S3_TRY_LATER)
        return VB_S3_THROTTLED;
    return failure->status >= 500 || failure->status < 300 ? VB_S3_SERVER_FAILED : VB_S3_REFUSED;
}

/* Overwrites every occurrence of a secret by asterisks. */
static void mask(char *text, const char *secret)
{
    size_t width = strlen(secret);
    /* An empty or tiny secret would mask half of the text. */
    if (width < 4)
        return;
    for (char *found = strstr(text, secret); found; found = strstr(found + width, secret))
        memset(found, '*', width);
}

/* Signatures and digests: runs of at least 32 hex digits. Controls become spaces. */
static void mask_digests(char *text)
{
    for (char *at = text; *at;) {
        size_t run = strspn(at, "0123456789abcdefABCDEF");
        if (run >= 32)
            memset(at, '*', run);
        if (iscntrl((unsigned char)*at))
            *at = ' ';
        at += run ? run : 1;
    }
}

/* What may pass is told by its remedy, whatever the HTTP status. VB_CONFLICT: the store holds other
 * parts than those recorded. The closer asks for the list then. */
static enum vb_status status_of(const struct vb_s3_failure *failure)
{
    enum vb_s3_remedy remedy = vb_s3_failure_remedy(failure);
    if (remedy == VB_S3_RENEW_KEYS || remedy == VB_S3_CORRECT_CLOCK)
        return VB_EXPIRED;
    if (remedy != VB_S3_GIVE_UP && remedy != VB_S3_SEND_MD5)
        return VB_STORAGE_AWAY;
    static const char *const wrong_parts[] = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"};
    for (size_t i = 0; i < sizeof wrong_parts / sizeof *wrong_parts; i++)
        if (strcmp(failure->code, wrong_parts[i]) == 0)
            return VB_CONFLICT;
    if (failure->status == 404)
        return VB_NOT_FOUND;
    return failure->status == 401 || failure->status == 403 ? VB_DENIED : VB_STORAGE;
}

/* The ids that stores give to requests are not masked: their operators ask for them, and they are
 * no secret. The failure itself stays as it was. */
enum vb_status vb_s3_failure_explain(const struct vb_s3_failure *failure,
                                     const struct vb_s3_keys *keys, struct vb_error *err)
{
    struct vb_s3_failure clean = *failure;
    mask(clean.message, keys->access_key_id);
    mask(clean.message, keys->secret_access_key);
    mask(clean.message, keys->session_token);
    mask_digests(clean.message);
    mask_digests(clean.code);
    mask_digests(clean.region);
    bool tells_region = *clean.region && !strstr(clean.message, clean.region);
    enum vb_status status =
        vb_fail(err, status_of(&clean), "HTTP %d%s%s%s%s%s%s%s%s%s%s", clean.status,
                *clean.code ? " " : "", clean.code, *clean.message ? ": " : "", clean.message,
                tells_region ? " (the region is '" : "", tells_region ? clean.region : "",
                tells_region ? "')" : "", *clean.request_id ? " (request id " : "",
                clean.request_id, *clean.request_id ? ")" : "");
    if (err)
        err->system_code = clean.status;
    return status;
}
