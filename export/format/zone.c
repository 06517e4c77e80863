/* IANA zones on GLib's GTimeZone, with the stretch of constant offset that was asked for last.
 *
 * GLib searches its transitions from the first on at every question and does not tell where a
 * stretch begins and ends; both are found here once by bisection and then serve every instant of
 * the season. GLib would also take offsets, POSIX rules and paths as names; those are refused
 * before it sees them. Reads zone files at birth only.
 *
 * A zone file that an update of the system replaces is seen by zones made afterwards: processes
 * that run on the same job with different files may name an hour differently. The stretch is a
 * cache and nothing else; every answer is GLib's.
 */
#include "verbatim/zone.h"

#include "zone_link.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_NAME_LENGTH 64u
#define WINDOW INT64_C(17280000) /* seconds looked at on each side of an instant: 200 days */
/* No place was ever further from UTC than 16 hours; one day more than that is safe. */
#define FARTHEST_OFFSET INT64_C(144000)

struct vb_zone {
    GTimeZone *glib;
    int64_t start, end; /* Unix seconds; `offset` holds from start up to but not including end */
    int offset;
    int before, after; /* in force just before start and at end */
};

static bool is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
}

/* What the database's own names look like: no dots, so no "..", and no empty component. The two
 * subtrees are other renderings of the whole database ("right" counts leap seconds), and the two
 * files stand for whatever this machine is set to. */
static bool is_zone_name(const char *name)
{
    static const char *const refused[] = {"localtime", "posixrules"};
    size_t length = strlen(name);
    if (length == 0 || length > ZONE_NAME_LENGTH || !g_ascii_isalpha(name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_name_byte(name[i]) || (name[i] == '/' && (name[i + 1] == '/' || !name[i + 1])))
            return false;
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        if (strcmp(name, refused[i]) == 0)
            return false;
    return !g_str_has_prefix(name, "posix/") && !g_str_has_prefix(name, "right/");
}

/* RFC 8536 begins so. The database's folders, tables and scripts do not; O_NONBLOCK because a name
 * could lead to a pipe. */
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
    const char *directory = g_getenv("TZDIR");
    return directory && directory[0] == '/' ? directory : "/usr/share/zoneinfo";
}

/* NULL if the database has no such zone. An absolute path keeps GLib from reading names such as
 * EST5EDT as a POSIX rule of its own. */
static GTimeZone *open_zone(const char *name)
{
    if (strcmp(name, "UTC") == 0)
        return g_time_zone_new_utc();
    if (!is_zone_name(name))
        return NULL;
    char *path = g_build_filename(folder_of_zones(), name, NULL);
    GTimeZone *zone = is_zone_file(path) ? g_time_zone_new_identifier(path) : NULL;
    g_free(path);
    return zone;
}

/* By whatever name this machine has it: another one where the database was stripped of former
 * names, or is older than the present one. */
static GTimeZone *find_zone(const char *name)
{
    GTimeZone *zone = open_zone(name);
    const char *other = zone ? NULL : vb_zone_link(name);
    if (other)
        zone = open_zone(other);
    for (size_t i = 0; !zone && (other = vb_zone_former(name, i)); i++)
        zone = open_zone(other);
    return zone;
}

const char *vb_zone_canonical(const char *name)
{
    const char *other = vb_zone_link(name);
    GTimeZone *zone = other ? open_zone(other) : NULL;
    if (!zone)
        return name;
    g_time_zone_unref(zone);
    return other;
}

enum vb_status vb_zone_new(const char *name, struct vb_zone **ret_zone, struct vb_error *err)
{
    GTimeZone *glib = find_zone(name);
    if (!glib)
        return vb_fail(err, VB_INVALID, "time zone \"%.64s\" is not in the system's zone database",
                       name);
    struct vb_zone *zone = calloc(1, sizeof *zone);
    if (!zone) {
        g_time_zone_unref(glib);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a time zone");
    }
    zone->glib = glib;
    *ret_zone = zone;
    return VB_OK;
}

