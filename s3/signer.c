/* Signature Version 4 (AWS "Signing AWS API requests"; the S3 pages "Authenticating Requests").
 *
 * The stages are built in order into the caller's vb_s3_signature; sorted copies of headers and
 * query live for one call. Pure and thread-safe. Does not send, cache or log.
 *
 * Held to the known answers of the S3 documentation by tests/unit/s3/test_s3_signer.c. What is sent
 * must be made of the same encoded path and query that were signed, so both leave here as `target`
 * and nobody encodes again. The derived key is not cached: five MACs cost microseconds beside a
 * request.
 */
#include "verbatim/s3_signer.h"

#include "verbatim/text.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CANONICAL_MOST (256u * 1024u) /* a request line and head are far smaller anywhere */
#define PAIRS_MOST 256u

/* What a hop on the way may change or drop, so signing it would break honest requests. Everything
 * else that is given is signed, also headers that this program does not know. */
static const char *const unsigned_headers[] = {
    "authorization",      "connection",      "expect",  "keep-alive",          "te",
    "proxy-authenticate", "trailer",         "upgrade", "proxy-authorization", "user-agent",
    "transfer-encoding",  "x-amzn-trace-id",
};

/* A name and value ready for sorting. Both owned. */
struct entry {
    char *name, *value;
    size_t position; /* equal headers keep their order */
};

/* The state of one signing; everything but `to` is freed at its end. */
struct work {
    const struct vb_s3_signing *of;
    struct vb_s3_signature *to;
    struct entry *headers;
    size_t header_count;
    struct entry *query;
    size_t query_count;
    struct vb_buffer path;    /* encoded */
    struct vb_buffer names;   /* signed headers, joined by ';' */
    struct vb_buffer encoded; /* the query */
    struct vb_buffer scope;
    const char *payload;
};

/* By name in any case; x-amz-date and the like always are. */
static bool is_signed(struct vb_view name)
{
    for (size_t i = 0; i < sizeof unsigned_headers / sizeof *unsigned_headers; i++)
        if (strlen(unsigned_headers[i]) == name.length &&
            strncasecmp(unsigned_headers[i], name.data, name.length) == 0)
            return false;
    return true;
}

/* The C locale's white space, whatever locale is set. */
static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Trims, and folds each run of blanks to one space: what a proxy may do to a header on its way, so
 * it must not change the signature. */
static char *folded(struct vb_view value)
{
    char *out = malloc(value.length + 1);
    size_t length = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < value.length; i++) {
        if (!is_blank(value.data[i]))
            out[length++] = value.data[i];
        else if (length > 0 && out[length - 1] != ' ')
            out[length++] = ' ';
    }
    if (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
    return out;
}

/* ASCII only: header names have no locale. */
static char *lowered(struct vb_view name)
{
    char *out = malloc(name.length + 1);
    if (!out)
        return NULL;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[name.length] = '\0';
    return out;
}

/* Also the empty text gives a string, hence the room for nothing but the NUL. */
static char *encoded(struct vb_view text)
{
    struct vb_buffer out;
    vb_buffer_init(&out, CANONICAL_MOST);
    if (vb_percent_encode(&out, text, false) != VB_OK || vb_buffer_reserve(&out, 0) != VB_OK) {
        vb_buffer_done(&out);
        return NULL;
    }
    out.data[out.length] = '\0';
    return vb_buffer_take(&out);
}

/* Takes both strings, also when it fails. */
static enum vb_status add_entry(struct entry *list, size_t *count, char *name, char *value)
{
    if (!name || !value) {
        free(name);
        free(value);
        return VB_NO_MEMORY;
    }
    list[*count] = (struct entry){name, value, *count};
    (*count)++;
    return VB_OK;
}

static enum vb_status add_header(struct work *work, struct vb_view name, struct vb_view value)
{
    return add_entry(work->headers, &work->header_count, lowered(name), folded(value));
}

/* Encoded before sorting: the order that counts is that of the encoded text. */
static enum vb_status add_parameter(struct work *work, struct vb_view name, struct vb_view value)
{
    return add_entry(work->query, &work->query_count, encoded(name), encoded(value));
}

/* qsort is not stable, so the position decides between equals: values of one name are joined in the
 * order in which they are sent. */
static int by_name(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->position < right->position ? -1 : 1;
}

/* Parameters equal in both are one and the same in any order. */
static int by_name_and_value(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->value, right->value);
}

/* A caller that gives one of ours keeps its own. Names are in lower case by then. */
static bool has_header(const struct work *work, const char *name)
{
    for (size_t i = 0; i < work->header_count; i++)
        if (strcmp(work->headers[i].name, name) == 0)
            return true;
    return false;
}

