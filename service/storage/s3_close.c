/* Complete of the S3 driver. See s3_close.h.
 *
 * What a refusal means is found out by the list of what the store holds. Parts that differ from the
 * records are told one by one. Where all are as recorded, the store objects to something else: to
 * parts that it holds besides (Ceph RGW, rclone), or to the way in which the archive was cut (R2
 * wants one length, rclone, s3s-fs and directory buckets numbers without gaps). Both are cured by
 * beginning anew. The codes tell these apart badly: InvalidPart, InvalidPartOrder and
 * InvalidRequest all stand for each of them. Some stores take the upload, or parts of it, with
 * their refusal: then the words tell, or that the archive was not cut in the strictest way.
 */
#include "s3_close.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define FEW_PARTS 1000u /* the limit of stores that have a low one */

enum vb_status vb_s3_of_upload(struct vb_s3_client *client, enum vb_status status,
                               struct vb_error *err)
{
    if (status != VB_NOT_FOUND || strcmp(vb_s3_client_code(client), "NoSuchBucket") != 0)
        return status;
    if (err)
        err->status = VB_STORAGE;
    return VB_STORAGE;
}

/* Where the store's words speak of part numbers; NULL. */
static const char *find_words(const char *text)
{
    const char *spaced = strcasestr(text, "part number"), *joined = strcasestr(text, "partnumber");
    return spaced ? spaced : joined;
}

/* "Part number must be an integer between 1 and 1000, inclusive" says Swift, as AWS does of its
 * 10000. The largest number below the refused one is the limit; what stands in the request's id is
 * none. */
bool vb_s3_refuses_number(const struct vb_error *err, uint32_t number, uint32_t *ret_most)
{
    const char *words = find_words(err->text), *end = strstr(err->text, " (request id");
    uint32_t most = 0;
    if (err->status != VB_STORAGE || err->system_code != 400 || !words)
        return false;
    for (const char *at = words + strcspn(words, DIGITS); *at && (!end || at < end);
         at += strcspn(at, DIGITS)) {
        char *behind = NULL;
        unsigned long value = strtoul(at, &behind, 10);
        if (value < number && value > most)
            most = (uint32_t)value;
        at = behind;
    }
    if (most <= 1)
        most = number > FEW_PARTS ? FEW_PARTS : number - 1;
    *ret_most = most;
    return most > 0;
}

/* Some stores answer a part with quotes and list it without, or the other way round. */
static struct vb_view bare_etag(const char *etag)
{
    size_t length = strlen(etag);
    if (length >= 2 && etag[0] == '"' && etag[length - 1] == '"')
        return (struct vb_view){etag + 1, length - 2};
    return (struct vb_view){etag, length};
}

struct comparison {
    const struct vb_s3_record *record;
    bool *bad;   /* all true at the start */
    size_t more; /* parts whose numbers are not recorded */
};

/* Takes the flag off the recorded part that the store holds as recorded. A number may be listed
 * twice, with what was sent first as well (SeaweedFS): one that fits is enough. */
static enum vb_status compare_part(void *context, const struct vb_s3_part *held)
{
    struct comparison *comparison = context;
    bool known = false;
    for (size_t i = 0; i < comparison->record->count; i++) {
        const struct vb_stored_part *part = &comparison->record->parts[i];
        if (part->number != held->number)
            continue;
        known = true;
        if (part->size == held->size &&
            vb_view_equals(bare_etag(part->etag), bare_etag(held->etag)))
            comparison->bad[i] = false;
    }
    comparison->more += !known;
    return VB_OK;
}

/* *ret_wrong: recorded parts that the store holds otherwise, or not at all. */
static enum vb_status compare(struct vb_s3_client *client, const struct vb_s3_record *record,
                              bool *bad, size_t *ret_wrong, size_t *ret_more, struct vb_error *err)
{
    struct comparison comparison = {record, bad, 0};
    for (size_t i = 0; i < record->count; i++)
        bad[i] = true;
    enum vb_status status =
        vb_s3_list_parts(client, record->key, record->upload_id, compare_part, &comparison, err);
    if (status != VB_OK)
        return vb_s3_of_upload(client, status, err);
    *ret_wrong = 0;
    for (size_t i = 0; i < record->count; i++)
        *ret_wrong += bad[i];
    *ret_more = comparison.more;
    return VB_OK;
}

enum vb_status vb_s3_look_for_more(struct vb_s3_client *client, const struct vb_s3_record *record,
                                   bool *ret_more, struct vb_error *err)
{
    size_t wrong = 0, more = 0;
    bool *bad = calloc(record->count + 1, sizeof *bad);
    if (!bad)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the list of %zu parts", record->count);
    enum vb_status status = compare(client, record, bad, &wrong, &more, err);
    free(bad);
    if (status == VB_OK)
        *ret_more = more > 0;
    return status;
}

/* 1, 2, 3 and of one size, but for the last, which is no larger: no store can want more. */
static bool is_equal(const struct vb_s3_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        uint64_t size = record->parts[i].size, first = record->parts[0].size;
        bool is_last = i + 1 == record->count;
        if (record->parts[i].number != i + 1 || size > first || (size < first && !is_last))
            return false;
    }
    return true;
}

/* Parts are named in rising order: who objects to that wants numbers without gaps. */
static bool is_about_order(const struct vb_error *complaint)
{
    return strcasestr(complaint->text, "PartOrder") || strcasestr(complaint->text, "part order");
}

static enum vb_status want_equal(const struct vb_error *complaint, bool *ret_equal,
                                 struct vb_error *err)
{
    *ret_equal = true;
    return vb_fail(err, VB_CONFLICT,
                   "the store wants parts of one size and without gaps in their numbers "
                   "(s3_equal_parts = on): %s",
                   complaint->text);
}

