/* verbatim workspace set. Nothing is cached anywhere, so a change holds from the next request and
 * job on.
 *
 * One statement creates or changes, so two operators at once leave one whole row. What is not given
 * stays as it is; max_running that was set can be changed but not taken back.
 */
#include "command.h"

#include "rules/quantity.h"

#include "brand/brand.h"
#include "verbatim/clock.h"
#include "verbatim/digits.h"
#include "verbatim/file_read.h"
#include "verbatim/render.h"
#include "verbatim/text.h"
#include "verbatim/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Positions of the command's flags in command.c. */
enum {
    NAME,
    TIME_ZONE,
    SOURCE_ID,
    CSV_PROFILE,
    DELIMITER,
    CSV_QUOTE,
    BYTE_ORDER_MARK,
    MAX_RUNNING,
    RETENTION,
    LINK_TTL,
    BRAND_NAME,
    BRAND_COLOR,
    BRAND_LOGO,
    BRAND_FOOTER,
};
#define ID_LONGEST 128
#define RETENTION_MOST (3650 * 86400 * VB_SECOND)
#define LINK_TTL_MOST (7 * 86400 * VB_SECOND)

/* The id stands in paths of the API and in keys of the store, so it needs no escape in either. */
static enum vb_status check_id(const char *id, struct vb_error *err)
{
    size_t length = strlen(id);
    bool good = length >= 1 && length <= ID_LONGEST && isalnum((unsigned char)id[0]);
    for (size_t i = 0; i < length; i++)
        good = good && isascii(id[i]) && (isalnum((unsigned char)id[i]) || strchr("._-", id[i]));
    if (good)
        return VB_OK;
    return vb_fail(err, VB_INVALID,
                   "workspace id \"%s\": must be 1 to %d letters, digits, `.`, `_` or `-`, the "
                   "first a letter or digit",
                   id, ID_LONGEST);
}

/* The name is for people and may be empty; the source's id may not. */
static enum vb_status check_text(const char *flag, const char *text, bool may_be_empty,
                                 struct vb_error *err)
{
    if (!text)
        return VB_OK;
    if (vb_utf8_is_line(vb_view_of(text)) && (may_be_empty || *text))
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--%s: must be UTF-8 text without control characters%s", flag,
                   may_be_empty ? "" : ", not empty");
}

/* By the zones of this machine, which should be those of the machines that export. */
static enum vb_status check_zone(const char *name, struct vb_error *err)
{
    struct vb_zone *zone;
    char room[VB_ZONE_NAME];
    if (!name)
        return VB_OK;
    enum vb_status status = vb_zone_new(vb_zone_canonical(name, room), &zone, err);
    if (status == VB_OK)
        vb_zone_free(zone);
    else
        vb_fail_within(err, status, "--time-zone");
    return status;
}

static enum vb_status check_profile(const char *profile, struct vb_error *err)
{
    enum vb_csv_profile known;
    if (!profile || vb_csv_profile_parse(vb_view_of(profile), &known) == VB_OK)
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--csv-profile \"%s\": must be safe, excel or raw", profile);
}

/* A tab is hard to type, so its name will do. NULL stays NULL. */
static const char *delimiter_text(const char *given)
{
    return given && strcmp(given, "tab") == 0 ? "\t" : given;
}

static enum vb_status check_mark(const char *mark, struct vb_error *err)
{
    if (!mark || strcmp(mark, "on") == 0 || strcmp(mark, "off") == 0 ||
        strcmp(mark, "profile") == 0)
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--byte-order-mark \"%s\": must be on, off or profile", mark);
}

static enum vb_status check_csv_form(const char *delimiter, const char *quote, struct vb_error *err)
{
    char known;
    enum vb_csv_quote known_quote;
    if (delimiter && vb_csv_delimiter_parse(vb_view_of(delimiter_text(delimiter)), &known) != VB_OK)
        return vb_fail(err, VB_INVALID,
                       "--delimiter \"%s\": must be a comma, a semicolon or the word tab",
                       delimiter);
    if (quote && vb_csv_quote_parse(vb_view_of(quote), &known_quote) != VB_OK)
        return vb_fail(err, VB_INVALID, "--csv-quote \"%s\": must be minimal or all", quote);
    return VB_OK;
}

