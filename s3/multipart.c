/* Multipart uploads: create, part, complete, abort, list. See s3_client.h.
 *
 * The largest memory here is the list of parts in a Complete (about 120 bytes a part, 1.2 MB at
 * most) and one page of ListParts.
 *
 * An upload's life is the store's; nothing of it is kept here, so any process can go on with it by
 * key and id. Whether it is finished is told by the object alone: a completion may have been
 * carried out although its answer says failure, or says nothing, or says that there is no such
 * upload. Source: Amazon S3 API Reference, the actions CreateMultipartUpload, UploadPart,
 * CompleteMultipartUpload, AbortMultipartUpload and ListParts.
 */
#include "call.h"
#include "verbatim/digits.h"
#include "verbatim/text.h"
#include "xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for 10,000 parts with ETags of 80 bytes and some escapes. */
#define COMPLETE_MOST (2u * 1024u * 1024u)
#define ANSWER_MOST 65536u
#define PAGE_MOST (1024u * 1024u)
/* Half of what S3 allows: an answer of some hundred bytes a part stays far below PAGE_MOST. */
#define PAGE_PARTS "500"

struct created {
    char upload_id[VB_S3_UPLOAD_ID];
};

/* An id that does not fit counts as none: half an id names another upload or nothing. */
static void on_created(void *context, const char *path, const char *text)
{
    struct created *created = context;
    const char *field = vb_xml_below_root(path); /* rclone's root is InitiateMultipartUpload */
    if (field && strcmp(field, "UploadId") == 0 && strlen(text) < sizeof created->upload_id)
        memcpy(created->upload_id, text, strlen(text) + 1);
}

/* VB_INVALID if the answer holds no id. */
static enum vb_status read_created(struct vb_view body, struct created *created)
{
    const struct vb_xml_reader reader = {on_created, created};
    created->upload_id[0] = '\0';
    enum vb_status status = vb_xml_read(body, &reader, NULL);
    return status == VB_OK && !*created->upload_id ? VB_INVALID : status;
}

/* A 200 without an id is a failure of the attempt: the call is tried again. */
static enum vb_status check_created(struct vb_view body, struct vb_s3_failure *failure)
{
    struct created created;
    enum vb_status status = read_created(body, &created);
    if (status == VB_INVALID)
        snprintf(failure->message, sizeof failure->message, "the answer names no upload");
    return status;
}

/* The answer is read twice, once to judge the attempt and once for its id: check has no
 * context of its own, and the answer is some hundred bytes. */
enum vb_status vb_s3_create_upload(struct vb_s3_client *client, const char *key,
                                   struct vb_s3_kind kind, char ret_upload_id[VB_S3_UPLOAD_ID],
                                   struct vb_error *err)
{
    const struct vb_s3_pair query[] = {{VB_VIEW("uploads"), VB_VIEW("")}};
    struct vb_buffer disposition, body;
    struct vb_s3_wire_answer answer = {.body = &body};
    struct created created;
    vb_buffer_init(&body, ANSWER_MOST);
    enum vb_status status = vb_s3_disposition_of(kind, &disposition, err);
    if (status != VB_OK)
        return status;
    const struct vb_s3_call call = {
        .verb = "create upload of",
        .method = "POST",
        .key = key,
        .query = query,
        .query_count = 1,
        .content_type = kind.content_type,
        .content_disposition = disposition.data,
        .stores = true,
        .check = check_created,
    };
    status = vb_s3_call(client, &call, &answer, err);
    if (status == VB_OK &&
        (status = read_created((struct vb_view){body.data, body.length}, &created)) != VB_OK)
        (void)vb_fail(err, status, "create upload of %s: no memory for the answer", key);
    if (status == VB_OK)
        memcpy(ret_upload_id, created.upload_id, sizeof created.upload_id);
    vb_buffer_done(&disposition);
    vb_buffer_done(&body);
    return status;
}

/* The number is checked before anything is sent: stores differ in what they do with a wrong one. */
enum vb_status vb_s3_upload_part(struct vb_s3_client *client, const char *key,
                                 const char *upload_id, uint32_t number,
                                 const struct vb_s3_body *body, char ret_etag[VB_S3_ETAG],
                                 struct vb_error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, number);
    const struct vb_s3_pair query[] = {
        {VB_VIEW("partNumber"), vb_view_of(text)},
        {VB_VIEW("uploadId"), vb_view_of(upload_id)},
    };
    const struct vb_s3_call call = {
        .verb = "upload part of",
        .method = "PUT",
        .key = key,
        .query = query,
        .query_count = 2,
        .body = body,
        .in_upload = true,
    };
    if (number < 1 || number > VB_S3_PART_MOST)
        return vb_fail(err, VB_INVALID, "%" PRIu32 " is no part number", number);
    return vb_s3_call_for_etag(client, &call, ret_etag, err);
}

/* In the order of `parts`, which is the order of the archive; stores demand rising numbers. The
 * whole list must be there before the call: its digest is signed. */
