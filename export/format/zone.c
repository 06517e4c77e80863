/* IANA zones: names that count, files, and the stretch of constant offset that was asked for last.
 *
 * The files are read by code of ours (zone_file.c), since GLib's is two hours off in Ireland where
 * a file leaves the winters to its rule. Reads zone files at birth only: one that an update of the
 * system replaces is seen by zones made afterwards. The stretch is a cache and nothing else.
 */
#include "verbatim/zone.h"

#include "verbatim/file_read.h"

#include "zone_link.h"
#include "zone_rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define PATH_LENGTH 4096u
/* A year, and what a letter does not say. Releases come several times a year, for laws are often
 * changed with a notice of weeks. */
#define RELEASE_MONTHS_MOST 15
/* No place was ever further from UTC than 16 hours; one day more than that is safe. */
#define FARTHEST_OFFSET INT64_C(144000)

struct vb_zone {
    struct vb_zone_rules rules;
    struct vb_zone_stretch now; /* empty at birth, so that the first question looks */
    int before, after;          /* offsets just before its start and at its end */
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
}

/* What the database's own names look like: no dots, so no "..", and no empty component. The two
 * subtrees are other renderings of the whole database ("right" counts leap seconds), and the two
 * files stand for whatever this machine is set to. */
static bool is_zone_name(const char *name)
{
    static const char *const refused[] = {"localtime", "posixrules"};
    size_t length = strlen(name);
    if (length == 0 || length >= VB_ZONE_NAME || !is_letter(name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_name_byte(name[i]) || (name[i] == '/' && (name[i + 1] == '/' || !name[i + 1])))
            return false;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(name, refused[i]) == 0)
            return false;
    return strncmp(name, "posix/", 6) != 0 && strncmp(name, "right/", 6) != 0;
}

/* RFC 9636: a zone file begins so. The database's folders, tables and scripts do not; O_NONBLOCK
 * because a name could lead to a pipe. */
static bool is_zone_file(const char *path)
{
    char magic[4] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    ssize_t got = read(file, magic, sizeof magic);
    close(file);
    return got == (ssize_t)sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
}

static const char *folder_of_zones(void)
{
    const char *directory = getenv("TZDIR");
    return directory && directory[0] == '/' ? directory : "/usr/share/zoneinfo";
}

/* False: too long for any system. */
static bool path_of(const char *name, char path[PATH_LENGTH])
{
    int length = snprintf(path, PATH_LENGTH, "%s/%s", folder_of_zones(), name);
    return length > 0 && (size_t)length < PATH_LENGTH;
}

/* A name that looks like a rule, such as EST5EDT, is a file like any other. VB_NOT_FOUND: the
 * database has no such zone. */
static enum vb_status open_zone(const char *name, struct vb_zone_rules *ret_rules,
                                struct vb_error *err)
{
    char path[PATH_LENGTH];
    struct vb_buffer file;
    if (strcmp(name, "UTC") == 0)
        return vb_zone_rules_from_text(VB_VIEW("UTC0 0"), ret_rules);
    if (!is_zone_name(name) || !path_of(name, path) || !is_zone_file(path))
        return VB_NOT_FOUND;
    vb_buffer_init(&file, VB_ZONE_BYTES);
    enum vb_status status = vb_file_read(path, &file, err);
    if (status == VB_OK) {
        status = vb_zone_rules_from_file((struct vb_view){file.data, file.length}, ret_rules);
        if (status != VB_OK)
            (void)vb_fail(err, status, "%s is no zone file, or counts leap seconds", path);
    }
    vb_buffer_done(&file);
    return status;
}

/* By whatever name this machine has it: another one where the database was stripped of former
 * names, or is older than the present one. */
static enum vb_status find_zone(const char *name, struct vb_zone_rules *ret_rules,
                                struct vb_error *err)
{
    enum vb_status status = open_zone(name, ret_rules, err);
    const char *other = vb_zone_link(name);
    if (status == VB_NOT_FOUND && other)
        status = open_zone(other, ret_rules, err);
    for (size_t i = 0; status == VB_NOT_FOUND && (other = vb_zone_former(name, i)); i++)
        status = open_zone(other, ret_rules, err);
    return status;
}

static bool is_there(const char *name)
{
    struct vb_zone_rules rules = {0};
    enum vb_status status = open_zone(name, &rules, NULL);
    vb_zone_rules_done(&rules);
    return status == VB_OK;
}