/* The store holds everything as recorded and does not want it. */
static enum vb_status judge(const struct vb_s3_record *record, bool is_small, size_t more,
                            const struct vb_error *complaint, bool *ret_equal, struct vb_error *err)
{
    if (more > 0)
        return vb_fail(err, VB_CONFLICT,
                       "the store holds %zu parts that the archive does not name: %s", more,
                       complaint->text);
    if (is_equal(record) || is_small)
        return vb_fail(err, VB_STORAGE, "the store refuses parts that it lists as recorded: %s",
                       complaint->text);
    return want_equal(complaint, ret_equal, err);
}

/* After a refusal: why? */
static enum vb_status find_out(struct vb_s3_client *client, const struct vb_s3_record *record,
                               const struct vb_error *complaint, enum vb_close_result *ret_result,
                               bool *bad, bool *ret_equal, struct vb_error *err)
{
    bool is_small = strcmp(vb_s3_client_code(client), "EntityTooSmall") == 0;
    size_t wrong = 0, more = 0;
    /* Before the list, since some have used up parts by now (s3s-fs). */
    if (is_about_order(complaint) && !is_equal(record))
        return want_equal(complaint, ret_equal, err);
    enum vb_status status = compare(client, record, bad, &wrong, &more, err);
    if (status != VB_OK)
        return status;
    if (wrong == 0)
        return judge(record, is_small, more, complaint, ret_equal, err);
    *ret_result = VB_CLOSE_PARTS_DIFFER;
    return VB_OK;
}

/* The parts as recorded; the store compares the ETags with its own. */
static enum vb_status complete(struct vb_s3_client *client, const struct vb_s3_record *record,
                               struct vb_error *err)
{
    char etag[VB_S3_ETAG];
    struct vb_s3_part *sent = calloc(record->count, sizeof *sent);
    if (!sent)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the list of %zu parts", record->count);
    for (size_t i = 0; i < record->count; i++) {
        sent[i].number = record->parts[i].number;
        sent[i].size = record->parts[i].size;
        snprintf(sent[i].etag, sizeof sent[i].etag, "%.*s", VB_S3_ETAG - 1, record->parts[i].etag);
    }
    enum vb_status status = vb_s3_complete_upload(client, record->key, record->upload_id, sent,
                                                  record->count, etag, err);
    free(sent);
    return vb_s3_of_upload(client, status, err);
}

/* A store may confirm the completion of an upload that it knows no more, where some object stands
 * at the key (versitygw 1.8 does). So the object is looked at before anything believes in it. */
static enum vb_status confirm(struct vb_s3_client *client, const struct vb_s3_record *record,
                              struct vb_error *err)
{
    struct vb_s3_object object;
    enum vb_status status = vb_s3_head(client, record->key, &object, err);
    if (status == VB_NOT_FOUND)
        return vb_fail(err, VB_STORAGE_AWAY, "%s was completed, and is not there", record->key);
    if (status == VB_OK && object.size != record->size)
        return vb_fail(err, VB_NOT_FOUND, "the upload of %s is gone, and another object is there",
                       record->key);
    return status;
}

/* Ceph RGW answers 500 to the completion of an upload that it does not know, as it does while one
 * is under way. So behind a 500 the list tells: where the upload is gone, either the object is
 * there or somebody else has aborted it. */
static enum vb_status look_behind(struct vb_s3_client *client, const struct vb_s3_record *record,
                                  bool *bad, struct vb_error *complaint)
{
    struct vb_error ignored;
    struct vb_s3_object object;
    size_t wrong = 0, more = 0;
    if (complaint->system_code != 500 ||
        compare(client, record, bad, &wrong, &more, &ignored) != VB_NOT_FOUND)
        return VB_STORAGE_AWAY;
    enum vb_status status = vb_s3_head(client, record->key, &object, &ignored);
    if (status == VB_OK && object.size == record->size)
        return VB_OK;
    if (status != VB_OK && status != VB_NOT_FOUND)
        return VB_STORAGE_AWAY;
    return vb_fail(complaint, VB_NOT_FOUND,
                   "the upload of %s is gone: its completion was answered HTTP 500", record->key);
}

/* Stores word their refusal of parts in many ways; what heals by itself was tried again already. */
static bool is_refusal(enum vb_status status, const struct vb_error *err)
{
    return status == VB_CONFLICT || (status == VB_STORAGE && err->system_code == 400);
}

/* Complete, then look. An upload that is gone is found by the client (NoSuchUpload) and told as
 * VB_NOT_FOUND unless the object stands; only then may the archive begin anew. */
enum vb_status vb_s3_close(struct vb_s3_client *client, const struct vb_s3_record *record,
                           enum vb_close_result *ret_result, bool *bad, bool *ret_equal,
                           struct vb_error *err)
{
    struct vb_error own, ignored;
    vb_error_clear(&own);
    *ret_equal = false;
    enum vb_status status = complete(client, record, &own);
    if (status == VB_OK)
        status = confirm(client, record, &own);
    if (status == VB_STORAGE_AWAY)
        status = look_behind(client, record, bad, &own);
    if (is_refusal(status, &own)) {
        status = find_out(client, record, &own, ret_result, bad, ret_equal, err);
        if (status != VB_NOT_FOUND)
            return status;
        /* Some give up the upload whose parts they refuse (rclone). */
        if (confirm(client, record, &ignored) != VB_OK)
            return is_equal(record) ? status : want_equal(&own, ret_equal, err);
        status = VB_OK; /* somebody else completed it meanwhile */
    }
    if (status == VB_OK)
        *ret_result = VB_CLOSE_DONE;
    else if (err)
        *err = own;
    return status;
}
