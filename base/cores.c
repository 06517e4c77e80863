/* Cores by affinity and by the quota of a control group. See cores.h.
 *
 * Affinity alone is not enough: a container limited to one core's time still sees all cores of its
 * machine, and a thread for each of them gets the quota used up early in every period, so that all
 * stand still for the rest.
 */
#include "verbatim/cores.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path that is longer is cut down to the mount point (walk_up) or read as "no file". */
#define PATH_MOST 4096
#define LINE_MOST 4352 /* of /proc/self/cgroup: number, controllers, path */
#define CORES_MOST (1 << 16)

/* First line of a file; false where there is none. A longer line is cut, which no file read here
 * has. */
static bool read_line(const char *folder, const char *name, char *line, int size)
{
    char path[PATH_MOST + 64];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    bool found = fgets(line, size, file) != NULL;
    fclose(file);
    return found;
}

/* Microseconds above 0. "max", -1 and whatever else is written there are no limit. */
static bool read_micros(const char *text, char **ret_end, int64_t *ret_micros)
{
    errno = 0;
    long long value = strtoll(text, ret_end, 10);
    *ret_micros = value;
    return errno == 0 && *ret_end != text && value > 0;
}

/* Quota and period of one group, in either version's files: "cpu.max" holds both, "max 100000" for
 * none; version 1 has a file for each, -1 for none. */
static bool read_quota(const char *folder, bool is_second, int64_t *ret_quota, int64_t *ret_period)
{
    char line[64], *end;
    if (is_second)
        return read_line(folder, "cpu.max", line, sizeof line) &&
               read_micros(line, &end, ret_quota) && *end == ' ' &&
               read_micros(end, &end, ret_period);
    return read_line(folder, "cpu.cfs_quota_us", line, sizeof line) &&
           read_micros(line, &end, ret_quota) &&
           read_line(folder, "cpu.cfs_period_us", line, sizeof line) &&
           read_micros(line, &end, ret_period);
}

/* Rounded up: half a core's time still lets one thread run, and 2.5 cores keep three of them busy.
 * What is above CORES_MOST is no limit that anybody meant. */
static void note_quota(const char *folder, bool is_second, unsigned *cores)
{
    int64_t quota, period;
    if (!read_quota(folder, is_second, &quota, &period))
        return;
    int64_t whole = quota / period + (quota % period != 0);
    if (whole < CORES_MOST && (*cores == 0 || whole < (int64_t)*cores))
        *cores = (unsigned)whole;
}

/* From the group up to the mount point. Inside a container the path may be the machine's, of which
 * the mount shows but the end: groups that are not there say nothing, and the mount point itself is
 * the container's own group. */
static void walk_up(const char *root, const char *mount, const char *group, bool is_second,
                    unsigned *cores)
{
    char folder[PATH_MOST];
    int length = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s%s", root, mount, group);
    size_t top = strlen(root) + strlen("/sys/fs/cgroup") + strlen(mount);
    /* A process outside its namespace's root has a path with "..", which must not lead out of the
     * mount. */
    if (length >= (int)sizeof folder || strstr(group, "/.."))
        snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, mount);
    for (;;) {
        note_quota(folder, is_second, cores);
        if (strlen(folder) <= top)
            return;
        *strrchr(folder, '/') = '\0';
    }
}

/* Version 1 mounts controllers together, in any order: "cpu", "cpu,cpuacct", "cpuacct,cpu". Another
 * one that only begins so ("cpuset", "cpuacct") has no quota of time. */
static bool names_cpu(const char *controllers)
{
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
            return true;
    }
    return false;
}

/* A line "4:cpu,cpuacct:/group" of version 1, or "0::/group" of version 2 (cgroups(7), proc(5)).
 * Cuts the line up in place. Version 1 is looked for under the controllers' joint name and under
 * "cpu" alone, since distributions link one to the other but containers mount either; a mount that
 * is found twice says the same twice. */
static void follow_line(const char *root, char *line, unsigned *cores)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group || group[1] != '/')
        return;
    *controllers++ = '\0';
    *group++ = '\0';
    if (*controllers == '\0') {
        walk_up(root, "", group, true, cores);
        walk_up(root, "/unified", group, true, cores); /* beside version 1 */
    } else if (names_cpu(controllers)) {
        char mount[64];
        if (snprintf(mount, sizeof mount, "/%s", controllers) < (int)sizeof mount)
            walk_up(root, mount, group, false, cores);
        walk_up(root, "/cpu", group, false, cores);
    }
}

/* The smallest of all groups counts: a child's limit does not lift its parent's. */
unsigned vb_cores_quota(const char *root)
{
    char path[PATH_MOST], line[LINE_MOST];
    unsigned cores = 0;
    if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path)
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        follow_line(root, line, &cores);
    fclose(file);
    return cores;
}

/* The kernel refuses a set smaller than its own with EINVAL, so it grows until it fits: glibc's
 * cpu_set_t ends at 1,024 cores. Whatever else goes wrong counts as one core, which is slow but
 * safe. */
static unsigned count_affinity(void)
{
    for (int room = CPU_SETSIZE; room <= CORES_MOST; room *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)room);
        size_t size = CPU_ALLOC_SIZE((size_t)room);
        int failed = set ? sched_getaffinity(0, size, set) : -1;
        int error = set ? errno : 0;
        int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
        if (error != EINVAL)
            break;
    }
    return 1;
}

unsigned vb_cores_count(void)
{
    unsigned cores = count_affinity();
    unsigned quota = vb_cores_quota("");
    return quota > 0 && quota < cores ? quota : cores;
}
