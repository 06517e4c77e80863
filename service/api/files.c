/* /files/KEY: archives behind Verbatim's own links, streamed from the directory or passed on to the
 * object store.
 *
 * The link's signature is the only right needed, so the query string is never logged or echoed. A
 * link that was tampered with and one that has expired are answered alike. Ranges: one, as RFC 9110
 * section 14 has it.
 */
#include "api.h"

#include "verbatim/render.h"
#include "verbatim/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of the file: from the first of them, so many. */
struct range {
    uint64_t from, length;
};
enum range_kind { RANGE_NONE, RANGE_ONE, RANGE_BAD };

/* The value of a query parameter, decoded; VB_NOT_FOUND when absent, VB_DENIED when doubled or
 * malformed. */
static enum vb_status query_value(struct vb_view query, const char *name, struct vb_buffer *out)
{
    size_t length = strlen(name);
    bool is_found = false;
    while (query.length > 0) {
        const char *mark = memchr(query.data, '&', query.length);
        size_t size = mark ? (size_t)(mark - query.data) : query.length;
        if (size > length && memcmp(query.data, name, length) == 0 && query.data[length] == '=') {
            struct vb_view value = {query.data + length + 1, size - length - 1};
            enum vb_status status = is_found ? VB_DENIED : vb_percent_decode(out, value);
            if (status != VB_OK)
                return status == VB_NO_MEMORY ? status : VB_DENIED;
            is_found = true;
        }
        size += mark != NULL;
        query = (struct vb_view){query.data + size, query.length - size};
    }
    return is_found ? VB_OK : VB_NOT_FOUND;
}

enum vb_status vb_api_file_is_shown(const struct vb_http_exchange *exchange, bool *ret_is_shown)
{
    struct vb_buffer word;
    vb_buffer_init(&word, 64);
    enum vb_status status = query_value(exchange->head.query, "disposition", &word);
    struct vb_view said = {word.data, word.length};
    *ret_is_shown = status == VB_OK && vb_view_equals(said, VB_VIEW("inline"));
    if (status == VB_OK && !*ret_is_shown && !vb_view_equals(said, VB_VIEW("attachment")))
        status = VB_INVALID;
    vb_buffer_done(&word);
    if (status == VB_NOT_FOUND)
        return VB_OK;
    return status == VB_OK || status == VB_NO_MEMORY ? status : VB_INVALID;
}

/* Both secrets of the loop are tried: a link outlives a change of secrets by its own lifetime. A
 * link to look at says so, and is signed for it. */
static enum vb_status check_link(struct vb_http_exchange *exchange, bool is_shown,
                                 vb_instant *ret_end)
{
    enum vb_status (*check)(const struct vb_link_secrets *secrets, const char *key,
                            struct vb_view expires, struct vb_view signature, vb_instant now,
                            struct vb_error *err) =
        is_shown ? vb_storage_check_view : vb_storage_check_link;
    struct vb_buffer expires, signature;
    vb_buffer_init(&expires, 64);
    vb_buffer_init(&signature, 512);
    enum vb_status status = query_value(exchange->head.query, "expires", &expires);
    if (status == VB_OK)
        status = query_value(exchange->head.query, "signature", &signature);
    if (status == VB_OK)
        status = check(&exchange->loop->site->secrets, exchange->request->arguments[0].data,
                       (struct vb_view){expires.data, expires.length},
                       (struct vb_view){signature.data, signature.length}, vb_clock_now(), NULL);
    if (status == VB_OK)
        *ret_end = strtoll(expires.data, NULL, 10) * VB_SECOND; /* signed, so it is ours */
    vb_buffer_done(&expires);
    vb_buffer_done(&signature);
    return status;
}

