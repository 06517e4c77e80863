/* See settings/usage.h. Source: proc(5). The process is not dumpable, which hides most of
 * /proc/self from its own login; "stat" stays readable, and "fd" is open to the process itself. */
#include "usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat behind the name, which stands in brackets and may hold anything; the
 * first is number 3 of the manual. */
enum {
    FIELD_THREADS = 20,
    FIELD_START = 22,
    FIELD_VIRTUAL = 23,
    FIELD_RESIDENT = 24,
    FIELDS = 25,
    FIELD_BEHIND_NAME = 3
};

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = '\0';
    return length > 0;
}

static bool read_stat(uint64_t fields[FIELDS])
{
    char text[1024], *rest = NULL;
    if (!read_text("/proc/self/stat", text, sizeof text))
        return false;
    char *at = strrchr(text, ')');
    if (!at)
        return false;
    int field = FIELD_BEHIND_NAME;
    /* The first is a letter, and reads as 0. */
    for (at = strtok_r(at + 1, " ", &rest); at && field < FIELDS; at = strtok_r(NULL, " ", &rest))
        fields[field++] = strtoull(at, NULL, 10);
    return field == FIELDS;
}

/* When the machine was started, in seconds since 1970. */
static bool read_boot(uint64_t *ret_seconds)
{
    char line[256];
    bool found = false;
    FILE *file = fopen("/proc/stat", "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, "btime ", 6) == 0;
    if (found)
        *ret_seconds = strtoull(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return found;
}

/* Without the descriptor that counts them. */
static bool count_files(uint64_t *ret_count)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!folder)
        return false;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    *ret_count = count - 1;
    return true;
}

static enum vb_status put(struct vb_buffer *out, const char *name, const char *type,
                          const char *help, double value)
{
    return vb_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.*f\n", name, help, name, type,
                            name, value == (double)(uint64_t)value ? 0 : 2, value);
}

/* Finer than the ticks of "stat". */
static enum vb_status put_cpu(struct vb_buffer *out)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return VB_OK;
    return put(out, "process_cpu_seconds_total", "counter", "User and system CPU time.",
               (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static enum vb_status put_stat(struct vb_buffer *out)
{
    uint64_t fields[FIELDS] = {0}, boot = 0;
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    if (!read_stat(fields))
        return VB_OK;
    enum vb_status status = put(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                                (double)fields[FIELD_RESIDENT] * (double)sysconf(_SC_PAGESIZE));
    if (status == VB_OK)
        status = put(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
                     (double)fields[FIELD_VIRTUAL]);
    if (status == VB_OK)
        status = put(out, "process_threads", "gauge", "Threads.", (double)fields[FIELD_THREADS]);
    if (status == VB_OK && read_boot(&boot))
        status = put(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.",
                     (double)boot + (double)fields[FIELD_START] / ticks);
    return status;
}

enum vb_status vb_usage_write(struct vb_buffer *out)
{
    struct rlimit limit;
    uint64_t files;
    enum vb_status status = put_cpu(out);
    if (status == VB_OK)
        status = put_stat(out);
    if (status == VB_OK && count_files(&files))
        status = put(out, "process_open_fds", "gauge", "Open file descriptors.", (double)files);
    if (status == VB_OK && getrlimit(RLIMIT_NOFILE, &limit) == 0)
        status = put(out, "process_max_fds", "gauge", "Most open file descriptors.",
                     (double)limit.rlim_cur);
    return status;
}
