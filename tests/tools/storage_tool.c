/* One storage call a run, for tests/end_to_end/test_storage.py. Options come from VERBATIM_...
 * variables, as for the program itself; results go to standard output, an error's status and text
 * to standard error.
 *
 *   identity | ready | key WORKSPACE JOB EPOCH NAME
 *   put KEY NAME FILE | size KEY | open KEY
 *   begin KEY NAME | part KEY UPLOAD NUMBER EPOCH FILE | close KEY UPLOAD SIZE NUMBER:SIZE:ETAG...
 *   remove KEY UPLOAD VERSION: clean, unclean or "kept VERSION: WHY"
 *   clean KEY UPLOAD keep|drop | link KEY NAME FINISHED EXPIRES | leftovers AGE | sweep FOLDER AGE
 */
#include "storage/storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 100003 /* bodies go in pieces of an odd size, so that borders matter */

static struct vb_error err;
static struct vb_storage *storage;
static struct vb_storage_session *session;
static struct vb_buffer out;
static char **arguments; /* after the verb */

static int64_t number(int index)
{
    return strtoll(arguments[index], NULL, 10);
}

/* The pieces of a mapped file; left to the process's end. */
static size_t pieces_of(const char *path, struct iovec **ret_pieces, uint64_t *ret_size)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        abort();
    size_t size = (size_t)info.st_size, count = (size + PIECE - 1) / PIECE;
    char *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    struct iovec *pieces = calloc(count + 1, sizeof *pieces);
    if (!pieces || data == MAP_FAILED)
        abort();
    for (size_t i = 0; i < count; i++) {
        size_t left = size - i * PIECE;
        pieces[i] = (struct iovec){data + i * PIECE, left < PIECE ? left : PIECE};
    }
    close(fd);
    *ret_pieces = pieces;
    *ret_size = size;
    return count;
}

static enum vb_status run_identity(void)
{
    return vb_buffer_append_text(&out, vb_storage_identity(storage));
}

static enum vb_status run_ready(void)
{
    return vb_storage_ready(session, &err);
}

static enum vb_status run_key(void)
{
    return vb_storage_key(storage, arguments[0], arguments[1], number(2), arguments[3], &out, &err);
}

static enum vb_status run_put(void)
{
    struct iovec *pieces;
    uint64_t size;
    size_t count = pieces_of(arguments[2], &pieces, &size);
    enum vb_status status =
        vb_storage_put(session, arguments[0], arguments[1], pieces, count, size, &err);
    free(pieces);
    return status;
}

static enum vb_status run_size(void)
{
    uint64_t size;
    enum vb_status status = vb_storage_size(session, arguments[0], &size, &err);
    return status == VB_OK ? vb_buffer_printf(&out, "%" PRIu64, size) : status;
}

static enum vb_status run_open(void)
{
    int fd = -1;
    uint64_t size = 0;
    char block[65536];
    ssize_t got;
    enum vb_status status =
        vb_storage_open(storage, arguments[0], 60, false, &fd, &size, &out, &err);
    if (status != VB_OK || fd < 0)
        return status;
    while ((got = read(fd, block, sizeof block)) > 0 && status == VB_OK)
        status = vb_buffer_append(&out, block, (size_t)got);
    close(fd);
    return size == out.length ? status : VB_CORRUPT;
}

static enum vb_status run_begin(void)
{
    return vb_storage_begin(session, arguments[0], arguments[1], &out, &err);
}

static enum vb_status run_part(void)
{
    struct iovec *pieces;
    uint64_t size;
    struct vb_stored_part part;
    size_t count = pieces_of(arguments[4], &pieces, &size);
    enum vb_status status =
        vb_storage_part(session, arguments[0], arguments[1], (uint32_t)number(2), number(3), pieces,
                        count, size, &part, &err);
    free(pieces);
    if (status != VB_OK)
        return status;
    return vb_buffer_printf(&out, "%" PRIu32 ":%" PRIu64 ":%s", part.number, part.size, part.etag);
}

static enum vb_status run_close(void)
{
    struct vb_stored_part parts[64] = {{.number = 0}};
    bool bad[64];
    size_t count = 0;
    enum vb_close_result result;
    for (char **argument = arguments + 3; *argument && count < 64; argument++, count++) {
        char *rest = NULL;
        parts[count].number = (uint32_t)strtoul(*argument, &rest, 10);
        parts[count].size = strtoull(rest + 1, &rest, 10);
        snprintf(parts[count].etag, VB_ETAG, "%s", rest + 1);
    }
    enum vb_status status = vb_storage_close(session, arguments[0], arguments[1], parts, count,
                                             (uint64_t)number(2), &result, bad, &err);
    if (status != VB_OK)
        return status;
    status = vb_buffer_append_text(&out, result == VB_CLOSE_DONE ? "done" : "differ");
    for (size_t i = 0; i < count && status == VB_OK && result != VB_CLOSE_DONE; i++)
        if (bad[i])
            status = vb_buffer_printf(&out, " %" PRIu32, parts[i].number);
    return status;
}

