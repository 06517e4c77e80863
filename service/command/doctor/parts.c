/* The doctor's look at parts: whether a large export would be taken as it is cut.
 *
 * Stores differ in what they want of parts, and tell it when everything is uploaded: one length for
 * all but the last (Cloudflare R2), numbers without gaps (rclone, directory buckets), numbers up to
 * 1000 (Swift, Scaleway). So an upload is completed whose parts differ and whose numbers have a
 * gap, and the highest number is tried on another. Ten MiB, which are deleted again.
 *
 * An export that is refused begins anew as the store wants it, so these are warnings: the first
 * large one of each process is uploaded twice.
 */
#include "doctor.h"

#include "verbatim/uuid.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT "storage"
#define KEY_MOST 2048
#define MINIMUM ((uint64_t)5 * 1024 * 1024) /* of a part that is not the last */
#define PARTS 3
#define GAP 17 /* where an export's second segment begins */

/* A part that is to be sent. */
struct wish {
    uint32_t number;
    uint64_t size;
};

/* One upload at a key of its own. */
struct attempt {
    struct vb_doctor *doctor;
    struct vb_storage *storage;
    struct vb_storage_session *session;
    struct vb_buffer key, upload_id;
    const char *body; /* MINIMUM + 1 bytes */
    struct vb_stored_part parts[PARTS];
    size_t count;
    uint64_t size;
};

static enum vb_status begin(struct attempt *attempt, struct vb_error *err)
{
    char id[VB_UUID_TEXT];
    vb_uuid_format(vb_uuid_random(), id);
    enum vb_status status =
        vb_storage_key(attempt->storage, "doctor", id, 1, "parts.txt", &attempt->key, err);
    if (status != VB_OK)
        return status;
    return vb_storage_begin(attempt->session, attempt->key.data, "parts.txt", &attempt->upload_id,
                            err);
}

static enum vb_status send(struct attempt *attempt, uint32_t number, uint64_t size,
                           struct vb_error *err)
{
    const struct iovec body = {(char *)(uintptr_t)attempt->body, (size_t)size};
    enum vb_status status =
        vb_storage_part(attempt->session, attempt->key.data, attempt->upload_id.data, number, 1,
                        &body, 1, size, &attempt->parts[attempt->count], err);
    if (status == VB_OK) {
        attempt->count++;
        attempt->size += size;
    }
    return status;
}

/* One byte: its number is the question. */
static enum vb_status try_highest(struct attempt *attempt, struct vb_error *err)
{
    enum vb_status status = begin(attempt, err);
    if (status == VB_OK)
        status = send(attempt, vb_storage_part_most(attempt->storage), 1, err);
    return status;
}

/* As exports are cut: with the option alike and without gaps, else neither. Numbers up to `most`,
 * which may leave no room for a gap, or for so many. Returns how many there are. */
static size_t choose_parts(bool is_equal, uint32_t most, struct wish parts[PARTS])
{
    const struct wish mixed[] = {{1, MINIMUM}, {GAP, MINIMUM + 1}, {GAP + 1, 1}};
    const struct wish equal[] = {{1, MINIMUM}, {2, 1}};
    size_t wanted = is_equal ? 2 : PARTS, count = wanted < most ? wanted : most;
    memcpy(parts, is_equal ? equal : mixed, count * sizeof *parts);
    for (size_t i = 0; i < count; i++) /* the last ones move down, side by side */
        if (parts[i].number > most - (count - 1 - i))
            parts[i].number = most - (uint32_t)(count - 1 - i);
    return count;
}

static enum vb_status send_all(struct attempt *attempt, struct vb_error *err)
{
    struct wish parts[PARTS];
    size_t count = choose_parts(attempt->doctor->options->s3_equal_parts,
                                vb_storage_part_most(attempt->storage), parts);
    enum vb_status status = begin(attempt, err);
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = send(attempt, parts[i].number, parts[i].size, err);
    return status;
}

static enum vb_status try_form(struct attempt *attempt, struct vb_error *err)
{
    bool bad[PARTS];
    enum vb_close_result result = VB_CLOSE_DONE;
    enum vb_status status = send_all(attempt, err);
    if (status == VB_OK)
        status = vb_storage_close(attempt->session, attempt->key.data, attempt->upload_id.data,
                                  attempt->parts, attempt->count, attempt->size, &result, bad, err);
    if (status == VB_OK && result != VB_CLOSE_DONE)
        status = vb_fail(err, VB_STORAGE, "the store does not hold parts that it has confirmed");
    return status;
}

/* Whatever became of it. What cannot be taken away is told by those who delete the doctor's other
 * objects. */
static void leave(struct attempt *attempt)
{
    struct vb_error ignored;
    bool clean = false;
    char version[VB_VERSION] = "";
    const char *upload_id = attempt->upload_id.data ? attempt->upload_id.data : "";
    if (attempt->key.length > 0 && vb_storage_remove(attempt->session, attempt->key.data, upload_id,
                                                     version, &clean, &ignored) != VB_OK)
        clean = false;
    vb_buffer_done(&attempt->key);
    vb_buffer_done(&attempt->upload_id);
}

static void run(struct attempt attempt,
                enum vb_status (*look)(struct attempt *attempt, struct vb_error *err),
                const char *remedy)
{
    struct vb_error err;
    vb_error_clear(&err);
    vb_buffer_init(&attempt.key, KEY_MOST);
    vb_buffer_init(&attempt.upload_id, KEY_MOST);
    enum vb_status status = look(&attempt, &err);
    if (status != VB_OK)
        vb_doctor_report(attempt.doctor, VB_FINDING_WARNING, SUBJECT,
                         status == VB_CONFLICT ? remedy
                                               : vb_storage_remedy(attempt.doctor->options, &err),
                         "parts of large exports: %s", err.text);
    leave(&attempt);
}

void vb_doctor_parts(struct vb_doctor *doctor, struct vb_storage *storage,
                     struct vb_storage_session *session)
{
    struct attempt attempt = {.doctor = doctor, .storage = storage, .session = session};
    char *body = NULL;
    if (vb_storage_small_parts(storage))
        return;
    body = calloc(1, MINIMUM + 1);
    attempt.body = body;
    if (!body) {
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, "look again",
                         "parts of large exports: no memory for them");
        return;
    }
    run(attempt, try_highest,
        "set s3_max_part_number to the highest number that the store takes, or each process "
        "uploads its first large export twice");
    run(attempt, try_form,
        "set s3_equal_parts = on, or each process uploads its first large export twice");
    free(body);
}
