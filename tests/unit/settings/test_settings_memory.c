/* Every allocation of reading the options fails once: that memory was short is never told as a
 * mistake in them. */
#include "memory.h"

#include "settings/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/verbatim-memory-XXXXXX";

static enum vb_status load(void *context)
{
    struct vb_options options;
    char file[64];
    snprintf(file, sizeof file, "--smtp-password-file=%s", path);
    char *const arguments[] = {
        (char[]){"verbatim"},
        file,
        (char[]){"--smtp-user=u"},
        (char[]){"--database-url=host=h dbname=d"},
        (char[]){"--media-allow=example.org, *.example.com,10.0.0.0/8, s3://bucket/folder"},
        (char[]){"--s3-endpoint=https://s3.example.org"},
        NULL,
    };
    char config[64];
    snprintf(config, sizeof config, "VERBATIM_CONFIG=%s", (const char *)context);
    char *const environment[] = {config, (char[]){"VERBATIM_LEASE=20s"}, NULL};
    enum vb_status status = vb_options_load(6, arguments, environment, &options, NULL);
    if (status == VB_OK)
        vb_options_done(&options);
    return status;
}

static void write_file(char *name, const char *text)
{
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void test_the_options(void **state)
{
    static const char *const libraries[] = {"libpq", "libcurl", NULL};
    char config[] = "/tmp/verbatim-memory-XXXXXX";
    (void)state;
    write_file(path, "secret\n");
    write_file(config, "workers = 3\nbase_url = https://example.org\n");
    failing_allocations_steer(&memory, libraries);
    each_allocation_fails("options", load, config, 20);
    unlink(path);
    unlink(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