/* The caller's headers and ours, sorted, and the list of their names. */
static enum vb_status collect_headers(struct work *work)
{
    const struct vb_s3_signing *of = work->of;
    bool by_header = of->mode == VB_S3_SIGN_HEADER;
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < of->header_count && status == VB_OK; i++)
        if (is_signed(of->headers[i].name))
            status = add_header(work, of->headers[i].name, of->headers[i].value);
    if (status == VB_OK && by_header && !has_header(work, "x-amz-date"))
        status = add_header(work, VB_VIEW("x-amz-date"), vb_view_of(work->to->date));
    if (status == VB_OK && by_header && of->session_token && *of->session_token &&
        !has_header(work, "x-amz-security-token"))
        status = add_header(work, VB_VIEW("x-amz-security-token"), vb_view_of(of->session_token));
    qsort(work->headers, work->header_count, sizeof *work->headers, by_name);
    for (size_t i = 0; i < work->header_count && status == VB_OK; i++) {
        const char *name = work->headers[i].name;
        if (i == 0 || strcmp(name, work->headers[i - 1].name) != 0)
            status = vb_buffer_printf(&work->names, "%s%s", i ? ";" : "", name);
    }
    return status;
}

/* X-Amz-Signature itself is not among them: it is added to the finished target. The credential
 * holds slashes, which are escaped like every other value's. */
static enum vb_status add_signing_parameters(struct work *work)
{
    const struct vb_s3_signing *of = work->of;
    char credential[1024], expires[16];
    int length =
        snprintf(credential, sizeof credential, "%s/%s", of->access_key_id, work->scope.data);
    if (length < 0 || (size_t)length >= sizeof credential)
        return VB_LIMIT;
    snprintf(expires, sizeof expires, "%u", of->expires);
    const struct vb_s3_pair ours[] = {
        {VB_VIEW("X-Amz-Algorithm"), VB_VIEW(ALGORITHM)},
        {VB_VIEW("X-Amz-Credential"), vb_view_of(credential)},
        {VB_VIEW("X-Amz-Date"), vb_view_of(work->to->date)},
        {VB_VIEW("X-Amz-Expires"), vb_view_of(expires)},
        {VB_VIEW("X-Amz-SignedHeaders"), {work->names.data, work->names.length}},
        {VB_VIEW("X-Amz-Security-Token"), vb_view_of(of->session_token)},
    };
    size_t count = of->session_token && *of->session_token ? 6 : 5;
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = add_parameter(work, ours[i].name, ours[i].value);
    return status;
}

/* Sorted by encoded name, then encoded value: what is signed, and what is sent. */
static enum vb_status collect_query(struct work *work)
{
    const struct vb_s3_signing *of = work->of;
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < of->query_count && status == VB_OK; i++)
        status = add_parameter(work, of->query[i].name, of->query[i].value);
    if (status == VB_OK && of->mode == VB_S3_SIGN_QUERY)
        status = add_signing_parameters(work);
    qsort(work->query, work->query_count, sizeof *work->query, by_name_and_value);
    for (size_t i = 0; i < work->query_count && status == VB_OK; i++)
        status = vb_buffer_printf(&work->encoded, "%s%s=%s", i ? "&" : "", work->query[i].name,
                                  work->query[i].value);
    return status;
}

/* Segments without ".", ".." and "//" (RFC 3986, 5.2.4, and the signer's rule for slashes). ".." at
 * the root stays there. A slash at the end is kept, as it names another resource. */
static enum vb_status fold_path(struct vb_view path, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    bool ends_in_slash = path.length > 0 && path.data[path.length - 1] == '/';
    for (size_t at = 0; at < path.length && status == VB_OK;) {
        const char *slash = memchr(path.data + at, '/', path.length - at);
        size_t end = slash ? (size_t)(slash - path.data) : path.length;
        struct vb_view segment = {path.data + at, end - at};
        if (vb_view_equals(segment, VB_VIEW(".."))) {
            while (out->length > 0 && out->data[--out->length] != '/')
                continue;
        } else if (segment.length > 0 && !vb_view_equals(segment, VB_VIEW("."))) {
            status = vb_buffer_append_byte(out, '/');
            if (status == VB_OK)
                status = vb_buffer_append(out, segment.data, segment.length);
        }
        at = end + 1;
    }
    if (status == VB_OK && (out->length == 0 || ends_in_slash))
        status = vb_buffer_append_byte(out, '/');
    return status;
}

/* S3 signs paths as they are; other services want them normalised first. */
static enum vb_status encode_path(struct work *work)
{
    struct vb_view path = work->of->path.length ? work->of->path : VB_VIEW("/");
    if (!work->of->normalize_path)
        return vb_percent_encode(&work->path, path, true);
    struct vb_buffer plain;
    vb_buffer_init(&plain, CANONICAL_MOST);
    enum vb_status status = fold_path(path, &plain);
    if (status == VB_OK)
        status = vb_percent_encode(&work->path, (struct vb_view){plain.data, plain.length}, true);
    vb_buffer_done(&plain);
    return status;
}