static enum vb_status write_parts(const struct vb_s3_part *parts, size_t count,
                                  struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        status = vb_buffer_printf(out, "<Part><PartNumber>%" PRIu32 "</PartNumber><ETag>",
                                  parts[i].number);
        /* ETags come from answers and records, so they may hold anything. */
        if (status == VB_OK)
            status = vb_markup_escape(out, parts[i].etag);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "</ETag></Part>");
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</CompleteMultipartUpload>") : status;
}

struct completed {
    char etag[VB_S3_ETAG];
};

static void on_completed(void *context, const char *path, const char *text)
{
    struct completed *completed = context;
    const char *field = vb_xml_below_root(path);
    if (field && strcmp(field, "ETag") == 0 && strlen(text) < sizeof completed->etag)
        memcpy(completed->etag, text, strlen(text) + 1);
}

/* The ETag is what tells a completion from an error document in a 200; its value is not
 * compared. */
static enum vb_status read_completed(struct vb_view body, struct completed *completed)
{
    const struct vb_xml_reader reader = {on_completed, completed};
    completed->etag[0] = '\0';
    enum vb_status status = vb_xml_read(body, &reader, NULL);
    return status == VB_OK && !*completed->etag ? VB_INVALID : status;
}

/* The store may answer 200 before it knows, and put the failure into the body. */
static enum vb_status check_completed(struct vb_view body, struct vb_s3_failure *failure)
{
    struct completed completed;
    enum vb_status status = read_completed(body, &completed);
    if (status != VB_INVALID)
        return status;
    status = vb_s3_failure_read(body, failure);
    if (status == VB_INVALID)
        snprintf(failure->message, sizeof failure->message,
                 "the answer to the completion is no confirmation");
    return status == VB_NO_MEMORY ? status : VB_INVALID;
}

/* The upload is gone: whether the object stands is the question that decides. Its size is compared
 * and nothing more, since the ETag of an object in parts cannot be known before. The code of the
 * completion's failure is kept over the HEAD, for the caller's text. */
static enum vb_status look_for_object(struct vb_s3_client *client, const char *key, uint64_t size,
                                      char ret_etag[VB_S3_ETAG], struct vb_error *err)
{
    struct vb_s3_object object;
    struct vb_error own;
    char code[sizeof client->code];
    memcpy(code, client->code, sizeof code);
    enum vb_status status = vb_s3_head(client, key, &object, &own);
    if (status == VB_OK && object.size == size) {
        memcpy(ret_etag, object.etag, sizeof object.etag);
        return VB_OK;
    }
    memcpy(client->code, code, sizeof code);
    if (status == VB_OK || status == VB_NOT_FOUND)
        return VB_NOT_FOUND; /* `err` still tells of the upload */
    if (err)
        *err = own;
    return status;
}

/* The parts are borrowed and not sorted: the caller's order is the object's. */
enum vb_status vb_s3_complete_upload(struct vb_s3_client *client, const char *key,
                                     const char *upload_id, const struct vb_s3_part *parts,
                                     size_t count, char ret_etag[VB_S3_ETAG], struct vb_error *err)
{
    const struct vb_s3_pair query[] = {{VB_VIEW("uploadId"), vb_view_of(upload_id)}};
    struct vb_buffer list, body;
    struct vb_s3_wire_answer answer = {.body = &body};
    struct completed completed;
    uint64_t size = 0;
    vb_buffer_init(&list, COMPLETE_MOST);
    vb_buffer_init(&body, ANSWER_MOST);
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    enum vb_status status = write_parts(parts, count, &list);
    if (status != VB_OK)
        (void)vb_fail(err, status, "complete upload of %s: %s the list of parts", key,
                      status == VB_LIMIT ? "too long is" : "no memory for");
    struct iovec piece = {list.data, list.length};
    const struct vb_s3_body content = {&piece, 1, list.length};
    const struct vb_s3_call call = {
        .verb = "complete upload of",
        .method = "POST",
        .key = key,
        .query = query,
        .query_count = 1,
        .content_type = "application/xml",
        .body = &content,
        /* Assembling a large object takes some stores minutes; meanwhile they send white space or
         * nothing. */
        .patient = true,
        .in_upload = true,
        .check = check_completed,
    };
    if (status == VB_OK)
        status = vb_s3_call(client, &call, &answer, err);
    if (status == VB_OK &&
        (status = read_completed((struct vb_view){body.data, body.length}, &completed)) != VB_OK)
        (void)vb_fail(err, status, "complete upload of %s: no memory for the answer", key);
    if (status == VB_OK)
        memcpy(ret_etag, completed.etag, sizeof completed.etag);
    vb_buffer_done(&list);
    vb_buffer_done(&body);
    /* The answer to an earlier attempt may have been lost after the store did its work. */
    if (status == VB_NOT_FOUND && strcmp(client->code, "NoSuchBucket") != 0)
        status = look_for_object(client, key, size, ret_etag, err);
    return status;
}

