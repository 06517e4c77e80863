/* The S3 driver's clean-up. See s3_clean.h.
 *
 * In an order that leaves nothing readable whatever fails on the way: the upload that is known (it
 * could be completed late and bring the object back), the object, then the uploads that nobody
 * knows, which need a right of their own and some stores cannot list.
 */
#include "s3_clean.h"

#include "verbatim/log.h"

#include <stdio.h>
#include <string.h>

/* Parts under way may land after an abort: it is repeated while anything is listed, and what still
 * is then makes the clean-up come again. */
#define ABORTS_MOST 4u
/* Versions and markers of one key in one go; a key has one version, and more only where a PUT was
 * repeated or somebody else deleted before. */
#define VERSIONS_MOST 16u

static enum vb_status count_part(void *context, const struct vb_s3_part *part)
{
    (void)part;
    ++*(unsigned *)context;
    return VB_OK;
}

/* One abort and a look. What stores say of an upload that is gone differs: 404; a list without
 * parts, then 403 for the next abort (s3s-fs); an empty answer of 200 or 204; 403 where parts may
 * not be listed. An accepted abort is believed unless the look finds parts. `*ret_left`: it did.
 * Behind a 404 there is no look: of an upload that was completed Swift lists the object's parts. */
static enum vb_status abort_once(struct vb_s3_client *client, const char *key,
                                 const char *upload_id, bool *ret_left, struct vb_error *err)
{
    struct vb_error refusal, looking;
    unsigned parts = 0;
    vb_error_clear(&refusal);
    vb_error_clear(&looking);
    enum vb_status aborted = vb_s3_abort_upload(client, key, upload_id, &refusal);
    *ret_left = false;
    if (aborted == VB_NOT_FOUND)
        return VB_OK;
    bool is_answered = aborted == VB_OK;
    enum vb_status status = is_answered || aborted == VB_DENIED ? VB_OK : aborted;
    if (status == VB_OK)
        status = vb_s3_list_parts(client, key, upload_id, count_part, &parts, &looking);
    *ret_left = parts > 0;
    if (status == VB_NOT_FOUND || (status == VB_OK && parts == 0) ||
        (is_answered && (status == VB_OK || status == VB_DENIED || status == VB_STORAGE)))
        return VB_OK;
    if (err)
        *err = is_answered ? looking : refusal;
    return is_answered ? status : aborted;
}

/* Aborts until the store knows no part of the upload any more. */
static enum vb_status abort_upload(struct vb_s3_client *client, const char *key,
                                   const char *upload_id, bool *ret_gone, struct vb_error *err)
{
    bool left = true;
    enum vb_status status = VB_OK;
    for (unsigned i = 0; i < ABORTS_MOST && left && status == VB_OK; i++)
        status = abort_once(client, key, upload_id, &left, err);
    *ret_gone = !left;
    return status;
}

/* `found` counts the uploads of one listing. */
struct strays {
    struct vb_s3_client *client;
    const char *key;
    unsigned found;
};

/* Aborted before, by us or by somebody else, is as good. */
static enum vb_status abort_stray(void *context, const char *upload_id, struct vb_error *err)
{
    struct strays *strays = context;
    enum vb_status status = vb_s3_abort_upload(strays->client, strays->key, upload_id, err);
    strays->found++;
    return status == VB_NOT_FOUND ? VB_OK : status;
}

/* A store that lists no uploads will not do so next time, and rights are rarely widened: no reason
 * to keep a clean-up waiting for ever, but one to tell once. */
static bool is_unlisted(struct vb_s3_client *client, atomic_bool *told, const struct vb_error *err)
{
    const char *code = vb_s3_client_code(client);
    if (strcmp(code, "NotImplemented") != 0 && strcmp(code, "MethodNotAllowed") != 0 &&
        strcmp(code, "AccessDenied") != 0 && err->system_code != 501 && err->system_code != 405)
        return false;
    if (!atomic_exchange(told, true))
        vb_warn("uploads whose beginning was never confirmed may stay in the bucket: %s",
                err->text);
    return true;
}

/* An upload whose id never reached us (the answer was lost) is found by its key alone. Repeated
 * until none is listed, so nothing depends on how a store pages a list that shrinks meanwhile. */
static enum vb_status abort_strays(struct vb_s3_client *client, const struct vb_s3_remains *remains,
                                   bool *ret_gone, struct vb_error *err)
{
    struct vb_error own;
    struct strays strays = {.client = client, .key = remains->key, .found = 1};
    for (unsigned i = 0; i < ABORTS_MOST && strays.found > 0; i++) {
        strays.found = 0;
        vb_error_clear(&own);
        enum vb_status status =
            vb_s3_list_uploads(client, remains->key, abort_stray, &strays, &own);
        /* rclone: no upload is open in the whole bucket. */
        if (status == VB_NOT_FOUND && strcmp(vb_s3_client_code(client), "NoSuchUpload") == 0)
            break;
        if (status != VB_OK && strays.found == 0 &&
            is_unlisted(client, remains->told_unlisted, &own))
            break;
        if (status != VB_OK && err)
            *err = own;
        if (status != VB_OK)
            return status;
    }
    *ret_gone = strays.found == 0;
    return VB_OK;
}

/* One object on its way out. */
struct removal {
    struct vb_s3_client *client;
    const char *key;
    char kept[VB_VERSION];   /* the version whose deletion was refused; "": none was */
    struct vb_error refusal; /* why */
};

