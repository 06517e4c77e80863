/* The statistics of an export, for people; see html.h.
 *
 * Charts are inline SVG, two paths each, and every number in them stands in a table beside them.
 * The size depends on the number of days alone, which has a ceiling (verbatim/statistics.h).
 */
#include "html.h"

#include <stdio.h>
#include <string.h>

#define BAR 4u          /* units of a bar with the gap behind it */
#define PLACES_LEAST 12 /* so that one day is not as wide as the page */
#define HEIGHT 100u     /* units of the highest one */
#define BUSIEST 3u

/* With commas between thousands, as the page's language has them. */
static enum vb_status append_count(struct vb_buffer *out, uint64_t number)
{
    char digits[24], grouped[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *to = grouped;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    return vb_buffer_append(out, grouped, (size_t)(to - grouped));
}

enum vb_status vb_html_append_figure(struct vb_buffer *out, const char *name, uint64_t number)
{
    enum vb_status status = vb_buffer_printf(out, "<div><dt>%s</dt><dd>", name);
    if (status == VB_OK)
        status = append_count(out, number);
    return status == VB_OK ? vb_buffer_append_text(out, "</dd></div>") : status;
}

/* --- speakers --- */

static const char *const speaker_names[VB_SPEAKERS] = {"Customer", "Bot", "Agent", "Other"};

/* What nobody of is there has no column either. */
static bool is_shown(const struct vb_statistics *statistics, int who)
{
    return who != VB_SPEAKER_OTHER || statistics->messages[VB_SPEAKER_OTHER] > 0;
}

static enum vb_status append_speakers(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_append_text(out, "<table class=speakers><caption>Messages by speaker</caption>"
                                   "<thead><tr><th scope=col>Speaker<th scope=col>Messages"
                                   "<tbody>");
    for (int who = 0; who < VB_SPEAKERS && status == VB_OK; who++) {
        if (!is_shown(statistics, who))
            continue;
        status = vb_buffer_printf(out, "<tr><th scope=row>%s<td>", speaker_names[who]);
        if (status == VB_OK)
            status = append_count(out, statistics->messages[who]);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</table>\n") : status;
}

/* --- a chart --- */

/* A bar for each place; `below` is the customer's part of `all`. */
struct bar {
    int64_t place;
    uint64_t below, all;
};
struct chart {
    const struct vb_statistics *statistics;
    struct bar (*bar)(const struct vb_statistics *statistics, size_t index);
    size_t count;
    int64_t places;
    uint64_t most;
};

/* What is there is seen: the smallest bar has a unit. */
static uint64_t height_of(const struct chart *chart, uint64_t number)
{
    if (number == 0 || chart->most == 0)
        return 0;
    double height = (double)number * HEIGHT / (double)chart->most;
    return height < 1 ? 1 : (uint64_t)height;
}

static enum vb_status append_path(const struct chart *chart, bool upper, struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_append_text(out, upper ? "<path class=out d=\"" : "<path class=in d=\"");
    for (size_t i = 0; i < chart->count && status == VB_OK; i++) {
        struct bar bar = chart->bar(chart->statistics, i);
        uint64_t all = height_of(chart, bar.all);
        uint64_t below = height_of(chart, bar.below) < all ? height_of(chart, bar.below) : all;
        uint64_t from = upper ? below : 0, to = upper ? all : below;
        if (to > from)
            status = vb_buffer_printf(out, "M%lld %lluv-%lluh%uv%lluz", (long long)bar.place * BAR,
                                      (unsigned long long)(HEIGHT - from),
                                      (unsigned long long)(to - from), BAR - 1,
                                      (unsigned long long)(to - from));
    }
    return status == VB_OK ? vb_buffer_append_text(out, "\"/>") : status;
}

static enum vb_status append_chart(const struct chart *chart, const char *label,
                                   struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_printf(
        out, "<svg viewBox=\"0 0 %lld %u\" preserveAspectRatio=none role=img aria-label=\"%s\">",
        (long long)(chart->places < PLACES_LEAST ? PLACES_LEAST : chart->places) * BAR, HEIGHT,
        label);
    if (status == VB_OK)
        status = append_path(chart, false, out);
    if (status == VB_OK)
        status = append_path(chart, true, out);
    return status == VB_OK ? vb_buffer_append_text(out, "</svg>") : status;
}

/* --- days --- */

/* "2026-04-08", "2026-04" or "2026". */
static const char *day_text(const struct vb_statistics *statistics, int64_t day, char text[32])
{
    struct vb_date date = vb_date_from_days(day);
    if (statistics->unit == VB_CALENDAR_DAYS)
        snprintf(text, 32, "%04d-%02d-%02d", date.year, date.month, date.day);
    else if (statistics->unit == VB_CALENDAR_MONTHS)
        snprintf(text, 32, "%04d-%02d", date.year, date.month);
    else
        snprintf(text, 32, "%04d", date.year);
    return text;
}

static uint64_t sum_of(const struct vb_day_count *count)
{
    uint64_t sum = 0;
    for (int who = 0; who < VB_SPEAKERS; who++)
        sum += count->messages[who];
    return sum;
}

static struct bar day_bar(const struct vb_statistics *statistics, size_t index)
{
    const struct vb_day_count *count = &statistics->days[index];
    return (struct bar){vb_calendar_distance(statistics->unit, statistics->days[0].day, count->day),
                        count->messages[VB_SPEAKER_CUSTOMER], sum_of(count)};
}

static struct chart days_chart(const struct vb_statistics *statistics)
{
    struct chart chart = {statistics, day_bar, statistics->day_count, 0, 0};
    for (size_t i = 0; i < chart.count; i++) {
        struct bar bar = day_bar(statistics, i);
        chart.places = bar.place + 1;
        chart.most = bar.all > chart.most ? bar.all : chart.most;
    }
    return chart;
}

static enum vb_status append_day_row(const struct vb_statistics *statistics,
                                     const struct vb_day_count *count, struct vb_buffer *out)
{
    char text[32];
    enum vb_status status =
        vb_buffer_printf(out, "<tr><th scope=row>%s", day_text(statistics, count->day, text));
    for (int who = 0; who < VB_SPEAKERS && status == VB_OK; who++) {
        if (!is_shown(statistics, who))
            continue;
        status = vb_buffer_append_text(out, "<td>");
        if (status == VB_OK)
            status = append_count(out, count->messages[who]);
    }
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "<td>");
    return status == VB_OK ? append_count(out, sum_of(count)) : status;
}

static const char *const unit_names[] = {
    [VB_CALENDAR_DAYS] = "day", [VB_CALENDAR_MONTHS] = "month", [VB_CALENDAR_YEARS] = "year"};

static enum vb_status append_days_table(const struct vb_statistics *statistics,
                                        struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_printf(
        out, "<details><summary>As a table</summary><table><thead><tr><th scope=col>%s",
        statistics->unit == VB_CALENDAR_DAYS     ? "Day"
        : statistics->unit == VB_CALENDAR_MONTHS ? "Month"
                                                 : "Year");
    for (int who = 0; who < VB_SPEAKERS && status == VB_OK; who++)
        if (is_shown(statistics, who))
            status = vb_buffer_printf(out, "<th scope=col>%s", speaker_names[who]);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "<th scope=col>All<tbody>");
    for (size_t i = 0; i < statistics->day_count && status == VB_OK; i++)
        status = append_day_row(statistics, &statistics->days[i], out);
    return status == VB_OK ? vb_buffer_append_text(out, "</table></details></figure>\n") : status;
}

