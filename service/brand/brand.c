/* Values and rows of brands; see brand.h. */
#include "brand.h"

#include "verbatim/digits.h"
#include "verbatim/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- values --- */

static enum vb_status check_line(const char *what, const char *text, size_t most,
                                 struct vb_error *err)
{
    if (strlen(text) <= most && vb_utf8_is_line(vb_view_of(text)))
        return VB_OK;
    return vb_fail(err, VB_INVALID,
                   "%s must be UTF-8 text without control characters, of at most %zu bytes", what,
                   most);
}

enum vb_status vb_brand_check_name(const char *text, struct vb_error *err)
{
    return check_line("a brand's name", text, VB_BRAND_NAME, err);
}

enum vb_status vb_brand_check_footer(const char *text, struct vb_error *err)
{
    return check_line("a footer", text, VB_BRAND_FOOTER, err);
}

/* "#rrggbb" */
static bool parse_color(const char *text, uint32_t *ret_color)
{
    char *end;
    if (text[0] != '#' || strlen(text) != 7 || !isxdigit((unsigned char)text[1]))
        return false;
    *ret_color = (uint32_t)strtoul(text + 1, &end, 16);
    return *end == '\0';
}

/* As eyes weigh them, out of 255. */
static double brightness(uint32_t color)
{
    return 0.2126 * (color >> 16 & 255) + 0.7152 * (color >> 8 & 255) + 0.0722 * (color & 255);
}

enum vb_status vb_brand_check_color(const char *text, struct vb_error *err)
{
    uint32_t color;
    if (!text[0])
        return VB_OK;
    if (!parse_color(text, &color))
        return vb_fail(err, VB_INVALID, "a brand's color must be written like #2b4c7e");
    if (brightness(color) > 200)
        return vb_fail(err, VB_INVALID, "the color %s is too light to be seen on white paper",
                       text);
    return VB_OK;
}

/* --- rows --- */

/* What stays is copied from the row so far; $5 is NULL for a logo that stays, \x for none. The row
 * of the workspace is locked, so that of two who set something nothing gets lost. Needed are the
 * current row, and those of jobs that have not ended. */
static const struct vb_pg_statement set_statements[] = {
    {NULL,
     "WITH old AS ("
     " SELECT w.workspace_id, b.name, b.color, b.footer, b.logo"
     " FROM verbatim.workspace AS w LEFT JOIN verbatim.brand AS b ON b.brand_id = w.brand_id"
     " WHERE w.workspace_id = $1"
     " FOR UPDATE OF w),"
     " made AS ("
     " INSERT INTO verbatim.brand (workspace_id, name, color, footer, logo)"
     " SELECT workspace_id, coalesce($2, name, ''), nullif(lower(coalesce($3, color)), ''),"
     " coalesce($4, footer, ''), nullif(coalesce($5::bytea, logo), '')"
     " FROM old"
     " RETURNING brand_id)"
     " UPDATE verbatim.workspace SET brand_id = made.brand_id FROM made WHERE workspace_id = $1",
     5},
    {NULL,
     "DELETE FROM verbatim.brand AS b WHERE b.workspace_id = $1"
     " AND NOT EXISTS (SELECT FROM verbatim.workspace AS w WHERE w.brand_id = b.brand_id)"
     " AND NOT EXISTS (SELECT FROM verbatim.job AS j WHERE j.workspace_id = $1"
     " AND j.brand_id = b.brand_id AND j.status IN ('queued', 'started'))",
     1},
};

/* Bytes as PostgreSQL reads them: \x and digits. */
static enum vb_status write_bytes(struct vb_buffer *out, struct vb_view bytes)
{
    enum vb_status status = vb_buffer_append_text(out, "\\x");
    for (size_t i = 0; i < bytes.length && status == VB_OK; i++)
        status = vb_buffer_printf(out, "%02x", (unsigned char)bytes.data[i]);
    return status;
}

