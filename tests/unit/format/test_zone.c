/* Time zones: names that count, days when clocks change, and Python's zoneinfo as the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/zone_rules.h"
#include "verbatim/file_read.h"
#include "verbatim/zone.h"

static struct vb_zone *zone_of(const char *name)
{
    struct vb_zone *zone = NULL;
    struct vb_error err = {0};
    if (vb_zone_new(name, &zone, &err) != VB_OK)
        fail_msg("%s: %s", name, err.text);
    return zone;
}

static vb_instant utc(int year, int month, int day, int hour, int minute)
{
    return ((vb_date_to_days((struct vb_date){year, month, day}) * 24 + hour) * 60 + minute) * 60 *
           VB_SECOND;
}

static void only_names_of_the_database_count(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Europe/Atlantis",
                                      "../zoneinfo/UTC",
                                      "/usr/share/zoneinfo/UTC",
                                      "Europe/../UTC",
                                      "+01",
                                      "+01:00",
                                      "-0500",
                                      "01:00",
                                      "Z",
                                      "CET-1CEST",
                                      "EST5EDT4,M3.2.0,M11.1.0",
                                      "UTC+3",
                                      "Europe",
                                      "Europe/",
                                      "/Berlin",
                                      "europe/berlin",
                                      "Europe//Berlin",
                                      "posix/UTC",
                                      "right/UTC",
                                      "localtime",
                                      "tzdata.zi",
                                      "zone.tab",
                                      " UTC",
                                      "UTC\n",
                                      "Europe/Berlin\xC3\xA9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vb_zone *zone = NULL;
        struct vb_error err = {0};
        if (vb_zone_new(bad[i], &zone, &err) != VB_INVALID)
            fail_msg("taken as a zone: \"%s\"", bad[i]);
        assert_null(zone);
        assert_true(strlen(err.text) > 0);
    }
    static const char *const good[] = {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires",
                                       "Etc/GMT+5", "America/Port-au-Prince"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        vb_zone_free(zone_of(good[i]));
    vb_zone_free(NULL);
}

/* EST5EDT is a file of the database; as a POSIX name its summers before 2007 would be wrong. */
static void names_that_look_like_rules_are_read_from_the_database(void **state)
{
    (void)state;
    struct vb_zone *zone = zone_of("EST5EDT");
    assert_int_equal(vb_zone_offset(zone, utc(2005, 3, 20, 12, 0)), -5 * 3600);
    assert_int_equal(vb_zone_offset(zone, utc(2007, 3, 20, 12, 0)), -4 * 3600);
    vb_zone_free(zone);
    zone = zone_of("Etc/GMT+5");
    assert_int_equal(vb_zone_offset(zone, 0), -5 * 3600);
    vb_zone_free(zone);
}

static void days_begin_where_the_clock_says(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        struct vb_date day;
        int hour, minute; /* of the same day in UTC */
    } cases[] = {
        {"UTC", {2026, 6, 1}, 0, 0},
        {"America/Sao_Paulo", {2018, 11, 4}, 3, 0}, /* 00:00 skipped */
        {"America/Sao_Paulo", {2018, 11, 5}, 2, 0},
        {"America/Sao_Paulo",
         {2018, 2, 18},
         3,
         0},                                       /* clocks went back at 00:00 to the day before */
        {"America/Havana", {2025, 11, 2}, 4, 0},   /* 00:00 twice: the earlier */
        {"America/Havana", {2025, 3, 9}, 5, 0},    /* skipped */
        {"Atlantic/Azores", {2025, 10, 26}, 0, 0}, /* 00:00 twice */
        {"Atlantic/Azores", {2025, 3, 30}, 1, 0},  /* skipped */
        {"America/New_York", {2026, 11, 1}, 4, 0},
        {"America/New_York", {2026, 11, 2}, 5, 0},
        {"America/New_York", {2060, 7, 1}, 4, 0}, /* past the listed transitions: by rule */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vb_zone *zone = zone_of(cases[i].zone);
        vb_instant expected = utc(cases[i].day.year, cases[i].day.month, cases[i].day.day,
                                  cases[i].hour, cases[i].minute);
        vb_instant start = vb_zone_day_start(zone, cases[i].day);
        if (start != expected)
            fail_msg("%s case %zu: off by %lld s", cases[i].zone, i,
                     (long long)((start - expected) / VB_SECOND));
        assert_int_equal(vb_date_compare(vb_zone_day_of(zone, start), cases[i].day), 0);
        assert_true(vb_date_compare(vb_zone_day_of(zone, start - 1), cases[i].day) < 0);
        vb_zone_free(zone);
    }
    /* East of UTC the day begins on the UTC day before. */
    struct vb_zone *zone = zone_of("Asia/Beirut");
    assert_int_equal(vb_zone_day_start(zone, (struct vb_date){2024, 3, 31}),
                     utc(2024, 3, 30, 22, 0)); /* 00:00 skipped: 01:00+03 */
    vb_zone_free(zone);
    /* A day that never was begins where the next one does. */
    zone = zone_of("Pacific/Apia");
    assert_int_equal(vb_zone_day_start(zone, (struct vb_date){2011, 12, 30}),
                     vb_zone_day_start(zone, (struct vb_date){2011, 12, 31}));
    vb_zone_free(zone);
}