/* Digits only; false on none or overflow. */
static bool take_number(struct vb_view *text, uint64_t *ret_number)
{
    size_t i = 0;
    uint64_t number = 0;
    /* Nineteen digits always fit; longer ones leave a rest that is refused by the caller. */
    for (; i < text->length && i < 19 && text->data[i] >= '0' && text->data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(text->data[i] - '0');
    *text = (struct vb_view){text->data + i, text->length - i};
    *ret_number = number;
    return i > 0;
}

/* "bytes=A-B", "bytes=A-", "bytes=-N". Several ranges, other units and malformed ones are ignored,
 * as allowed. */
static enum range_kind parse_range(struct vb_view text, uint64_t size, struct range *ret_range)
{
    if (text.length < 7 || strncmp(text.data, "bytes=", 6) != 0)
        return RANGE_NONE;
    text = (struct vb_view){text.data + 6, text.length - 6};
    uint64_t from = 0, to = size - 1;
    bool has_from = take_number(&text, &from);
    if (text.length == 0 || text.data[0] != '-')
        return RANGE_NONE;
    text = (struct vb_view){text.data + 1, text.length - 1};
    uint64_t number = 0;
    bool has_to = take_number(&text, &number);
    if (text.length > 0 || (!has_from && !has_to) || (has_from && has_to && number < from))
        return RANGE_NONE;
    if (!has_from) { /* the last `number` bytes */
        if (number == 0 || size == 0)
            return RANGE_BAD;
        from = number < size ? size - number : 0;
    } else if (has_to && number < to) {
        to = number;
    }
    if (from >= size)
        return RANGE_BAD;
    *ret_range = (struct range){from, to - from + 1};
    return RANGE_ONE;
}

/* A key is written once and never again, so size and time of the file are a strong validator. */
static void make_validators(const struct stat *file, char etag[64], char modified[64])
{
    (void)snprintf(etag, 64, "\"%llx-%llx.%lx\"", (unsigned long long)file->st_size,
                   (unsigned long long)file->st_mtim.tv_sec, (unsigned long)file->st_mtim.tv_nsec);
    vb_http_date_text(file->st_mtim.tv_sec, modified);
}

/* Weak tags count as well (RFC 9110, 13.1.2): the quoted tag is found behind a `W/`. */
bool vb_http_tag_is_held(const struct vb_http_exchange *exchange, const char *etag)
{
    struct vb_view list = vb_http_header_value(&exchange->head, "if-none-match", NULL);
    return vb_view_equals(list, VB_VIEW("*")) ||
           (list.length > 0 && memmem(list.data, list.length, etag, strlen(etag)) != NULL);
}

/* If-Range compares strongly, by tag or exact date (RFC 9110, 13.1.5). Several Range headers are
 * none. */
static enum range_kind wanted_range(const struct vb_http_exchange *exchange, uint64_t size,
                                    const char *etag, const char *modified, struct range *range)
{
    size_t count = 0;
    struct vb_view text = vb_http_header_value(&exchange->head, "range", &count);
    struct vb_view condition = vb_http_header_value(&exchange->head, "if-range", NULL);
    if (count != 1)
        return RANGE_NONE;
    if (condition.data && !vb_view_equals(condition, vb_view_of(etag)) &&
        !vb_view_equals(condition, vb_view_of(modified)))
        return RANGE_NONE; /* it has changed for the client: the whole file */
    return parse_range(text, size, range);
}

/* A mail scanner's look at a link takes no more than this before it closes, and what the kernel had
 * taken from us by then, which is up to some 6 MiB. Who took more has a good part of the file. */
#define PEEK (8u << 20)

static void note_download(struct vb_http_exchange *exchange, const char *job, bool is_by_link,
                          bool is_part, const uint64_t *sent)
{
    if (is_by_link)
        vb_api_audit_link(exchange, job, is_part, sent);
    else
        vb_api_audit_download(exchange, job, sent);
}

/* With a key each piece is noted, by a link the first of an hour: browsers go on after a break, and
 * players and managers of downloads fetch piece by piece. */
static void on_file_end(struct vb_http_exchange *exchange, uint64_t sent)
{
    const struct vb_api_site_request *request = exchange->request;
    if (sent == request->download.length || sent > PEEK)
        note_download(exchange, request->download.job, request->download.is_by_link,
                      request->download.is_part, &sent);
}

/* One byte of a larger file tells whether it is there and can be had in pieces, no more. */
static void note_at_end(struct vb_http_exchange *exchange, const struct vb_api_file *file,
                        const struct range *range, uint64_t size)
{
    struct vb_api_site_request *request = exchange->request;
    if (exchange->is_head || !file->job[0] || (range->length == 1 && size > 1))
        return;
    (void)snprintf(request->download.job, sizeof(request->download.job), "%s", file->job);
    request->download.is_by_link = file->is_by_link;
    request->download.is_part = range->length < size;
    request->download.length = range->length;
    exchange->on_file_end = on_file_end;
}

/* The way to the store counts as the download: what is fetched there is not seen here. */
static void note_redirect(struct vb_http_exchange *exchange, const struct vb_api_file *file)
{
    size_t count = 0;
    struct vb_view text = vb_http_header_value(&exchange->head, "range", &count);
    struct range range = {0, 0};
    bool is_part = count == 1 && parse_range(text, INT64_MAX, &range) == RANGE_ONE;
    if (!exchange->is_head && file->job[0] && !(is_part && range.length == 1))
        note_download(exchange, file->job, file->is_by_link, is_part, NULL);
}

static void refuse(struct vb_http_exchange *exchange, const struct vb_api_file *file,
                   const struct vb_error *err)
{
    if (err->status == VB_NOT_FOUND && file->refuse)
        file->refuse(exchange, 404);
    else if (err->status == VB_NOT_FOUND)
        vb_http_answer_detail(exchange, 404, "File not found.");
    else if (vb_status_retryable(err->status) && file->refuse)
        file->refuse(exchange, 503);
    else
        vb_http_answer_error(exchange, err);
}

/* A page out of an archive runs its own script, as somebody of no origin at all: with no cookie, no
 * storage, and no way to the API. A browser's reader of PDF is walled off by itself, and does not
 * work in such a sandbox. */
static void wall_off(struct vb_http_exchange *exchange, const char *type)
{
    if (strcmp(type, "application/pdf") != 0)
        vb_http_answer_header(exchange, "Content-Security-Policy",
                              "sandbox allow-scripts allow-popups allow-downloads");
    vb_http_answer_header(exchange, "Referrer-Policy", "no-referrer");
}

/* Takes the file over: every way out closes it or hands it to the connection. */
static void answer_open_file(struct vb_http_exchange *exchange, const struct vb_api_file *wanted,
                             int file, uint64_t size)
{
    struct stat about;
    const char *type = vb_content_type_of(wanted->key);
    if (fstat(file, &about) != 0) {
        close(file);
        vb_http_answer_detail(exchange, 500, "Internal Server Error");
        return;
    }
    char etag[64], modified[64], content_range[80];
    make_validators(&about, etag, modified);
    vb_http_answer_header(exchange, "ETag", etag);
    vb_http_answer_header(exchange, "Cache-Control", "private, no-cache, no-transform");
    exchange->may_be_kept = true;
    if (wanted->is_shown)
        wall_off(exchange, type);
    struct range range = {0, size};
    enum range_kind kind = wanted_range(exchange, size, etag, modified, &range);
    if (vb_http_tag_is_held(exchange, etag)) {
        close(file);
        vb_http_answer_unchanged(exchange);
    } else if (kind == RANGE_BAD) {
        close(file);
        (void)snprintf(content_range, sizeof(content_range), "bytes */%" PRIu64, size);
        vb_http_answer_error_header(exchange, "Content-Range", content_range);
        vb_http_answer_detail(exchange, 416, "The range lies outside of the file.");
    } else {
        vb_http_answer_header(exchange, "Last-Modified", modified);
        vb_http_answer_header(exchange, "Accept-Ranges", "bytes");
        if (kind == RANGE_ONE) {
            (void)snprintf(content_range, sizeof(content_range),
                           "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.from,
                           range.from + range.length - 1, size);
            vb_http_answer_header(exchange, "Content-Range", content_range);
        }
        const char *slash = strrchr(wanted->key, '/');
        (wanted->is_shown ? vb_http_answer_inline
                          : vb_http_answer_attachment)(exchange, slash ? slash + 1 : wanted->key);
        note_at_end(exchange, wanted, &range, size);
        vb_http_answer_file(exchange, kind == RANGE_ONE ? 206 : 200, type, file, (off_t)range.from,
                            range.length);
    }
}

int64_t vb_api_redirect_seconds(vb_instant end)
{
    int64_t left = (end - vb_clock_now()) / VB_SECOND;
    if (left > VB_API_REDIRECT_SECONDS)
        return VB_API_REDIRECT_SECONDS;
    return left > 1 ? left : 1;
}

/* Opened here on the loop: on a local directory that is a moment. S3 answers with its own link
 * instead. */
void vb_api_file_answer(struct vb_http_exchange *exchange, const struct vb_api_file *file)
{
    int opened = -1;
    uint64_t size = 0;
    struct vb_buffer redirect;
    vb_buffer_init(&redirect, VB_HTTP_LINK_MOST);
    struct vb_error err = {0};
    enum vb_status status =
        vb_storage_open(exchange->loop->site->service->storage, file->key, file->seconds,
                        exchange->is_head, &opened, &size, &redirect, &err);
    if (status != VB_OK) {
        refuse(exchange, file, &err);
    } else if (redirect.length > 0) {
        note_redirect(exchange, file);
        vb_http_answer_header(exchange, "Location", redirect.data);
        vb_http_answer_detail(exchange, 302, "Found");
    } else {
        answer_open_file(exchange, file, opened, size);
    }
    vb_buffer_done(&redirect);
}

/* ".../JOB-EPOCH/NAME": the job's id begins the last folder, as vb_storage_key puts it. "" where it
 * does not. */
static void job_of(const char *key, char ret_job[VB_UUID_TEXT])
{
    const char *name = strrchr(key, '/');
    const char *folder = name ? memrchr(key, '/', (size_t)(name - key)) : NULL;
    struct vb_uuid uuid;
    ret_job[0] = '\0';
    if (folder && (size_t)(name - folder) >= VB_UUID_TEXT &&
        vb_uuid_parse((struct vb_view){folder + 1, VB_UUID_TEXT - 1}, &uuid) == VB_OK)
        vb_uuid_format(uuid, ret_job);
}

void vb_api_file_begin(struct vb_http_exchange *exchange)
{
    /* The secrets have not been read once since the start: nothing can be judged yet. */
    if (exchange->loop->site->secrets.count == 0) {
        vb_http_answer_error_header(exchange, "Retry-After", "2");
        vb_http_answer_detail(exchange, 503, "The database is not available. Try again later.");
        return;
    }
    bool is_shown = false;
    vb_instant end = 0;
    enum vb_status status = vb_api_file_is_shown(exchange, &is_shown);
    if (status == VB_OK)
        status = check_link(exchange, is_shown, &end);
    if (status == VB_NO_MEMORY) {
        vb_http_answer_status(exchange, status, "a link");
    } else if (status != VB_OK) {
        vb_http_answer_detail(exchange, 403, "The link is not valid or has expired.");
    } else {
        char job[VB_UUID_TEXT];
        const char *key = exchange->request->arguments[0].data;
        job_of(key, job);
        /* Who opened it stands in the audit since he got the link. */
        const struct vb_api_file file = {.key = key,
                                         .job = is_shown ? "" : job,
                                         .is_by_link = true,
                                         .is_shown = is_shown,
                                         .seconds = vb_api_redirect_seconds(end)};
        vb_api_file_answer(exchange, &file);
    }
}