static enum vb_status run_clean(void)
{
    bool clean = false;
    enum vb_status status = vb_storage_clean(session, arguments[0], arguments[1],
                                             strcmp(arguments[2], "keep") == 0, &clean, &err);
    return status == VB_OK ? vb_buffer_append_text(&out, clean ? "clean" : "unclean") : status;
}

static enum vb_status run_remove(void)
{
    bool clean = false;
    char version[VB_VERSION];
    snprintf(version, sizeof version, "%s", arguments[2]);
    enum vb_status status =
        vb_storage_remove(session, arguments[0], arguments[1], version, &clean, &err);
    if (status == VB_DENIED && *version)
        return vb_buffer_printf(&out, "kept %s: %s", version, err.text);
    return status == VB_OK ? vb_buffer_append_text(&out, clean ? "clean" : "unclean") : status;
}

static enum vb_status run_link(void)
{
    struct vb_link_secrets secrets = {.count = 1};
    return vb_storage_link(storage, &secrets, arguments[0], arguments[1], number(2), number(3),
                           &out, &err);
}

static enum vb_status visit(void *context, const char *folder, const char *job_id, int64_t age)
{
    (void)context;
    (void)age;
    return vb_buffer_printf(&out, "%s %s\n", job_id, folder);
}

static enum vb_status run_leftovers(void)
{
    return vb_storage_leftovers(session, number(0), visit, NULL, &err);
}

static enum vb_status run_sweep(void)
{
    uint64_t removed;
    enum vb_status status = vb_storage_sweep(session, arguments[0], number(1), &removed, &err);
    return status == VB_OK ? vb_buffer_printf(&out, "%" PRIu64, removed) : status;
}

static const struct verb {
    const char *name;
    int count; /* arguments at least */
    enum vb_status (*run)(void);
} verbs[] = {
    {"identity", 0, run_identity}, {"ready", 0, run_ready},   {"key", 4, run_key},
    {"put", 3, run_put},           {"size", 1, run_size},     {"open", 1, run_open},
    {"begin", 2, run_begin},       {"part", 5, run_part},     {"close", 3, run_close},
    {"clean", 3, run_clean},       {"link", 4, run_link},     {"leftovers", 1, run_leftovers},
    {"sweep", 2, run_sweep},       {"remove", 3, run_remove},
};

static enum vb_status run(int argc, char **argv)
{
    arguments = argv + 2;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (argc >= 2 && strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].count)
            return verbs[i].run();
    return vb_fail(&err, VB_INVALID, "no such verb, or too few arguments");
}

static char *setting(const char *name)
{
    return getenv(name); /* vb_options holds what may be changed; nothing here does */
}

int main(int argc, char **argv)
{
    struct vb_options options = {
        .storage = setting("VERBATIM_STORAGE"),
        .s3_endpoint = setting("VERBATIM_S3_ENDPOINT"),
        .s3_public_endpoint = setting("VERBATIM_S3_PUBLIC_ENDPOINT"),
        .s3_region = setting("VERBATIM_S3_REGION"),
        .base_url = setting("VERBATIM_BASE_URL"),
    };
    const char *sse = getenv("VERBATIM_S3_SSE");
    if (sse && strcmp(sse, "off") != 0)
        options.s3_sse = strcmp(sse, "AES256") == 0 ? VB_S3_SSE_AES256 : VB_S3_SSE_KMS;
    options.s3_sse_key = setting("VERBATIM_S3_SSE_KEY");
    vb_error_clear(&err);
    vb_buffer_init(&out, 256u << 20);
    enum vb_status status = vb_storage_new(&options, &storage, &err);
    if (status == VB_OK)
        status = vb_storage_session_new(storage, NULL, NULL, &session, &err);
    if (status == VB_OK)
        status = run(argc, argv);
    vb_storage_session_free(session);
    vb_storage_free(storage);
    if (status == VB_OK && out.length > 0)
        fwrite(out.data, 1, out.length, stdout);
    if (status != VB_OK)
        fprintf(stderr, "%s: %s\n", vb_status_name(status), err.text);
    vb_buffer_done(&out);
    return status == VB_OK ? 0 : 1;
}
