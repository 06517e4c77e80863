/* The readiness of a bucket. See s3_ready.h.
 *
 * HEAD of the bucket is what works nearly everywhere and costs least. It is refused without a word:
 * by rights, by a wrong region, by a wrong signature alike. The list behind it has the store's own
 * words, and passes where rights are tied to the prefix.
 */
#include "s3_ready.h"

#include "s3_clean.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <string.h>

#define KEY_MOST 1024

enum question { ASK_BUCKET, ASK_LIST, ASK_KEY, ASK_WRITE };

/* Nobody's folder: ids of workspaces are percent-encoded and never hold a tilde alone. */
#define PROBE "conversation_exports/~/readiness"

/* A right that is missing, and not a signature or keys that are wrong. */
static bool is_missing_right(struct vb_s3_client *client, enum vb_status status)
{
    const char *code = vb_s3_client_code(client);
    return status == VB_DENIED &&
           (!*code || strcmp(code, "AccessDenied") == 0 || strcmp(code, "Forbidden") == 0);
}

/* Where no read tells a missing key from a missing right (Amazon without ListBucket: 403). */
static enum vb_status write_probe(struct vb_s3_client *client, const char *key,
                                  struct vb_error *err)
{
    char etag[VB_S3_ETAG], version[VB_VERSION] = "";
    bool clean = false;
    atomic_bool told = true;
    const struct vb_s3_body nothing = {NULL, 0, 0};
    const struct vb_s3_remains remains = {
        .key = key, .upload_id = "", .version = version, .told_unlisted = &told};
    enum vb_status status = vb_s3_put(client, key, &nothing, (struct vb_s3_kind){0}, etag, err);
    if (status != VB_OK)
        return status;
    snprintf(version, sizeof version, "%s", vb_s3_client_version(client));
    struct vb_error own;
    vb_error_clear(&own);
    if (vb_s3_clean(client, &remains, &clean, &own) != VB_OK)
        vb_warn("an empty object that was written to try the storage stays: %s", own.text);
    return VB_OK;
}

static enum vb_status ask(struct vb_s3_client *client, enum question question, const char *prefix,
                          bool was_written, struct vb_error *err)
{
    char key[KEY_MOST];
    snprintf(key, sizeof key, "%s%s", prefix, PROBE);
    if (question == ASK_BUCKET)
        return vb_s3_check_bucket(client, err);
    if (question == ASK_LIST)
        return vb_s3_check_list(client, prefix, err);
    enum vb_status status = vb_s3_check_key(client, key, err);
    if (question == ASK_KEY || !is_missing_right(client, status))
        return status;
    if (!was_written)
        return write_probe(client, key, err);
    vb_error_clear(err);
    return VB_OK;
}

/* After a refusal the next question. Of HEAD that is every one but 404; of the others a missing
 * right alone: their words say what is wrong. */
static bool has_next(struct vb_s3_client *client, enum question question, enum vb_status status)
{
    if (question == ASK_BUCKET)
        return status == VB_DENIED || status == VB_STORAGE || status == VB_EXPIRED;
    return question != ASK_WRITE && is_missing_right(client, status);
}

/* A question that was answered once and is refused now begins from the first again: rights may have
 * been changed. */
enum vb_status vb_s3_ready(struct vb_s3_client *client, const char *prefix, atomic_int *question,
                           struct vb_error *err)
{
    struct vb_error own;
    struct vb_error *error = err ? err : &own;
    enum question known = (enum question)atomic_load(question), now = known;
    enum vb_status status = ask(client, now, prefix, known == ASK_WRITE, error);
    if (status != VB_OK && known != ASK_BUCKET && has_next(client, ASK_BUCKET, status)) {
        now = ASK_BUCKET;
        vb_error_clear(error);
        status = ask(client, now, prefix, false, error);
    }
    while (status != VB_OK && has_next(client, now, status)) {
        now++;
        vb_error_clear(error);
        status = ask(client, now, prefix, false, error);
    }
    if (status == VB_OK)
        atomic_store(question, (int)now);
    return status;
}