enum vb_status vb_brand_set(struct vb_pg *pg, const char *workspace,
                            const struct vb_brand_change *change, struct vb_error *err)
{
    struct vb_buffer logo;
    PGresult *results[VB_PG_STEPS] = {0};
    vb_buffer_init(&logo, 4u * VB_LOGO_BYTES);
    if (change->logo && write_bytes(&logo, *change->logo) != VB_OK) {
        vb_buffer_done(&logo);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a logo");
    }
    const char *const values[] = {workspace, change->name, change->color, change->footer,
                                  change->logo ? logo.data : NULL};
    const struct vb_pg_step steps[] = {{&set_statements[0], values}, {&set_statements[1], values}};
    enum vb_status status = vb_pg_steps_run(pg, steps, 2, results, err);
    vb_pg_results_clear(results);
    vb_buffer_done(&logo);
    return status;
}

void vb_brand_done(struct vb_brand_kept *kept)
{
    vb_buffer_done(&kept->name);
    vb_buffer_done(&kept->footer);
    vb_buffer_done(&kept->logo);
    kept->brand = (struct vb_brand){0};
}

#define COLUMNS "b.name, b.color, b.footer, b.logo"
enum { NAME, COLOR, FOOTER, LOGO };

const struct vb_pg_statement vb_brand_statement = {
    NULL,
    "SELECT " COLUMNS " FROM verbatim.workspace AS w"
    " JOIN verbatim.brand AS b ON b.brand_id = w.brand_id WHERE w.workspace_id = $1",
    1};

/* A row that was swept away between the job's order and this look gives way to the current one. */
static const char of_job[] = "SELECT " COLUMNS " FROM verbatim.job AS j"
                             " JOIN verbatim.workspace AS w ON w.workspace_id = j.workspace_id"
                             " JOIN verbatim.brand AS b ON b.brand_id IN (j.brand_id, w.brand_id)"
                             " WHERE j.job_id = $1::uuid AND j.brand_id IS NOT NULL"
                             " ORDER BY b.brand_id = j.brand_id DESC LIMIT 1";

static enum vb_status copy_text(const PGresult *result, int column, struct vb_buffer *kept,
                                struct vb_view *ret_view)
{
    size_t length = (size_t)PQgetlength(result, 0, column);
    vb_buffer_init(kept, VB_LOGO_BYTES);
    enum vb_status status = vb_buffer_append(kept, PQgetvalue(result, 0, column), length);
    *ret_view = (struct vb_view){length > 0 ? kept->data : NULL, length};
    return status;
}

static enum vb_status copy_bytes(const PGresult *result, int column, struct vb_buffer *kept,
                                 struct vb_view *ret_view)
{
    size_t length;
    if (PQfformat(result, column) == 1 || PQgetisnull(result, 0, column))
        return copy_text(result, column, kept, ret_view);
    vb_buffer_init(kept, VB_LOGO_BYTES);
    unsigned char *bytes =
        PQunescapeBytea((const unsigned char *)PQgetvalue(result, 0, column), &length);
    enum vb_status status = bytes ? vb_buffer_append(kept, bytes, length) : VB_NO_MEMORY;
    PQfreemem(bytes);
    *ret_view = (struct vb_view){length > 0 ? kept->data : NULL, length};
    return status;
}

enum vb_status vb_brand_read(const PGresult *result, struct vb_brand_kept *ret_kept)
{
    struct vb_brand_kept kept = {0};
    enum vb_status status = VB_OK;
    if (PQntuples(result) > 0) {
        status = copy_text(result, NAME, &kept.name, &kept.brand.name);
        if (status == VB_OK)
            status = copy_text(result, FOOTER, &kept.footer, &kept.brand.footer);
        if (status == VB_OK)
            status = copy_bytes(result, LOGO, &kept.logo, &kept.brand.logo);
        kept.brand.has_color = !PQgetisnull(result, 0, COLOR) &&
                               parse_color(PQgetvalue(result, 0, COLOR), &kept.brand.color);
    }
    if (status == VB_OK)
        *ret_kept = kept;
    else
        vb_brand_done(&kept);
    return status;
}

enum vb_status vb_brand_of_job(struct vb_pg *pg, const char *job_id, struct vb_brand_kept *ret_kept,
                               struct vb_error *err)
{
    PGresult *result;
    enum vb_status status = vb_pg_query(pg, of_job, 1, &job_id, &result, err);
    if (status != VB_OK)
        return status;
    status = vb_brand_read(result, ret_kept);
    PQclear(result);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no memory for the workspace's brand");
}
