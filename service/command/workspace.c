/* verbatim workspace set. Nothing is cached anywhere, so a change holds from the next request and
 * job on.
 *
 * One statement creates or changes, so two operators at once leave one whole row. What is not given
 * stays as it is; max_running that was set can be changed but not taken back. No command deletes a
 * workspace.
 */
#include "command.h"

#include "verbatim/digits.h"
#include "verbatim/render.h"
#include "verbatim/text.h"
#include "verbatim/zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Positions of the command's flags in command.c. */
enum { NAME, TIME_ZONE, SOURCE_ID, CSV_PROFILE, MAX_RUNNING };
#define ID_LONGEST 128

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
    if (!name)
        return VB_OK;
    enum vb_status status = vb_zone_new(name, &zone, err);
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
        status = check_max_running(vb_argument(arguments, MAX_RUNNING), err);
    return status;
}

enum vb_status vb_command_workspace_set(const struct vb_arguments *arguments, struct vb_error *err)
{
    /* The row in `turn` is what workers lock to start a job of the workspace. */
    static const char sql[] =
        "WITH kept AS ("
        " INSERT INTO verbatim.workspace AS w"
        " (workspace_id, name, time_zone, source_id, csv_profile, max_running)"
        " VALUES ($1, coalesce($2, ''), coalesce($3, 'UTC'), coalesce($4, $1),"
        " coalesce($5, 'safe'), $6)"
        " ON CONFLICT (workspace_id) DO UPDATE SET name = coalesce($2, w.name),"
        " time_zone = coalesce($3, w.time_zone), source_id = coalesce($4, w.source_id),"
        " csv_profile = coalesce($5, w.csv_profile), max_running = coalesce($6, w.max_running)"
        " RETURNING workspace_id)"
        " INSERT INTO verbatim.turn (workspace_id) SELECT workspace_id FROM kept"
        " ON CONFLICT DO NOTHING";
    const char *const parameters[] = {
        arguments->word,
        vb_argument(arguments, NAME),
        vb_argument(arguments, TIME_ZONE),
        vb_argument(arguments, SOURCE_ID),
        vb_argument(arguments, CSV_PROFILE),
        vb_argument(arguments, MAX_RUNNING),
    };
    struct vb_pg *pg;
    enum vb_status status = check(arguments, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status != VB_OK)
        return status;
    status = vb_pg_exec(pg, sql, 6, parameters, NULL, err);
    vb_pg_free(pg);
    return status;
}