/* The option's limits; the text goes to the statement as it is. */
static enum vb_status check_max_running(const char *text, struct vb_error *err)
{
    if (!text)
        return VB_OK;
    int64_t number;
    if (vb_digits_whole(vb_view_of(text), &number) == VB_OK && number >= 1 && number <= 10000)
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--max-running \"%s\": must be a number from 1 to 10000", text);
}

/* In the words of the options. The janitor takes no archive whose link lives. */
static enum vb_status check_span(const char *flag, const char *text, int64_t most,
                                 struct vb_error *err)
{
    int64_t span;
    if (!text || (vb_duration_parse(text, &span) == VB_OK && span >= VB_SECOND && span <= most))
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--%s \"%s\": must be a time such as 7d, at most %lldd", flag,
                   text, (long long)(most / (86400 * VB_SECOND)));
}

/* Both hold their rules already. */
static enum vb_status check_order(const char *retention, const char *link_ttl, struct vb_error *err)
{
    int64_t kept = 0, lives = 0;
    if (!retention || !link_ttl || vb_duration_parse(retention, &kept) != VB_OK ||
        vb_duration_parse(link_ttl, &lives) != VB_OK || kept >= lives)
        return VB_OK;
    return vb_fail(err, VB_INVALID,
                   "--retention is shorter than --link-ttl: a link must not "
                   "outlive its archive");
}

/* NULL stays NULL; PostgreSQL takes the number in microseconds. */
static const char *span_text(const char *text, char number[24])
{
    int64_t span = 0;
    if (!text || vb_duration_parse(text, &span) != VB_OK)
        return NULL;
    (void)snprintf(number, 24, "%lld", (long long)span);
    return number;
}

/* All of it before a connection is made. */
static enum vb_status check(const struct vb_arguments *arguments, struct vb_error *err)
{
    enum vb_status status = check_id(arguments->word, err);
    if (status == VB_OK)
        status = check_text("name", vb_argument(arguments, NAME), true, err);
    if (status == VB_OK)
        status = check_zone(vb_argument(arguments, TIME_ZONE), err);
    if (status == VB_OK)
        status = check_text("source-id", vb_argument(arguments, SOURCE_ID), false, err);
    if (status == VB_OK)
        status = check_profile(vb_argument(arguments, CSV_PROFILE), err);
    if (status == VB_OK)
        status = check_csv_form(vb_argument(arguments, DELIMITER),
                                vb_argument(arguments, CSV_QUOTE), err);
    if (status == VB_OK)
        status = check_mark(vb_argument(arguments, BYTE_ORDER_MARK), err);
    if (status == VB_OK)
        status = check_max_running(vb_argument(arguments, MAX_RUNNING), err);
    if (status == VB_OK)
        status = check_span("retention", vb_argument(arguments, RETENTION), RETENTION_MOST, err);
    if (status == VB_OK)
        status = check_span("link-ttl", vb_argument(arguments, LINK_TTL), LINK_TTL_MOST, err);
    if (status == VB_OK)
        status =
            check_order(vb_argument(arguments, RETENTION), vb_argument(arguments, LINK_TTL), err);
    return status;
}

/* --- the brand --- */

static enum vb_status check_brand(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct {
        size_t flag;
        const char *name;
        enum vb_status (*check)(const char *text, struct vb_error *err);
    } texts[] = {{BRAND_NAME, "brand-name", vb_brand_check_name},
                 {BRAND_COLOR, "brand-color", vb_brand_check_color},
                 {BRAND_FOOTER, "brand-footer", vb_brand_check_footer}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = vb_argument(arguments, texts[i].flag);
        enum vb_status status = text ? texts[i].check(text, err) : VB_OK;
        if (status != VB_OK)
            return vb_fail_within(err, status, "--%s", texts[i].name);
    }
    return VB_OK;
}

/* An empty name takes the logo away. A file that is too large is not read to its end. */
static enum vb_status read_logo(const char *path, struct vb_buffer *ret_png, struct vb_error *err)
{
    struct vb_buffer file;
    if (!path || !*path)
        return VB_OK;
    vb_buffer_init(&file, VB_LOGO_BYTES + 1);
    enum vb_status status = vb_file_read(path, &file, err);
    if (status == VB_LIMIT || (status == VB_OK && file.length > VB_LOGO_BYTES))
        status = vb_fail(err, VB_INVALID, "a logo has at most 1 MiB");
    else if (status == VB_OK)
        status = vb_brand_take_logo((struct vb_view){file.data, file.length}, ret_png, err);
    vb_buffer_done(&file);
    return status == VB_OK ? VB_OK : vb_fail_within(err, status, "--brand-logo %s", path);
}

