/* The doctor's look at the storage: everything an export does there, on two small objects of its
 * own.
 *
 * Written, read back, linked to, and deleted again whatever happens; a multipart upload is begun
 * and given up. The keys are those of an export of a workspace `doctor`, so the rights that are
 * tried are the rights that are needed.
 *
 * One patience for the whole trial: behind it every call ends with VB_STOPPED, also the deletion
 * where the store is reached over a network, and what was written then stays below the workspace
 * `doctor`.
 */
#include "doctor.h"

#include "verbatim/hash.h"
#include "verbatim/uuid.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT "storage"
#define KEY_MOST 2048
#define LINK_MOST 8192
#define BODY_SIZE 1024
#define LINK_LIFE (60 * VB_SECOND)
#define PATIENCE (20 * VB_SECOND) /* for the store to answer, with all its second attempts */

/* All of one run; vb_doctor_storage frees what it holds. */
struct trial {
    struct vb_doctor *doctor;
    struct vb_storage *storage;
    struct vb_storage_session *session;
    int64_t until; /* monotonic */
    char body[BODY_SIZE];
    struct vb_buffer object, upload; /* keys */
    struct vb_buffer upload_id;
    char kept[VB_VERSION]; /* a version that the bucket did not give up; "" */
};

/* The stop question of the session. */
static bool is_late(void *context)
{
    const struct trial *trial = context;
    return vb_clock_monotonic() > trial->until;
}

/* Where run_steps stopped, in the words of who asked for it. */
static void fail_by(const struct trial *trial, const char *remedy, const char *doing,
                    const struct vb_error *err)
{
    vb_doctor_report(trial->doctor, VB_FINDING_FAILED, SUBJECT, remedy, "%s: %s", doing, err->text);
}

static void fail(const struct trial *trial, const char *doing, const struct vb_error *err)
{
    fail_by(trial, vb_storage_remedy(trial->doctor->options, err), doing, err);
}

/* Nobody has seen these bytes before, so what comes back is what was written. */
static void fill(char body[BODY_SIZE])
{
    char text[VB_UUID_TEXT];
    for (size_t at = 0; at < BODY_SIZE; at += 32) {
        vb_uuid_format(vb_uuid_random(), text);
        memcpy(body + at, text, 32);
    }
}

/* The buffers first: they are done with also where no key could be made. */
static enum vb_status make_keys(struct trial *trial, struct vb_error *err)
{
    char id[VB_UUID_TEXT];
    vb_uuid_format(vb_uuid_random(), id);
    vb_buffer_init(&trial->object, KEY_MOST);
    vb_buffer_init(&trial->upload, KEY_MOST);
    vb_buffer_init(&trial->upload_id, KEY_MOST);
    enum vb_status status =
        vb_storage_key(trial->storage, "doctor", id, 1, "doctor.txt", &trial->object, err);
    if (status == VB_OK)
        status = vb_storage_key(trial->storage, "doctor", id, 2, "upload.txt", &trial->upload, err);
    return status;
}

/* In one piece, as small archives are. */
static enum vb_status write_object(struct trial *trial, struct vb_error *err)
{
    const struct iovec body = {trial->body, BODY_SIZE};
    return vb_storage_put(trial->session, trial->object.data, "doctor.txt", &body, 1, BODY_SIZE,
                          err);
}

static bool writes_with(struct trial *trial, enum vb_s3_sse sse)
{
    struct vb_options options = *trial->doctor->options;
    struct vb_storage *storage = NULL;
    struct vb_storage_session *session = NULL;
    struct vb_error ignored;
    const struct iovec body = {trial->body, BODY_SIZE};
    options.s3_sse = (int)sse;
    enum vb_status status = vb_storage_new(&options, &storage, &ignored);
    if (status == VB_OK)
        status = vb_storage_session_new(storage, is_late, trial, &session, &ignored);
    if (status == VB_OK)
        status = vb_storage_put(session, trial->object.data, "doctor.txt", &body, 1, BODY_SIZE,
                                &ignored);
    vb_storage_session_free(session);
    vb_storage_free(storage);
    return status == VB_OK;
}

/* A policy that demands the header of encryption refuses in the words of any missing right. */
static const char *encryption_remedy(struct trial *trial, const struct vb_error *err)
{
    const struct vb_options *options = trial->doctor->options;
    bool is_refused = err->status == VB_DENIED || err->status == VB_STORAGE;
    if (!is_refused || strncmp(options->storage, "s3:", 3) != 0)
        return NULL;
    if (options->s3_sse != VB_S3_SSE_AES256 && writes_with(trial, VB_S3_SSE_AES256))
        return "set s3_sse = AES256: so encrypted the store takes the object";
    if (options->s3_sse != VB_S3_SSE_KMS && writes_with(trial, VB_S3_SSE_KMS))
        return "set s3_sse = aws:kms: so encrypted the store takes the object";
    return NULL;
}

/* Room for more than was written, so that a longer object is seen to be longer. */
static enum vb_status read_back(struct trial *trial, struct vb_error *err)
{
    struct vb_buffer held;
    vb_buffer_init(&held, BODY_SIZE * 4);
    enum vb_status status = vb_storage_read(trial->session, trial->object.data, &held, err);
    if (status == VB_OK &&
        (held.length != BODY_SIZE || memcmp(held.data, trial->body, BODY_SIZE) != 0))
        status = vb_fail(err, VB_CORRUPT, "what was read back is not what was written");
    vb_buffer_done(&held);
    return status;
}