static enum vb_status append_days(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    struct chart chart = days_chart(statistics);
    const char *unit = unit_names[statistics->unit];
    char first[32], last[32], label[160];
    if (chart.count == 0)
        return VB_OK;
    day_text(statistics, statistics->days[0].day, first);
    day_text(statistics, statistics->days[chart.count - 1].day, last);
    snprintf(label, sizeof label, "Messages by %s, %s to %s, at most %llu", unit, first, last,
             (unsigned long long)chart.most);
    enum vb_status status = vb_buffer_printf(
        out,
        "<figure class=days><figcaption>Messages by %s, %s to %s <span class=key-in>"
        "Customers</span> <span class=key-out>Others</span></figcaption>",
        unit, first, last);
    if (status == VB_OK)
        status = append_chart(&chart, label, out);
    return status == VB_OK ? append_days_table(statistics, out) : status;
}

/* --- hours --- */

static struct bar hour_bar(const struct vb_statistics *statistics, size_t index)
{
    return (struct bar){(int64_t)index, 0, statistics->hours[index]};
}

static enum vb_status append_hours_table(const struct vb_statistics *statistics,
                                         struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_append_text(out, "<details><summary>As a table</summary><table><thead><tr>"
                                   "<th scope=col>Hour<th scope=col>Messages<tbody>");
    for (unsigned hour = 0; hour < 24 && status == VB_OK; hour++) {
        status = vb_buffer_printf(out, "<tr><th scope=row>%02u:00<td>", hour);
        if (status == VB_OK)
            status = append_count(out, statistics->hours[hour]);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</table></details></figure>\n") : status;
}

static enum vb_status append_hours(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    struct chart chart = {statistics, hour_bar, 24, 24, 0};
    for (int hour = 0; hour < 24; hour++)
        if (statistics->hours[hour] > chart.most)
            chart.most = statistics->hours[hour];
    if (chart.most == 0)
        return VB_OK;
    enum vb_status status = vb_buffer_append_text(
        out, "<figure class=hours><figcaption>Messages by hour of the day</figcaption>");
    if (status == VB_OK)
        status = append_chart(&chart, "Messages by hour of the day, from 0 to 23", out);
    return status == VB_OK ? append_hours_table(statistics, out) : status;
}

/* The hour with most messages that is not among `taken`, the earlier of two; 24: none is left. */
static unsigned busiest(const struct vb_statistics *statistics, uint32_t taken)
{
    unsigned found = 24;
    for (unsigned hour = 0; hour < 24; hour++)
        if (!(taken >> hour & 1) && statistics->hours[hour] > 0 &&
            (found == 24 || statistics->hours[hour] > statistics->hours[found]))
            found = hour;
    return found;
}

static enum vb_status append_busiest(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    uint32_t taken = 0;
    enum vb_status status = VB_OK;
    if (busiest(statistics, 0) == 24)
        return VB_OK;
    status = vb_buffer_append_text(out, "<div><dt>Busiest hours</dt><dd>");
    for (unsigned i = 0; i < BUSIEST && status == VB_OK; i++) {
        unsigned hour = busiest(statistics, taken);
        if (hour == 24)
            break;
        taken |= 1u << hour;
        status = vb_buffer_printf(out, "%s%02u:00\xE2\x80\x93%02u:00 (", i > 0 ? ", " : "", hour,
                                  hour + 1);
        if (status == VB_OK)
            status = append_count(out, statistics->hours[hour]);
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, ')');
    }
    return status == VB_OK ? vb_buffer_append_text(out, "</dd></div>") : status;
}