/* Headers of one name become one line, their values joined by commas. Equal names stand together,
 * sorted. */
static enum vb_status write_headers(const struct work *work, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < work->header_count && status == VB_OK; i++) {
        const struct entry *entry = &work->headers[i];
        bool first = i == 0 || strcmp(entry->name, entry[-1].name) != 0;
        bool last = i + 1 == work->header_count || strcmp(entry->name, entry[1].name) != 0;
        status = vb_buffer_printf(out, "%s%s%s%s", first ? entry->name : "", first ? ":" : ",",
                                  entry->value, last ? "\n" : "");
    }
    return status;
}

/* Method, path, query, headers, their names, payload: six parts, joined by line feeds. */
static enum vb_status write_canonical_request(struct work *work)
{
    struct vb_buffer *out = &work->to->canonical_request;
    enum vb_status status = vb_buffer_printf(out, "%s\n%s\n%s\n", work->of->method, work->path.data,
                                             work->encoded.length ? work->encoded.data : "");
    if (status == VB_OK)
        status = write_headers(work, out);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "\n%s\n%s", work->names.data, work->payload);
    return status;
}

/* Only the digest of the canonical request is signed, with the algorithm, time and scope before
 * it. */
static enum vb_status write_string_to_sign(struct work *work)
{
    const struct vb_buffer *request = &work->to->canonical_request;
    char digest[VB_SHA256_HEX];
    vb_sha256_hex(request->data, request->length, digest);
    return vb_buffer_printf(&work->to->string_to_sign, "%s\n%s\n%s\n%s", ALGORITHM, work->to->date,
                            work->scope.data, digest);
}

/* The key is derived by a chain of MACs, each keyed with the one before: date, region, service, the
 * word "aws4_request". What is derived is good for one day, region and service. The MAC may be
 * written over its own key: OpenSSL has read the key before. */
static enum vb_status write_signature(struct work *work)
{
    const char *secret = work->of->secret_access_key;
    struct vb_buffer start;
    unsigned char key[VB_SHA256];
    vb_buffer_init(&start, CANONICAL_MOST);
    enum vb_status status = vb_buffer_printf(&start, "AWS4%s", secret);
    if (status == VB_OK) {
        const struct vb_buffer *text = &work->to->string_to_sign;
        const char *service = work->of->service, *region = work->of->region;
        vb_hmac_sha256(start.data, start.length, work->to->date, 8, key);
        vb_hmac_sha256(key, sizeof key, region, strlen(region), key);
        vb_hmac_sha256(key, sizeof key, service, strlen(service), key);
        vb_hmac_sha256(key, sizeof key, "aws4_request", 12, key);
        vb_hmac_sha256(key, sizeof key, text->data, text->length, key);
        vb_hex_encode(key, sizeof key, work->to->signature);
    }
    if (start.data)
        /* Holds the secret in clear. */
        OPENSSL_cleanse(start.data, start.capacity);
    vb_buffer_done(&start);
    return status;
}

/* The token is a parameter like others in query mode and so is signed; S3 wants it so. */
static enum vb_status write_results(struct work *work)
{
    struct vb_s3_signature *to = work->to;
    bool by_query = work->of->mode == VB_S3_SIGN_QUERY;
    enum vb_status status = vb_buffer_printf(&to->target, "%s", work->path.data);
    if (status == VB_OK && work->encoded.length)
        status = vb_buffer_printf(&to->target, "?%s", work->encoded.data);
    if (status == VB_OK && by_query)
        status = vb_buffer_printf(&to->target, "&X-Amz-Signature=%s", to->signature);
    if (status == VB_OK && !by_query)
        status = vb_buffer_printf(
            &to->authorization, ALGORITHM " Credential=%s/%s,SignedHeaders=%s,Signature=%s",
            work->of->access_key_id, work->scope.data, work->names.data, to->signature);
    return status;
}

/* A presigned link to S3 cannot know the body; other services take the hash of nothing. A given
 * digest is signed as it is, unread. */
static const char *payload_of(const struct vb_s3_signing *of)
{
    if (of->payload_sha256)
        return of->payload_sha256;
    return of->mode == VB_S3_SIGN_QUERY && strcmp(of->service, "s3") == 0 ? VB_S3_UNSIGNED
                                                                          : EMPTY_SHA256;
}

/* All that could make a later stage read NULL or write past its room is refused here, before
 * anything is allocated. */