/* No part is sent: the rights to begin and to abort are what differs from those of a PUT. */
static enum vb_status begin_upload(struct trial *trial, struct vb_error *err)
{
    return vb_storage_begin(trial->session, trial->upload.data, "upload.txt", &trial->upload_id,
                            err);
}

/* Also after a failure: nothing stays behind. Of that, only the first trouble is told. A version
 * that is kept is a trouble of its own, see tell_kept. */
static enum vb_status remove_all(struct trial *trial, struct vb_error *err)
{
    bool clean = true, gone = true;
    char kept[VB_VERSION] = "";
    enum vb_status status =
        vb_storage_remove(trial->session, trial->object.data, "", trial->kept, &clean, err);
    if ((status == VB_OK || *trial->kept) && trial->upload_id.length > 0) {
        struct vb_error own;
        enum vb_status step = vb_storage_remove(trial->session, trial->upload.data,
                                                trial->upload_id.data, kept, &gone, &own);
        if (step != VB_OK && !*kept) {
            *trial->kept = '\0';
            *err = own;
            status = step;
        }
    }
    if (status == VB_OK && !(clean && gone))
        status = vb_fail(err, VB_STORAGE, "something is still there after it was deleted");
    return status;
}

/* The link is a right to read, so its memory is wiped. */
static void try_link(struct trial *trial)
{
    struct vb_error err;
    struct vb_buffer link;
    vb_instant now = vb_clock_now();
    vb_error_clear(&err);
    vb_buffer_init(&link, LINK_MOST);
    if (vb_storage_link(trial->storage, &trial->doctor->secrets, trial->object.data, "doctor.txt",
                        now, now + LINK_LIFE, &link, &err) == VB_OK)
        vb_doctor_link(trial->doctor, link.data, (struct vb_view){trial->body, BODY_SIZE});
    else
        vb_doctor_report(trial->doctor, VB_FINDING_FAILED, "public link",
                         "set right what failed above, then look again", "%s", err.text);
    if (link.data)
        explicit_bzero(link.data, link.length);
    vb_buffer_done(&link);
}

/* The steps in their order; the first that fails is told, and those behind it are not tried. */
static bool run_steps(struct trial *trial)
{
    static const struct {
        const char *doing;
        enum vb_status (*run)(struct trial *trial, struct vb_error *err);
    } steps[] = {
        {"writing", write_object},
        {"reading back", read_back},
        {"beginning a multipart upload", begin_upload},
    };
    struct vb_error err;
    vb_error_clear(&err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].run(trial, &err) != VB_OK) {
            const char *remedy = i == 0 ? encryption_remedy(trial, &err) : NULL;
            fail_by(trial, remedy ? remedy : vb_storage_remedy(trial->doctor->options, &err),
                    steps[i].doing, &err);
            return false;
        }
    return true;
}

/* Exports work, so it is a warning; but whoever deletes one believes that it is gone. */
static void tell_kept(const struct trial *trial, const struct vb_error *err)
{
    vb_doctor_report(trial->doctor, VB_FINDING_WARNING, SUBJECT,
                     "allow these credentials s3:DeleteObjectVersion, or give the bucket a "
                     "lifecycle rule that ends versions that are not current; a bucket with a "
                     "retention (Object Lock) keeps them for so long",
                     "%s", err->text);
}

/* Deletes also what a failed step has left. */
static void run_trial(struct trial *trial)
{
    struct vb_error err;
    vb_error_clear(&err);
    if (vb_storage_ready(trial->session, &err) != VB_OK) {
        fail(trial, "reaching it", &err);
        return;
    }
    if (make_keys(trial, &err) != VB_OK) {
        fail(trial, "naming an object", &err);
        return;
    }
    bool good = run_steps(trial);
    if (good)
        try_link(trial);
    trial->until += PATIENCE; /* ten MiB are on their way */
    if (good)
        vb_doctor_parts(trial->doctor, trial->storage, trial->session);
    enum vb_status status = remove_all(trial, &err);
    if (good && status != VB_OK && *trial->kept)
        tell_kept(trial, &err);
    else if (good && status != VB_OK)
        fail(trial, "deleting", &err);
    else if (good)
        vb_doctor_report(trial->doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "%s: written, read back, an upload begun and given up, deleted",
                         trial->doctor->options->storage);
}

/* The storage is made as `serve` makes it, so its own checks of the options are tried too. */
void vb_doctor_storage(struct vb_doctor *doctor)
{
    struct vb_error err;
    struct trial trial = {.doctor = doctor, .until = vb_clock_monotonic() + PATIENCE};
    vb_error_clear(&err);
    fill(trial.body);
    enum vb_status status = vb_storage_new(doctor->options, &trial.storage, &err);
    if (status == VB_OK)
        status = vb_storage_session_new(trial.storage, is_late, &trial, &trial.session, &err);
    if (status == VB_OK)
        run_trial(&trial);
    else
        fail(&trial, "opening it", &err);
    vb_buffer_done(&trial.object);
    vb_buffer_done(&trial.upload);
    vb_buffer_done(&trial.upload_id);
    vb_storage_session_free(trial.session);
    vb_storage_free(trial.storage);
}