/* Where the day's own start would be of the year 0 or 10000, which no other part knows. */
static void days_end_with_the_calendar(void **state)
{
    (void)state;
    static const char *const names[] = {"UTC", "Europe/Berlin", "America/New_York",
                                        "Pacific/Kiritimati"};
    const struct vb_date first = {1, 1, 1}, last = {9999, 12, 31};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct vb_zone *zone = zone_of(names[i]);
        vb_instant start = vb_zone_day_start(zone, first);
        vb_instant end = vb_zone_day_start(zone, vb_date_from_days(vb_date_to_days(last) + 1));
        assert_true(start >= VB_INSTANT_FIRST && end <= VB_INSTANT_LAST);
        assert_true(vb_zone_is_border(zone, start) && vb_zone_is_border(zone, end));
        assert_true(vb_zone_is_border(zone, vb_zone_day_start(zone, (struct vb_date){2026, 7, 1})));
        assert_false(vb_zone_is_border(zone, utc(2026, 7, 1, 12, 0) + 1));
        assert_int_equal(vb_date_compare(vb_zone_day_of(zone, VB_INSTANT_FIRST), first), 0);
        assert_int_equal(vb_date_compare(vb_zone_day_of(zone, VB_INSTANT_LAST), last), 0);
        vb_zone_free(zone);
    }
    assert_int_equal(VB_INSTANT_FIRST, utc(1, 1, 1, 0, 0));
    assert_int_equal(VB_INSTANT_LAST, utc(9999, 12, 31, 24, 0) - 1);
}

static void both_of_two_equal_local_times_are_ambiguous(void **state)
{
    (void)state;
    struct vb_zone *zone =
        zone_of("America/New_York"); /* 2026-11-01, at 06:00 UTC back by an hour */
    assert_false(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 5, 0) - 1));
    assert_true(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 5, 0)));
    assert_true(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 6, 0) - 1));
    assert_true(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 6, 0)));
    assert_true(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 7, 0) - 1));
    assert_false(vb_zone_is_ambiguous(zone, utc(2026, 11, 1, 7, 0)));
    assert_false(vb_zone_is_ambiguous(zone, utc(2026, 3, 8, 7, 0))); /* forward: nothing twice */
    assert_false(vb_zone_is_ambiguous(zone, utc(2026, 3, 8, 7, 0) - 1));
    vb_zone_free(zone);
}

/* Prints for each zone: instant, offset, ambiguous (both folds exist and round-trip); and for each
 * day its start by brute force from the same library. */
static const char oracle[] =
    "import random, zoneinfo as z, datetime as d\n"
    "r=random.Random(7); u=d.timezone.utc; E=d.datetime(1970,1,1,tzinfo=u); "
    "s=d.timedelta(seconds=1)\n"
    "for n in ('Europe/Berlin','America/New_York','America/Havana','America/Sao_Paulo',"
    "'Asia/Beirut','Atlantic/Azores','Australia/Lord_Howe','Pacific/Apia','Asia/Kathmandu',"
    "'Africa/Casablanca','America/Asuncion','Asia/Tehran','UTC'):\n"
    "  t=z.ZoneInfo(n)\n"
    "  for i in range(1500):\n"
    "    x=r.randrange(157766400,2524608000)\n"
    "    if i%3==0: x=x//3600*3600-(i%2)\n"
    "    l=(E+x*s).astimezone(t); w=l.replace(tzinfo=None)\n"
    "    c={int((w.replace(tzinfo=t,fold=f).astimezone(u)-E)/s) for f in (0,1)}\n"
    "    c={k for k in c if (E+k*s).astimezone(t).replace(tzinfo=None)==w}\n"
    "    print('t',n,x,int(l.utcoffset()/s),int(len(c)>1))\n"
    "  for i in range(300):\n"
    "    y=d.date(1975,1,1)+d.timedelta(days=r.randrange(27000))\n"
    "    m=d.datetime(y.year,y.month,y.day)\n"
    "    k=int((m.replace(tzinfo=u)-E)/s)-50400-3600\n"
    "    while (E+k*s).astimezone(t).date()<y: k+=900\n"
    "    print('d',n,y.year,y.month,y.day,k)\n";