/* The entry of the folder that is the first `length` bytes of `name` in any case, into `to`. */
static bool find_entry(const char *path, const char *name, size_t length, char *to)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool is_found = false;
    while (folder && !is_found && (entry = readdir(folder)))
        is_found = strlen(entry->d_name) == length && strncasecmp(entry->d_name, name, length) == 0;
    if (is_found)
        memcpy(to, entry->d_name, length);
    if (folder)
        (void)closedir(folder);
    return is_found;
}

/* Folder by folder, into `room`. */
static bool find_spelling(const char *name, char room[VB_ZONE_NAME])
{
    char path[PATH_LENGTH];
    if (!is_zone_name(name) || !path_of("", path))
        return false;
    for (size_t at = 0;; at++) {
        size_t length = strcspn(name + at, "/");
        if (!find_entry(path, name + at, length, room + at))
            return false;
        at += length;
        room[at] = name[at];
        if (!name[at])
            return true;
        room[at] = '\0';
        if (!path_of(room, path))
            return false;
        room[at] = '/';
    }
}

/* As the database writes it. */
static const char *spelling_of(const char *name, char room[VB_ZONE_NAME])
{
    const char *listed = vb_zone_listed(name);
    if (is_there(name))
        return name;
    if (strcasecmp(name, "UTC") == 0)
        return "UTC";
    return listed ? listed : find_spelling(name, room) && is_there(room) ? room : name;
}

const char *vb_zone_canonical(const char *name, char room[VB_ZONE_NAME])
{
    const char *spelling = spelling_of(name, room), *other = vb_zone_link(spelling);
    return other && is_there(other) ? other : spelling;
}

/* Takes the rules over. */
static enum vb_status make_zone(struct vb_zone_rules *rules, struct vb_zone **ret_zone,
                                struct vb_error *err)
{
    struct vb_zone *zone = calloc(1, sizeof *zone);
    if (!zone) {
        vb_zone_rules_done(rules);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a time zone");
    }
    zone->rules = *rules;
    *ret_zone = zone;
    return VB_OK;
}

enum vb_status vb_zone_new(const char *name, struct vb_zone **ret_zone, struct vb_error *err)
{
    struct vb_zone_rules rules = {0};
    struct vb_error why;
    vb_error_clear(&why);
    enum vb_status status = find_zone(name, &rules, &why);
    if (status == VB_OK)
        return make_zone(&rules, ret_zone, err);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for a time zone");
    return vb_fail(err, VB_INVALID, "time zone \"%.64s\" is not in the system's zone database%s%s",
                   name,
                   why.text[0]          ? ": "
                   : vb_zone_link(name) ? "; former names may be in a package of their own "
                                          "(Debian: tzdata-legacy)"
                                        : "",
                   why.text);
}

enum vb_status vb_zone_write(const struct vb_zone *zone, struct vb_buffer *out)
{
    return vb_zone_rules_write(&zone->rules, out);
}

enum vb_status vb_zone_read(struct vb_view text, struct vb_zone **ret_zone, struct vb_error *err)
{
    struct vb_zone_rules rules = {0};
    enum vb_status status = vb_zone_rules_from_text(text, &rules);
    if (status != VB_OK)
        return vb_fail(err, status,
                       status == VB_INVALID ? "the clocks of the time zone are no text of ours"
                                            : "no memory for a time zone");
    return make_zone(&rules, ret_zone, err);
}

/* The source of all zones, which systems ship beside the compiled ones, begins with
 * "# version 2025b". */
bool vb_zone_release(char ret_release[VB_ZONE_RELEASE])
{
    char line[64], path[PATH_LENGTH];
    FILE *file = path_of("tzdata.zi", path) ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    bool found = fgets(line, sizeof line, file) && sscanf(line, "# version %15s", ret_release) == 1;
    fclose(file);
    return found;
}

static int year_of_release(const char *release)
{
    return (int)strtol(release, NULL, 10);
}

/* "2025b" is about that of March 2025: a letter stands for some two months. */
static int month_of_release(const char *release)
{
    char letter = release[0] ? release[strlen(release) - 1] : 'a';
    return letter >= 'a' && letter <= 'f' ? 2 * (letter - 'a') : 0;
}

vb_instant vb_zone_release_time(const char *release)
{
    struct tm came = {.tm_year = year_of_release(release) - 1900,
                      .tm_mon = month_of_release(release),
                      .tm_mday = 1};
    return (vb_instant)timegm(&came) * VB_SECOND;
}

bool vb_zone_release_is_old(const char *release, vb_instant now)
{
    struct tm today = {0};
    time_t seconds = (time_t)(now / VB_SECOND);
    (void)gmtime_r(&seconds, &today);
    int years = today.tm_year + 1900 - year_of_release(release);
    return years * 12 + today.tm_mon - month_of_release(release) > RELEASE_MONTHS_MOST;
}