static enum vb_status check(const struct vb_s3_signing *of, struct vb_error *err)
{
    bool has_host = false;
    for (size_t i = 0; i < of->header_count; i++)
        has_host = has_host || (of->headers[i].name.length == 4 &&
                                strncasecmp(of->headers[i].name.data, "host", 4) == 0);
    if (!has_host)
        return vb_fail(err, VB_INVALID, "a request cannot be signed without its host header");
    if (!of->access_key_id || !*of->access_key_id || !of->secret_access_key)
        return vb_fail(err, VB_INVALID, "a request cannot be signed without keys");
    if (!of->method || !*of->method || !of->region || !*of->region || !of->service || !*of->service)
        return vb_fail(err, VB_INVALID, "a signature needs method, region and service");
    if (of->header_count > PAIRS_MOST || of->query_count > PAIRS_MOST)
        return vb_fail(err, VB_LIMIT, "more than %u headers or parameters", PAIRS_MOST);
    if (of->mode == VB_S3_SIGN_QUERY && (of->expires < 1 || of->expires > VB_S3_LIFETIME_MOST))
        return vb_fail(err, VB_INVALID, "a presigned link lives 1 to %u seconds, not %u",
                       VB_S3_LIFETIME_MOST, of->expires);
    return VB_OK;
}

/* The remainders only tell the compiler that each number fits its digits. Allocations are checked
 * by run_stages, so that done_work can always run. */
static void init_work(struct work *work, const struct vb_s3_signing *of, struct vb_s3_signature *to)
{
    struct vb_civil at = vb_civil_of(of->at, 0);
    *work = (struct work){.of = of, .to = to, .payload = payload_of(of)};
    snprintf(to->date, sizeof to->date, "%04u%02u%02uT%02u%02u%02uZ",
             (unsigned)at.date.year % 10000u, (unsigned)at.date.month % 100u,
             (unsigned)at.date.day % 100u, (unsigned)at.hour % 100u, (unsigned)at.minute % 100u,
             (unsigned)at.second % 100u);
    vb_buffer_init(&to->canonical_request, CANONICAL_MOST);
    vb_buffer_init(&to->string_to_sign, CANONICAL_MOST);
    vb_buffer_init(&to->target, CANONICAL_MOST);
    vb_buffer_init(&to->authorization, CANONICAL_MOST);
    vb_buffer_init(&work->path, CANONICAL_MOST);
    vb_buffer_init(&work->names, CANONICAL_MOST);
    vb_buffer_init(&work->encoded, CANONICAL_MOST);
    vb_buffer_init(&work->scope, CANONICAL_MOST);
    work->headers = calloc(of->header_count + 2, sizeof *work->headers); /* and our two */
    work->query = calloc(of->query_count + 6, sizeof *work->query);      /* and our six */
}

static void free_entries(struct entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
        free(list[i].value);
    }
    free(list);
}

static void done_work(struct work *work)
{
    free_entries(work->headers, work->header_count);
    free_entries(work->query, work->query_count);
    vb_buffer_done(&work->path);
    vb_buffer_done(&work->names);
    vb_buffer_done(&work->encoded);
    vb_buffer_done(&work->scope);
}

/* Each stage needs the ones before it. */
static enum vb_status run_stages(struct work *work)
{
    if (!work->headers || !work->query)
        return VB_NO_MEMORY;
    enum vb_status status = vb_buffer_printf(&work->scope, "%.8s/%s/%s/aws4_request",
                                             work->to->date, work->of->region, work->of->service);
    enum vb_status (*const stages[])(struct work *) = {
        collect_headers,      collect_query,   encode_path,   write_canonical_request,
        write_string_to_sign, write_signature, write_results,
    };
    for (size_t i = 0; i < sizeof stages / sizeof *stages && status == VB_OK; i++)
        status = stages[i](work);
    return status;
}

/* The result is built beside the caller's and put in its place at the end, so that a failure leaves
 * an earlier signature whole. */
enum vb_status vb_s3_sign(const struct vb_s3_signing *signing,
                          struct vb_s3_signature *ret_signature, struct vb_error *err)
{
    struct work work;
    struct vb_s3_signature result = {0};
    enum vb_status status = check(signing, err);
    if (status != VB_OK)
        return status;
    init_work(&work, signing, &result);
    status = run_stages(&work);
    done_work(&work);
    if (status != VB_OK) {
        vb_s3_signature_done(&result);
        return vb_fail(err, status, "a request could not be signed: %s", vb_status_name(status));
    }
    vb_s3_signature_done(ret_signature);
    *ret_signature = result;
    return VB_OK;
}

void vb_s3_signature_done(struct vb_s3_signature *signature)
{
    if (!signature)
        return;
    vb_buffer_done(&signature->canonical_request);
    vb_buffer_done(&signature->string_to_sign);
    vb_buffer_done(&signature->target);
    vb_buffer_done(&signature->authorization);
}