static void check_line(const char *line, struct vb_zone *zone, const char *rest)
{
    long long instant;
    int offset, ambiguous, consumed = 0;
    struct vb_date day;
    if (line[0] == 't') {
        assert_int_equal(sscanf(rest, "%lld %d %d%n", &instant, &offset, &ambiguous, &consumed), 3);
        if (vb_zone_offset(zone, instant * VB_SECOND) != offset ||
            vb_zone_is_ambiguous(zone, instant * VB_SECOND) != (ambiguous != 0))
            fail_msg("oracle differs: %s", line);
        return;
    }
    assert_int_equal(sscanf(rest, "%d %d %d %lld", &day.year, &day.month, &day.day, &instant), 4);
    if (vb_zone_day_start(zone, day) != instant * VB_SECOND)
        fail_msg("oracle differs: %s, we say %lld", line,
                 (long long)(vb_zone_day_start(zone, day) / VB_SECOND));
}

static void python_agrees(void **state)
{
    (void)state;
    char command[sizeof oracle + 40], line[200], name[64], current[64] = "";
    struct vb_zone *zone = NULL;
    int consumed, lines = 0;
    if (strchr(oracle, '"'))
        fail_msg("the oracle must not contain quotes");
    snprintf(command, sizeof command, "python3 -c \"%s\"", oracle);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (; fgets(line, sizeof line, pipe); lines++) {
        assert_int_equal(sscanf(line + 2, "%63s%n", name, &consumed), 1);
        if (strcmp(name, current) != 0) {
            vb_zone_free(zone);
            zone = zone_of(name);
            snprintf(current, sizeof current, "%s", name);
        }
        check_line(line, zone, line + 2 + consumed);
    }
    vb_zone_free(zone);
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(lines, 13 * 1800);
}

/* Each holds until the next, and the first one before them all. */
static void changes_are_those_of_the_zone(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "UTC",          "Europe/Berlin",  "America/St_Johns", "Asia/Kathmandu",
        "Pacific/Apia", "Africa/Monrovia"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct vb_zone *zone = NULL;
        struct vb_offset_change *changes = NULL;
        struct vb_error err;
        size_t count = 0, at = 0;
        const vb_instant until = INT64_C(1800000000) * VB_SECOND;
        assert_int_equal(vb_zone_new(names[i], &zone, &err), VB_OK);
        assert_int_equal(vb_zone_changes(zone, until, &changes, &count), VB_OK);
        assert_true(count >= 1 && changes[0].at == 0);
        for (vb_instant instant = 0; instant < until; instant += 6 * 3600 * VB_SECOND + VB_SECOND) {
            while (at + 1 < count && changes[at + 1].at <= instant)
                at++;
            assert_int_equal(changes[at].offset, vb_zone_offset(zone, instant));
        }
        for (size_t k = 1; k < count; k++) {
            assert_int_equal(vb_zone_offset(zone, changes[k].at), changes[k].offset);
            assert_int_equal(vb_zone_offset(zone, changes[k].at - 1), changes[k - 1].offset);
        }
        free(changes);
        vb_zone_free(zone);
    }
}

/* --- files and texts that are none --- */

static const char *const bad_texts[] = {"",
                                        "UTC0",
                                        "UTC0 ",
                                        "UTC 0",
                                        "UTC0  0",
                                        "UTC0 0 ",
                                        "UTC0 0 5",
                                        "UTC0 0 5:",
                                        "UTC0 0 5:3600,",
                                        "UTC0 0 5:3600 0:0",
                                        "UTC0 0 5:3600 -5:0",
                                        "UTC0 0 5:93601",
                                        "UTC0 0 99999999999999:0",
                                        "UTC0 0 999999999999999:0",
                                        "UTC0 99999",
                                        "UT0 0",
                                        "<UTC0 0",
                                        "CET-1CEST 3600",
                                        "CET-1CEST,M3.5.0 3600",
                                        "CET-1CEST,M13.5.0,M10.5.0/3 3600",
                                        "CET-1CEST,M3.6.0,M10.5.0/3 3600",
                                        "CET-1CEST,M3.5.7,M10.5.0/3 3600",
                                        "CET-1CEST,M3.5.0,M10.5.0/168 3600",
                                        "CET-1CEST,M3.5.0,M10.5.0/3x 3600",
                                        "CET-1CEST,J0,J366 3600",
                                        "CET-27CEST,M3.5.0,M10.5.0/3 3600",
                                        "- 3600 x"};

static void only_texts_of_zones_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        struct vb_zone *zone = NULL;
        if (vb_zone_read(vb_view_of(bad_texts[i]), &zone, NULL) != VB_INVALID)
            fail_msg("taken as clocks: \"%s\"", bad_texts[i]);
    }
}

