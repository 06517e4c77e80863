/* The unfinished multipart uploads of one key. See s3_client.h.
 *
 * The key itself is the prefix that is asked for: MinIO lists by nothing shorter. What else begins
 * with it is passed over. One page in memory at a time.
 *
 * Source: Amazon S3 API Reference, ListMultipartUploads. The action belongs to the bucket, so
 * rights may allow an upload and refuse this. The caller may abort uploads while they are listed:
 * pages go by markers, and what is gone is not missed.
 */
#include "call.h"
#include "xml.h"

#include <string.h>

#define PAGE_MOST (1024u * 1024u)
#define PAGE_UPLOADS "100"
#define KEY_TEXT 4096 /* S3 allows 1024 bytes; what is longer is not ours */

/* Where a page ended, and the next one begins after. */
struct marker {
    char key[KEY_TEXT], upload_id[VB_S3_UPLOAD_ID];
};

/* One page as it is read, and the caller's question. */
struct page {
    enum vb_status (*upload)(void *context, const char *upload_id, struct vb_error *err);
    void *context;
    const char *key;
    enum vb_status status; /* of the first call that was not VB_OK */
    struct vb_error *err;
    struct marker here, told; /* of the last upload read; of the answer itself */
    bool whole;               /* the root element ended */
    bool truncated;
};

/* A text that does not fit becomes "", which no key and no id is: such an upload is passed over. */
static void keep(char *to, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (length < room)
        memcpy(to, text, length + 1);
    else
        *to = '\0';
}

/* Only uploads of the key itself; the prefix also finds those of longer keys. */
static void hand_out(struct page *page)
{
    const struct marker *upload = &page->here;
    if (page->status == VB_OK && strcmp(upload->key, page->key) == 0 && *upload->upload_id)
        page->status = page->upload(page->context, upload->upload_id, page->err);
}

/* Fields of an upload are gathered until its element ends. A field that one lacks is that of the
 * one before; every store tells both. */
static void on_upload(void *context, const char *path, const char *text)
{
    static const char root[] = "ListMultipartUploadsResult";
    struct page *page = context;
    if (strncmp(path, root, sizeof root - 1) != 0)
        return;
    const char *rest = path + sizeof root - 1;
    if (!*rest)
        page->whole = true;
    else if (strcmp(rest, "/Upload/Key") == 0)
        keep(page->here.key, sizeof page->here.key, text);
    else if (strcmp(rest, "/Upload/UploadId") == 0)
        keep(page->here.upload_id, sizeof page->here.upload_id, text);
    else if (strcmp(rest, "/Upload") == 0)
        hand_out(page);
    else if (strcmp(rest, "/IsTruncated") == 0)
        page->truncated = strcmp(text, "true") == 0;
    else if (strcmp(rest, "/NextKeyMarker") == 0)
        keep(page->told.key, sizeof page->told.key, text);
    else if (strcmp(rest, "/NextUploadIdMarker") == 0)
        keep(page->told.upload_id, sizeof page->told.upload_id, text);
}

/* What is no XML shows as a page that is not whole. */
static enum vb_status read_page(struct vb_view body, const struct vb_xml_reader *reader,
                                struct vb_error *err)
{
    enum vb_status status = vb_xml_read(body, reader, err);
    return status == VB_INVALID ? VB_OK : status;
}

/* Without max-uploads of its own a store would send up to 1,000 uploads a page. Both markers go
 * together: an id alone means nothing. */
static enum vb_status list_page(struct vb_s3_client *client, const struct marker *after,
                                bool is_bare, struct page *page, struct vb_error *err)
{
    struct vb_buffer body;
    struct vb_s3_wire_answer answer = {.body = &body};
    const struct vb_xml_reader reader = {on_upload, page};
    const struct vb_s3_pair query[] = {
        {VB_VIEW("uploads"), VB_VIEW("")},
        {VB_VIEW("prefix"), vb_view_of(page->key)},
        {VB_VIEW("key-marker"), vb_view_of(after->key)},
        {VB_VIEW("upload-id-marker"), vb_view_of(after->upload_id)},
        {VB_VIEW("max-uploads"), VB_VIEW(PAGE_UPLOADS)},
    };
    struct vb_s3_pair asked[sizeof query / sizeof *query];
    size_t count = *after->key ? 4 : 2;
    memcpy(asked, query, count * sizeof *query);
    if (!is_bare)
        asked[count++] = query[4];
    const struct vb_s3_call call = {
        .verb = "list uploads in",
        .method = "GET",
        .query = asked,
        .query_count = count,
    };
    vb_buffer_init(&body, PAGE_MOST);
    enum vb_status status = vb_s3_call(client, &call, &answer, err);
    if (status == VB_OK)
        status = read_page((struct vb_view){body.data, body.length}, &reader, err);
    if (status == VB_OK && !page->whole)
        status = vb_fail(err, VB_STORAGE, "list uploads of %s: the answer is no list of uploads",
                         page->key);
    vb_buffer_done(&body);
    return status == VB_OK ? page->status : status;
}

/* Some stores leave out where the next page begins: then after the last upload of this one. An
 * empty key ends the listing. */
static struct marker end_of(const struct page *page)
{
    return *page->told.key ? page->told : page->here;
}

/* `err` may be NULL, but the caller's callback needs somewhere to write. */
enum vb_status vb_s3_list_uploads(struct vb_s3_client *client, const char *key,
                                  enum vb_status (*upload)(void *context, const char *upload_id,
                                                           struct vb_error *err),
                                  void *context, struct vb_error *err)
{
    struct marker after = {"", ""}, before;
    struct vb_error own;
    bool more, is_bare = false;
    do {
        struct page page = {.upload = upload, .context = context, .key = key, .err = &own};
        vb_error_clear(&own);
        enum vb_status status = list_page(client, &after, is_bare, &page, &own);
        /* S3Proxy takes no max-uploads. */
        if (status == VB_STORAGE && own.system_code == 501 && !is_bare) {
            is_bare = true;
            vb_error_clear(&own);
            status = list_page(client, &after, is_bare, &page, &own);
        }
        /* versitygw pages by keys alone and refuses a marker inside one. */
        if (status != VB_OK && *after.key && strcmp(client->code, "InvalidArgument") == 0)
            return VB_OK;
        if (status != VB_OK && err)
            *err = own;
        if (status != VB_OK)
            return status;
        before = after;
        after = end_of(&page);
        /* A page that says there is more but ends where it began would make this loop for ever. */
        more =
            page.truncated && *after.key &&
            (strcmp(after.key, before.key) != 0 || strcmp(after.upload_id, before.upload_id) != 0);
    } while (more);
    return VB_OK;
}