/* --- all of it --- */

/* Its two largest units: "42 s", "3 min 5 s", "2 h 10 min", "3 d 4 h". */
static enum vb_status append_duration(struct vb_buffer *out, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    enum vb_status status = vb_buffer_printf(
        out, "%llu %s", (unsigned long long)(seconds / units[i].seconds), units[i].name);
    uint64_t rest = i < 3 ? seconds % units[i].seconds / units[i + 1].seconds : 0;
    if (status == VB_OK && rest > 0)
        status = vb_buffer_printf(out, " %llu %s", (unsigned long long)rest, units[i + 1].name);
    return status;
}

static enum vb_status append_answers(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    if (statistics->answered == 0)
        return VB_OK;
    enum vb_status status =
        vb_buffer_append_text(out, "<div><dt>Median time to the first answer</dt><dd>");
    if (status == VB_OK)
        status = append_duration(out, statistics->median_answer);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, " (");
    if (status == VB_OK)
        status = append_count(out, statistics->answered);
    return status == VB_OK ? vb_buffer_append_text(out, " answered)</dd></div>") : status;
}

enum vb_status vb_html_summary(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, "<section id=summary aria-label=Summary><h2>Summary</h2><dl class=figures>");
    if (status == VB_OK)
        status = vb_html_append_figure(out, "Conversations", statistics->conversations);
    if (status == VB_OK)
        status = vb_html_append_figure(out, "Messages", vb_statistics_messages(statistics));
    if (status == VB_OK)
        status = append_answers(statistics, out);
    if (status == VB_OK)
        status = append_busiest(statistics, out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "</dl>\n");
    if (status == VB_OK)
        status = append_speakers(statistics, out);
    if (status == VB_OK)
        status = append_days(statistics, out);
    if (status == VB_OK)
        status = append_hours(statistics, out);
    return status == VB_OK ? vb_buffer_append_text(out, "</section>\n") : status;
}