/* A refusal is noted, and no failure: the object can still be hidden. */
static enum vb_status drop_version(struct removal *removal, const char *version,
                                   struct vb_error *err)
{
    struct vb_error own;
    char id[VB_VERSION]; /* the client writes over its own */
    snprintf(id, sizeof id, "%s", version);
    vb_error_clear(&own);
    enum vb_status status = vb_s3_delete_version(removal->client, removal->key, id, &own);
    if (status == VB_DENIED || status == VB_STORAGE) {
        memcpy(removal->kept, id, sizeof id);
        (void)vb_fail(&removal->refusal, VB_DENIED,
                      "the bucket keeps versions and this one is not given up, so what is deleted "
                      "stays readable: %s",
                      own.text);
        return VB_OK;
    }
    if (status != VB_OK && err)
        *err = own;
    return status;
}

/* What a look finds on top of the key. */
enum top { TOP_NOTHING, TOP_MARKER, TOP_OBJECT };

/* 403 is what a key that is not there gets without the right to list, and to look needs the right
 * that every export needs: after an accepted DELETE it is no reason to doubt. */
static enum vb_status look(struct removal *removal, enum top *ret_top, struct vb_error *err)
{
    struct vb_s3_object object;
    struct vb_error own;
    vb_error_clear(&own);
    enum vb_status status = vb_s3_head(removal->client, removal->key, &object, &own);
    if (status == VB_OK)
        *ret_top = TOP_OBJECT;
    else if (status == VB_NOT_FOUND || status == VB_DENIED)
        *ret_top = *vb_s3_client_marker(removal->client) ? TOP_MARKER : TOP_NOTHING;
    else if (err)
        *err = own;
    return status == VB_NOT_FOUND || status == VB_DENIED ? VB_OK : status;
}

/* Takes off what is on top, until nothing is. Begins behind a plain DELETE, whose answer may name a
 * marker. Ends early where the store refuses; then the object is hidden again. */
static enum vb_status unwrap(struct removal *removal, bool *ret_gone, struct vb_error *err)
{
    enum top top = *vb_s3_client_marker(removal->client) ? TOP_MARKER : TOP_NOTHING;
    enum vb_status status = top == TOP_MARKER ? VB_OK : look(removal, &top, err);
    for (unsigned i = 0; i < VERSIONS_MOST && status == VB_OK && top != TOP_NOTHING; i++) {
        const char *id = top == TOP_MARKER ? vb_s3_client_marker(removal->client)
                                           : vb_s3_client_version(removal->client);
        if (!*id)
            break; /* no versions here: the DELETE was without effect */
        status = drop_version(removal, id, err);
        if (status == VB_OK && *removal->kept)
            return top == TOP_OBJECT ? vb_s3_delete(removal->client, removal->key, err) : VB_OK;
        if (status == VB_OK)
            status = look(removal, &top, err);
    }
    *ret_gone = status == VB_OK && top == TOP_NOTHING;
    return status;
}

/* The version that is known goes first, so that it is never on top again. Where the store refused
 * it before and hides the key still, no further marker is put on top. */
static enum vb_status remove_object(struct removal *removal, const char *version, bool *ret_gone,
                                    struct vb_error *err)
{
    enum top top = TOP_OBJECT;
    enum vb_status status = *version ? drop_version(removal, version, err) : VB_OK;
    if (status == VB_OK && *removal->kept)
        status = look(removal, &top, err);
    if (status == VB_OK && top == TOP_OBJECT)
        status = vb_s3_delete(removal->client, removal->key, err);
    if (status == VB_OK && !*removal->kept)
        status = unwrap(removal, ret_gone, err);
    if (status == VB_OK && *removal->kept) {
        status = VB_DENIED;
        if (err)
            *err = removal->refusal;
    }
    return status;
}

/* The first trouble is the one that is told. */
static void note_first(enum vb_status step, const struct vb_error *own, enum vb_status *status,
                       struct vb_error *err)
{
    if (*status != VB_OK || step == VB_OK)
        return;
    *status = step;
    if (err)
        *err = *own;
}

/* A store that cannot be reached is not asked again; after anything else the next step is tried. */
static bool goes_on(enum vb_status status)
{
    return status != VB_STOPPED && status != VB_NETWORK;
}

enum vb_status vb_s3_clean(struct vb_s3_client *client, const struct vb_s3_remains *remains,
                           bool *ret_clean, struct vb_error *err)
{
    struct removal removal = {.client = client, .key = remains->key};
    struct vb_error own;
    bool gone = true, none = false, deleted = remains->keep_object;
    enum vb_status status = VB_OK, step = VB_OK;
    vb_error_clear(&own);
    if (*remains->upload_id)
        step = abort_upload(client, remains->key, remains->upload_id, &gone, &own);
    note_first(step, &own, &status, err);
    if (!remains->keep_object && goes_on(status)) {
        step = remove_object(&removal, remains->version ? remains->version : "", &deleted, &own);
        note_first(step, &own, &status, err);
    }
    if (remains->version)
        memcpy(remains->version, removal.kept, sizeof removal.kept);
    if (goes_on(status)) {
        step = abort_strays(client, remains, &none, &own);
        note_first(step, &own, &status, err);
    }
    if (status == VB_OK)
        *ret_clean = gone && deleted && none;
    return status;
}