static int offset_in(const char *text, vb_instant at)
{
    struct vb_zone *zone = NULL;
    assert_int_equal(vb_zone_read(vb_view_of(text), &zone, NULL), VB_OK);
    int offset = vb_zone_offset(zone, at);
    vb_zone_free(zone);
    return offset;
}

/* Forms that no zone has today, as RFC 9636 describes them. */
static void rules_of_every_form_are_kept(void **state)
{
    (void)state;
    const char *all_year = "XXX3EDT4,0/0,J365/23 -10800", *counted = "AAA0BBB,J60/0,J61/1 0";
    assert_int_equal(offset_in(all_year, utc(2026, 1, 1, 0, 0)), -4 * 3600);
    assert_int_equal(offset_in(all_year, utc(2028, 12, 31, 23, 59)), -4 * 3600);
    assert_int_equal(offset_in(counted, utc(2028, 2, 29, 12, 0)), 0); /* J60 is 1 March */
    assert_int_equal(offset_in(counted, utc(2028, 3, 1, 12, 0)), 3600);
    assert_int_equal(offset_in("AAA0BBB,59/0,60/1 0", utc(2028, 2, 29, 12, 0)), 3600);
    assert_int_equal(offset_in("- 7200 0:3600", -1), 7200);
    assert_int_equal(offset_in("- 7200 0:3600", utc(2090, 7, 1, 0, 0)), 3600);
    assert_int_equal(offset_in("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0 37800", utc(2026, 7, 1, 0, 0)),
                     37800);
    assert_int_equal(offset_in("IST-2IDT,M3.4.4/26,M10.5.0 7200", utc(2026, 3, 27, 0, 0)),
                     3 * 3600);
    assert_int_equal(offset_in("IST-2IDT,M3.4.4/26,M10.5.0 7200", utc(2026, 3, 26, 23, 59)), 7200);
}

/* Every beginning of a file, and every file with one byte changed: never a crash, and a beginning
 * is refused. */
static void damaged_files_are_survived(void **state)
{
    (void)state;
    struct vb_buffer file;
    struct vb_zone_rules rules = {0};
    vb_buffer_init(&file, VB_ZONE_BYTES);
    assert_int_equal(vb_file_read("/usr/share/zoneinfo/Europe/Dublin", &file, NULL), VB_OK);
    for (size_t length = 0; length < file.length; length++) {
        char *copy = malloc(length + 1); /* its own, so that a sanitizer sees a step too far */
        assert_non_null(copy);
        memcpy(copy, file.data, length);
        struct vb_view beginning = {copy, length};
        assert_int_equal(vb_zone_rules_from_file(beginning, &rules), VB_INVALID);
        free(copy);
    }
    for (size_t i = 0; i < file.length; i++) {
        file.data[i] = (char)~file.data[i];
        if (vb_zone_rules_from_file((struct vb_view){file.data, file.length}, &rules) == VB_OK)
            (void)vb_zone_rules_at(&rules, 0);
        vb_zone_rules_done(&rules);
        file.data[i] = (char)~file.data[i];
    }
    vb_buffer_done(&file);
}

/* A year and what a letter does not say: fifteen months. */
static void releases_grow_old(void **state)
{
    (void)state;
    assert_false(vb_zone_release_is_old("2025b", utc(2026, 6, 30, 23, 59)));
    assert_true(vb_zone_release_is_old("2025b", utc(2026, 7, 1, 0, 0)));
    assert_false(vb_zone_release_is_old("2025a", utc(2025, 1, 1, 0, 0)));
    assert_true(vb_zone_release_is_old("2025a", utc(2026, 5, 1, 0, 0)));
    assert_false(vb_zone_release_is_old("2026f", utc(2027, 1, 1, 0, 0)));
    assert_true(vb_zone_release_is_old("", utc(2026, 1, 1, 0, 0)));
    assert_int_equal(vb_zone_release_time("2025b"), utc(2025, 3, 1, 0, 0));
    assert_int_equal(vb_zone_release_time("2026f"), utc(2026, 11, 1, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_the_database_count),
        cmocka_unit_test(names_that_look_like_rules_are_read_from_the_database),
        cmocka_unit_test(days_begin_where_the_clock_says),
        cmocka_unit_test(days_end_with_the_calendar),
        cmocka_unit_test(both_of_two_equal_local_times_are_ambiguous),
        cmocka_unit_test(python_agrees),
        cmocka_unit_test(changes_are_those_of_the_zone),
        cmocka_unit_test(only_texts_of_zones_are_read),
        cmocka_unit_test(rules_of_every_form_are_kept),
        cmocka_unit_test(damaged_files_are_survived),
        cmocka_unit_test(releases_grow_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