/* Not repeated when the upload is gone: callers take VB_NOT_FOUND for done. */
enum vb_status vb_s3_abort_upload(struct vb_s3_client *client, const char *key,
                                  const char *upload_id, struct vb_error *err)
{
    const struct vb_s3_pair query[] = {{VB_VIEW("uploadId"), vb_view_of(upload_id)}};
    const struct vb_s3_call call = {
        .verb = "abort upload of",
        .method = "DELETE",
        .key = key,
        .query = query,
        .query_count = 1,
    };
    struct vb_s3_wire_answer answer;
    return vb_s3_call_plain(client, &call, &answer, err);
}

/* One page of ListParts as it is read, and the caller's question. */
struct page {
    enum vb_status (*part)(void *context, const struct vb_s3_part *part);
    void *context;
    enum vb_status status; /* of the first call that was not VB_OK */
    struct vb_s3_part next;
    uint32_t after; /* the marker of this page, */
    uint32_t last;  /* and of the next: the highest number so far */
    bool whole;     /* the root element ended */
    bool truncated;
};

/* Stores that ignore the marker begin anew: numbers that it excludes are passed over. A part
 * without number or ETag is no part. After the caller's first refusal the rest is read and
 * dropped. */
static void hand_out(struct page *page)
{
    if (page->status == VB_OK && page->next.number > page->after && *page->next.etag)
        page->status = page->part(page->context, &page->next);
    if (page->next.number > page->last)
        page->last = page->next.number;
    page->next = (struct vb_s3_part){0};
}

/* Fields of a part are gathered until its element ends, in whatever order they come. moto's root is
 * ListPartsResponse. */
static void on_part(void *context, const char *path, const char *text)
{
    struct page *page = context;
    const char *field = strncmp(path, "ListParts", 9) == 0 ? vb_xml_below_root(path) : NULL;
    int64_t value = 0;
    if (!field)
        return;
    if (!*field)
        page->whole = true;
    else if (strcmp(field, "Part/PartNumber") == 0 &&
             vb_digits_whole(vb_view_of(text), &value) == VB_OK)
        page->next.number = value <= (int64_t)VB_S3_PART_MOST ? (uint32_t)value : 0;
    else if (strcmp(field, "Part/Size") == 0 && vb_digits_whole(vb_view_of(text), &value) == VB_OK)
        page->next.size = (uint64_t)value;
    else if (strcmp(field, "Part/ETag") == 0 && strlen(text) < VB_S3_ETAG)
        memcpy(page->next.etag, text, strlen(text) + 1);
    else if (strcmp(field, "Part") == 0)
        hand_out(page);
    else if (strcmp(field, "IsTruncated") == 0)
        page->truncated = strcmp(text, "true") == 0;
}

/* Without a marker for the first page: some stores refuse a marker of 0. */
static enum vb_status list_page(struct vb_s3_client *client, const char *key, const char *upload_id,
                                struct page *page, struct vb_error *err)
{
    char marker[16];
    struct vb_buffer body;
    struct vb_s3_wire_answer answer = {.body = &body};
    const struct vb_xml_reader reader = {on_part, page};
    page->after = page->last;
    snprintf(marker, sizeof marker, "%" PRIu32, page->after);
    const struct vb_s3_pair query[] = {
        {VB_VIEW("uploadId"), vb_view_of(upload_id)},
        {VB_VIEW("max-parts"), VB_VIEW(PAGE_PARTS)},
        {VB_VIEW("part-number-marker"), vb_view_of(marker)},
    };
    const struct vb_s3_call call = {
        .verb = "list parts of",
        .method = "GET",
        .key = key,
        .query = query,
        .query_count = page->last ? 3 : 2,
    };
    page->whole = page->truncated = false;
    vb_buffer_init(&body, PAGE_MOST);
    enum vb_status status = vb_s3_call(client, &call, &answer, err);
    if (status == VB_OK)
        status = vb_xml_read((struct vb_view){body.data, body.length}, &reader, err);
    if (status == VB_INVALID || (status == VB_OK && !page->whole))
        status = vb_fail(err, VB_STORAGE, "list parts of %s: the answer is no list of parts", key);
    vb_buffer_done(&body);
    return status;
}

/* The callback's own failure is told by its status; vb_s3_list_uploads passes its text on as
 * well. */
enum vb_status vb_s3_list_parts(struct vb_s3_client *client, const char *key, const char *upload_id,
                                enum vb_status (*part)(void *context,
                                                       const struct vb_s3_part *part),
                                void *context, struct vb_error *err)
{
    struct page page = {.part = part, .context = context};
    uint32_t before;
    do {
        before = page.last;
        enum vb_status status = list_page(client, key, upload_id, &page, err);
        if (status != VB_OK)
            return status;
        if (page.status != VB_OK)
            return vb_fail(err, page.status, "list parts of %s: ended by the caller", key);
        /* A page that says there is more but brings no higher number would make this loop for
         * ever. */
    } while (page.truncated && page.last > before);
    return VB_OK;
}
