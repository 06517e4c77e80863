/* What a directory that cannot be read is told as: a failure, never a folder in which nothing is
 * left. */
#include "storage/driver.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char key[] = "conversation_exports/w/79f13adf-f7dc-4744-8ad9-a16b4913e52c-7/a.zip";

/* The failure that the next calls meet, after so many that are well; 0: none. */
static int failure;
static unsigned well;

static bool fails(void)
{
    if (failure == 0)
        return false;
    if (well > 0) {
        well--;
        return false;
    }
    errno = failure;
    return true;
}

/* These stand in for the library's, for the code under test too.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
struct dirent *readdir(DIR *directory)
{
    struct dirent *(*real)(DIR *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    return fails() ? NULL : real(directory);
}

static bool looks_fail;

int fstatat(int folder, const char *restrict name, struct stat *restrict info, int flags)
{
    int (*real)(int, const char *, struct stat *, int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "fstatat");
    return looks_fail && fails() ? -1 : real(folder, name, info, flags);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

struct store {
    char folder[64];
    struct vb_options options;
    struct vb_storage *storage;
    struct vb_storage_session *session;
    char location[80];
};

static int open_store(void **state)
{
    struct store *store = calloc(1, sizeof *store);
    assert_non_null(store);
    snprintf(store->folder, sizeof store->folder, "/tmp/verbatim-sweep-XXXXXX");
    assert_non_null(mkdtemp(store->folder));
    snprintf(store->location, sizeof store->location, "file://%s", store->folder);
    store->options.storage = store->location;
    assert_int_equal(vb_storage_new(&store->options, &store->storage, NULL), VB_OK);
    assert_int_equal(vb_storage_session_new(store->storage, NULL, NULL, &store->session, NULL),
                     VB_OK);
    *state = store;
    return 0;
}

static int drop_store(void **state)
{
    struct store *store = *state;
    char command[128];
    failure = 0;
    looks_fail = false;
    vb_storage_session_free(store->session);
    vb_storage_free(store->storage);
    snprintf(command, sizeof command, "rm -r %s", store->folder);
    assert_int_equal(system(command), 0);
    free(store);
    return 0;
}

/* Two parts, and a recorded list of them. */
static void upload(const struct store *store, struct vb_stored_part parts[2])
{
    struct vb_buffer id;
    char bytes[] = "0123456789";
    const struct iovec body = {bytes, 10};
    vb_buffer_init(&id, 64);
    assert_int_equal(vb_storage_begin(store->session, key, "a.zip", &id, NULL), VB_OK);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(
            vb_storage_part(store->session, key, "", i + 1, 7, &body, 1, 10, &parts[i], NULL),
            VB_OK);
    vb_buffer_done(&id);
}

static enum vb_status clean(const struct store *store, bool *ret_clean)
{
    return vb_storage_clean(store->session, key, "", false, ret_clean, NULL);
}

/* At whatever entry it happens, of the job's folder and of the parts' below it. */
static void a_clean_up_that_cannot_read_is_not_clean(void **state)
{
    const struct store *store = *state;
    struct vb_stored_part parts[2];
    bool is_clean = false;
    unsigned met = 0;
    for (unsigned at = 0; at < 20; at++) {
        upload(store, parts);
        failure = EIO;
        well = at;
        is_clean = false;
        enum vb_status status = clean(store, &is_clean);
        failure = 0;
        met += status != VB_OK;
        assert_true(status == VB_OK ? is_clean : status == VB_IO && !is_clean);
        assert_int_equal(clean(store, &is_clean), VB_OK);
        assert_true(is_clean);
    }
    assert_in_range(met, 8, 19); /* each entry of both, and then none */
}

static void a_look_that_fails_is_not_clean(void **state)
{
    const struct store *store = *state;
    struct vb_stored_part parts[2];
    bool is_clean = false;
    upload(store, parts);
    looks_fail = true;
    failure = EIO;
    assert_int_equal(clean(store, &is_clean), VB_IO);
    assert_false(is_clean);
}

static enum vb_status count_visit(void *context, const char *folder, const char *job_id,
                                  int64_t age)
{
    (void)folder, (void)job_id, (void)age;
    ++*(unsigned *)context;
    return VB_OK;
}

/* The janitor hears of it, and what can be read is looked at all the same. */
static void leftovers_that_cannot_be_seen_are_told(void **state)
{
    const struct store *store = *state;
    struct vb_stored_part parts[2];
    unsigned seen = 0;
    upload(store, parts);
    assert_int_equal(vb_storage_leftovers(store->session, 0, count_visit, &seen, NULL), VB_OK);
    assert_int_equal(seen, 1);
    for (unsigned at = 0; at < 12; at++) {
        failure = EIO;
        well = at;
        assert_int_equal(vb_storage_leftovers(store->session, 0, count_visit, &seen, NULL), VB_IO);
        failure = 0;
    }
}

/* Parts that cannot be looked at are not parts that differ: nothing is done again for them. */
static void a_close_that_cannot_look_is_tried_again(void **state)
{
    const struct store *store = *state;
    struct vb_stored_part parts[2];
    enum vb_close_result result = VB_CLOSE_PARTS_DIFFER;
    bool bad[2] = {false, false};
    upload(store, parts);
    looks_fail = true;
    for (well = 0; well < 3; well++) {
        failure = EIO;
        unsigned at = well;
        assert_int_equal(
            vb_storage_close(store->session, key, "", parts, 2, 20, &result, bad, NULL), VB_IO);
        failure = 0;
        well = at;
    }
    looks_fail = false;
    assert_int_equal(vb_storage_close(store->session, key, "", parts, 2, 20, &result, bad, NULL),
                     VB_OK);
    assert_int_equal(result, VB_CLOSE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clean_up_that_cannot_read_is_not_clean, open_store,
                                        drop_store),
        cmocka_unit_test_setup_teardown(a_look_that_fails_is_not_clean, open_store, drop_store),
        cmocka_unit_test_setup_teardown(leftovers_that_cannot_be_seen_are_told, open_store,
                                        drop_store),
        cmocka_unit_test_setup_teardown(a_close_that_cannot_look_is_tried_again, open_store,
                                        drop_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