void vb_zone_free(struct vb_zone *zone)
{
    if (!zone)
        return;
    vb_zone_rules_done(&zone->rules);
    free(zone);
}

static int64_t seconds_of(vb_instant instant)
{
    int64_t seconds = instant / VB_SECOND;
    return seconds - (instant % VB_SECOND < 0);
}

static void look_up(struct vb_zone *zone, int64_t seconds)
{
    if (seconds >= zone->now.start && seconds < zone->now.end)
        return;
    struct vb_zone_stretch now = vb_zone_rules_at(&zone->rules, seconds);
    zone->before = zone->after = now.offset;
    if (now.start != INT64_MIN)
        zone->before = vb_zone_rules_at(&zone->rules, now.start - 1).offset;
    if (now.end != INT64_MAX)
        zone->after = vb_zone_rules_at(&zone->rules, now.end).offset;
    zone->now = now;
}

int vb_zone_offset(struct vb_zone *zone, vb_instant instant)
{
    look_up(zone, seconds_of(instant));
    return zone->now.offset;
}

/* Only the neighbouring stretches count: changes of offset lie months apart, shifts are hours. */
bool vb_zone_is_ambiguous(struct vb_zone *zone, vb_instant instant)
{
    int64_t seconds = seconds_of(instant);
    look_up(zone, seconds);
    int64_t local = seconds + zone->now.offset;
    /* The same local time under the neighbour's offset, if that instant is the neighbour's. */
    return local - zone->before < zone->now.start || local - zone->after >= zone->now.end;
}

/* The first instant whose local time is not before 00:00: walk the stretches from a point that is
 * surely earlier. In a gap the stretch behind it begins past midnight already. */
static int64_t day_start(struct vb_zone *zone, struct vb_date day)
{
    int64_t midnight = vb_date_to_days(day) * 86400;
    int64_t from = midnight - FARTHEST_OFFSET;
    for (;;) {
        look_up(zone, from);
        int64_t candidate = midnight - zone->now.offset;
        if (candidate < from)
            candidate = from;
        if (candidate < zone->now.end)
            return candidate;
        from = zone->now.end;
    }
}

vb_instant vb_zone_day_start(struct vb_zone *zone, struct vb_date day)
{
    vb_instant start = day_start(zone, day) * VB_SECOND;
    return start < VB_INSTANT_FIRST  ? VB_INSTANT_FIRST
           : start > VB_INSTANT_LAST ? VB_INSTANT_LAST
                                     : start;
}

static struct vb_date local_date(struct vb_zone *zone, vb_instant instant)
{
    return vb_civil_of(instant, vb_zone_offset(zone, instant)).date;
}

struct vb_date vb_zone_day_of(struct vb_zone *zone, vb_instant instant)
{
    struct vb_date date = local_date(zone, instant);
    return date.year < 1      ? (struct vb_date){1, 1, 1}
           : date.year > 9999 ? (struct vb_date){9999, 12, 31}
                              : date;
}

bool vb_zone_is_border(struct vb_zone *zone, vb_instant instant)
{
    return instant <= VB_INSTANT_FIRST || instant >= VB_INSTANT_LAST ||
           day_start(zone, local_date(zone, instant)) * VB_SECOND == instant;
}

/* Doubles as it fills. */
static enum vb_status add_change(struct vb_offset_change **changes, size_t *count, int64_t seconds,
                                 int offset)
{
    bool is_full = *count >= 16 && (*count & (*count - 1)) == 0;
    if (*count > 0 && (*changes)[*count - 1].offset == offset)
        return VB_OK;
    if (*count == 0 || is_full) {
        size_t capacity = *count == 0 ? 16 : *count * 2;
        struct vb_offset_change *grown = realloc(*changes, capacity * sizeof *grown);
        if (!grown)
            return VB_NO_MEMORY;
        *changes = grown;
    }
    (*changes)[(*count)++] = (struct vb_offset_change){seconds * VB_SECOND, offset};
    return VB_OK;
}

enum vb_status vb_zone_changes(struct vb_zone *zone, vb_instant until,
                               struct vb_offset_change **ret_changes, size_t *ret_count)
{
    struct vb_offset_change *changes = NULL;
    size_t count = 0;
    enum vb_status status = VB_OK;
    for (int64_t at = 0; status == VB_OK && (count == 0 || at <= seconds_of(until));
         at = zone->now.end) {
        look_up(zone, at);
        status = add_change(&changes, &count, at, zone->now.offset);
    }
    if (status != VB_OK) {
        free(changes);
        return status;
    }
    *ret_changes = changes;
    *ret_count = count;
    return VB_OK;
}
