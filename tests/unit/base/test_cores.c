/* Quotas of control groups, read from files in a folder as the kernel would show them. */
#include "verbatim/cores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/verbatim-cores-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void write_file(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = strchr(full + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(full, 0700);
        *at = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/cpu,cpuacct"

static void test_nothing_there_is_no_quota(void **state)
{
    (void)state;
    assert_int_equal(vb_cores_quota(root), 0);
    write_file("/proc/self/cgroup", "0::/\n");
    assert_int_equal(vb_cores_quota(root), 0);
    write_file(V2 "/cpu.max", "max 100000\n");
    assert_int_equal(vb_cores_quota(root), 0);
}

static void test_version_2_rounds_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned cores;
    } cases[] = {{"100000 100000\n", 1}, {"100001 100000\n", 2}, {"250000 100000\n", 3},
                 {"1000 100000\n", 1},   {"200000 50000\n", 4},  {"6400000 100000\n", 64}};
    write_file("/proc/self/cgroup", "0::/kubepods/pod1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(V2 "/kubepods/pod1/cpu.max", cases[i].text);
        assert_int_equal(vb_cores_quota(root), cases[i].cores);
    }
}

static void test_the_smallest_on_the_way_up_holds(void **state)
{
    (void)state;
    write_file("/proc/self/cgroup", "0::/a/b/c\n");
    write_file(V2 "/a/cpu.max", "300000 100000\n");
    write_file(V2 "/a/b/cpu.max", "max 100000\n");
    write_file(V2 "/a/b/c/cpu.max", "800000 100000\n");
    write_file(V2 "/a/b/c/d/cpu.max", "100000 100000\n"); /* below: somebody else's */
    write_file(V2 "/other/cpu.max", "100000 100000\n");
    assert_int_equal(vb_cores_quota(root), 3);
    write_file(V2 "/a/b/c/cpu.max", "150000 100000\n");
    assert_int_equal(vb_cores_quota(root), 2);
}

static void test_version_1(void **state)
{
    (void)state;
    write_file("/proc/self/cgroup",
               "7:memory:/m\n5:cpuset:/s\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/i\n0::/u\n");
    write_file("/sys/fs/cgroup/cpuset/s/cpu.cfs_quota_us", "100000\n");
    write_file("/sys/fs/cgroup/cpuset/s/cpu.cfs_period_us", "100000\n");
    assert_int_equal(vb_cores_quota(root), 0);
    write_file(V1 "/docker/x/cpu.cfs_quota_us", "-1\n");
    write_file(V1 "/docker/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(vb_cores_quota(root), 0);
    write_file(V1 "/docker/x/cpu.cfs_quota_us", "450000\n");
    assert_int_equal(vb_cores_quota(root), 5);
    write_file(V1 "/docker/cpu.cfs_quota_us", "20000\n");
    write_file(V1 "/docker/cpu.cfs_period_us", "10000\n");
    assert_int_equal(vb_cores_quota(root), 2);
}

static void test_version_1_under_its_short_name(void **state)
{
    (void)state;
    write_file("/proc/self/cgroup", "2:cpuacct:/x\n1:cpu:/x\n");
    write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "120000\n");
    write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(vb_cores_quota(root), 2);
}

static void test_a_path_of_the_machine_ends_at_the_mount(void **state)
{
    (void)state;
    write_file("/proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n0::/../../system.slice\n");
    write_file(V1 "/cpu.cfs_quota_us", "300000\n");
    write_file(V1 "/cpu.cfs_period_us", "100000\n");
    assert_int_equal(vb_cores_quota(root), 3);
    write_file("/sys/system.slice/cpu.max", "100000 100000\n"); /* where ".." would lead to */
    assert_int_equal(vb_cores_quota(root), 3);
    write_file(V2 "/cpu.max", "200000 100000\n");
    assert_int_equal(vb_cores_quota(root), 2);
}

static void test_garbage_is_no_quota(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n",
                                        "max\n",
                                        "100000\n",
                                        "100000 0\n",
                                        "0 100000\n",
                                        "-5 10\n",
                                        "a b\n",
                                        "99999999999999999999 1\n",
                                        "10 max\n",
                                        "9223372036854775807 1\n"};
    static const char *const lines[] = {"0::/g\n", "0::/g",
                                        "\n:::\n0:\nnonsense\n::\n0::g\n0::/g\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            write_file("/proc/self/cgroup", lines[i]);
            write_file(V2 "/g/cpu.max", texts[k]);
            assert_int_equal(vb_cores_quota(root), 0);
        }
    write_file(V2 "/g/cpu.max", "100000 100000");
    assert_int_equal(vb_cores_quota(root), 1);
}

static void test_there_is_always_a_core(void **state)
{
    (void)state;
    assert_in_range(vb_cores_count(), 1, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_there_is_no_quota, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_version_2_rounds_up, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_the_smallest_on_the_way_up_holds, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_version_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_version_1_under_its_short_name, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_a_path_of_the_machine_ends_at_the_mount, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_garbage_is_no_quota, make_root, remove_root),
        cmocka_unit_test(test_there_is_always_a_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