/* The picture stays the caller's until the change was made. */
static enum vb_status set_brand(struct vb_pg *pg, const struct vb_arguments *arguments,
                                const struct vb_buffer *logo, struct vb_error *err)
{
    const struct vb_view picture = {logo->data, logo->length};
    const struct vb_brand_change change = {
        .name = vb_argument(arguments, BRAND_NAME),
        .footer = vb_argument(arguments, BRAND_FOOTER),
        .color = vb_argument(arguments, BRAND_COLOR),
        .logo = vb_argument(arguments, BRAND_LOGO) ? &picture : NULL,
    };
    if (!change.name && !change.footer && !change.color && !change.logo)
        return VB_OK;
    return vb_brand_set(pg, arguments->word, &change, err);
}

static enum vb_status set(struct vb_pg *pg, const struct vb_arguments *arguments,
                          struct vb_error *err)
{
    /* The row in `turn` is what workers lock to start a job of the workspace. */
    static const char sql[] =
        "WITH kept AS ("
        " INSERT INTO verbatim.workspace AS w"
        " (workspace_id, name, time_zone, source_id, csv_profile, max_running, retention, link_ttl,"
        " delimiter, csv_quote, byte_order_mark)"
        " VALUES ($1, coalesce($2, ''), coalesce($3, 'UTC'), coalesce($4, $1),"
        " coalesce($5, 'safe'), $6, $7::bigint * interval '1 microsecond',"
        " $8::bigint * interval '1 microsecond', coalesce($9, ','), coalesce($10, 'minimal'),"
        " CASE $11::text WHEN 'on' THEN true WHEN 'off' THEN false END)"
        " ON CONFLICT (workspace_id) DO UPDATE SET name = coalesce($2, w.name),"
        " time_zone = coalesce($3, w.time_zone), source_id = coalesce($4, w.source_id),"
        " csv_profile = coalesce($5, w.csv_profile), max_running = coalesce($6, w.max_running),"
        " retention = coalesce($7::bigint * interval '1 microsecond', w.retention),"
        " link_ttl = coalesce($8::bigint * interval '1 microsecond', w.link_ttl),"
        " delimiter = coalesce($9, w.delimiter), csv_quote = coalesce($10, w.csv_quote),"
        " byte_order_mark = CASE $11::text WHEN 'on' THEN true WHEN 'off' THEN false"
        " WHEN 'profile' THEN NULL ELSE w.byte_order_mark END"
        " RETURNING workspace_id)"
        " INSERT INTO verbatim.turn (workspace_id) SELECT workspace_id FROM kept"
        " ON CONFLICT DO NOTHING";
    char spans[2][24], room[VB_ZONE_NAME];
    const char *zone = vb_argument(arguments, TIME_ZONE);
    const char *const parameters[] = {
        arguments->word,
        vb_argument(arguments, NAME),
        zone ? vb_zone_canonical(zone, room) : NULL,
        vb_argument(arguments, SOURCE_ID),
        vb_argument(arguments, CSV_PROFILE),
        vb_argument(arguments, MAX_RUNNING),
        span_text(vb_argument(arguments, RETENTION), spans[0]),
        span_text(vb_argument(arguments, LINK_TTL), spans[1]),
        delimiter_text(vb_argument(arguments, DELIMITER)),
        vb_argument(arguments, CSV_QUOTE),
        vb_argument(arguments, BYTE_ORDER_MARK),
    };
    return vb_pg_exec(pg, sql, 11, parameters, NULL, err);
}

enum vb_status vb_command_workspace_set(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    struct vb_buffer logo;
    vb_buffer_init(&logo, VB_LOGO_BYTES);
    enum vb_status status = check(arguments, err);
    if (status == VB_OK)
        status = check_brand(arguments, err);
    if (status == VB_OK)
        status = read_logo(vb_argument(arguments, BRAND_LOGO), &logo, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = set(pg, arguments, err);
    if (status == VB_OK)
        status = set_brand(pg, arguments, &logo, err);
    vb_pg_free(pg);
    vb_buffer_done(&logo);
    return status;
}