/* The source of all zones, which systems ship beside the compiled ones, begins with
 * "# version 2025b". */
bool vb_zone_release(char ret_release[VB_ZONE_RELEASE])
{
    char line[64];
    char *path = g_build_filename(folder_of_zones(), "tzdata.zi", NULL);
    FILE *file = fopen(path, "re");
    g_free(path);
    if (!file)
        return false;
    bool found = fgets(line, sizeof line, file) && sscanf(line, "# version %15s", ret_release) == 1;
    fclose(file);
    return found;
}

void vb_zone_free(struct vb_zone *zone)
{
    if (!zone)
        return;
    g_time_zone_unref(zone->glib);
    free(zone);
}

static int64_t seconds_of(vb_instant instant)
{
    int64_t seconds = instant / VB_SECOND;
    return seconds - (instant % VB_SECOND < 0);
}

/* GLib's number of the stretch that holds the instant; numbers rise with time. */
static int interval_at(const struct vb_zone *zone, int64_t seconds)
{
    return g_time_zone_find_interval(zone->glib, G_TIME_TYPE_UNIVERSAL, seconds);
}

static int offset_at(const struct vb_zone *zone, int64_t seconds)
{
    return g_time_zone_get_offset(zone->glib, interval_at(zone, seconds));
}

/* The instant in (outside, inside] or [inside, outside) that is farthest from `inside` and still in
 * its interval. GLib numbers intervals in order, so one change lies between at most. */
static int64_t farthest(const struct vb_zone *zone, int64_t inside, int64_t outside)
{
    int interval = interval_at(zone, inside);
    if (interval_at(zone, outside) == interval)
        return outside;
    while (inside - outside > 1 || outside - inside > 1) {
        int64_t middle = inside + (outside - inside) / 2;
        if (interval_at(zone, middle) == interval)
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

/* start and end are 0 at birth, so the first question always looks. */
static void look_up(struct vb_zone *zone, int64_t seconds)
{
    if (seconds >= zone->start && seconds < zone->end)
        return;
    zone->offset = offset_at(zone, seconds);
    zone->start = farthest(zone, seconds, seconds - WINDOW);
    zone->end = farthest(zone, seconds, seconds + WINDOW) + 1;
    zone->before = offset_at(zone, zone->start - 1);
    zone->after = offset_at(zone, zone->end);
}

int vb_zone_offset(struct vb_zone *zone, vb_instant instant)
{
    look_up(zone, seconds_of(instant));
    return zone->offset;
}

/* Only the neighbouring stretches count: changes of offset lie months apart, shifts are hours. */
bool vb_zone_is_ambiguous(struct vb_zone *zone, vb_instant instant)
{
    int64_t seconds = seconds_of(instant);
    look_up(zone, seconds);
    int64_t local = seconds + zone->offset;
    /* The same local time under the neighbour's offset, if that instant is the neighbour's. */
    return local - zone->before < zone->start || local - zone->after >= zone->end;
}

/* The first instant whose local time is not before 00:00: walk the stretches from a point that is
 * surely earlier. In a gap the stretch behind it begins past midnight already. */
static int64_t day_start(struct vb_zone *zone, struct vb_date day)
{
    int64_t midnight = vb_date_to_days(day) * 86400;
    int64_t from = midnight - FARTHEST_OFFSET;
    for (;;) {
        look_up(zone, from);
        int64_t candidate = midnight - zone->offset;
        if (candidate < from)
            candidate = from;
        if (candidate < zone->end)
            return candidate;
        from = zone->end;
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
         at = zone->end) {
        look_up(zone, at);
        status = add_change(&changes, &count, at, zone->offset);
    }
    if (status != VB_OK) {
        free(changes);
        return status;
    }
    *ret_changes = changes;
    *ret_count = count;
    return VB_OK;
}
