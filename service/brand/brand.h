/* A workspace's brand: what may be set, how a logo becomes a picture that is safe to keep, and the
 * rows that keep it.
 *
 * A row of `verbatim.brand` is never changed: whoever sets something makes a new one, and jobs go
 * on with the one of the moment when they were ordered, so that all files of an export look alike.
 *
 * A logo is kept as a PNG of at most VB_LOGO_WIDTH x VB_LOGO_HEIGHT pixels that this program wrote
 * itself: nothing of the file that somebody gave lives on, and nothing large is ever decoded by a
 * worker. An SVG is drawn once, when it is set, and never kept or served.
 *
 * Values are their makers' until vb_brand_done. Any thread. Errors: VB_INVALID with a text for a
 * person, which names the rule; VB_NO_MEMORY; those of the database.
 */
#ifndef VERBATIM_BRAND_BRAND_H
#define VERBATIM_BRAND_BRAND_H

#include "database/step.h"
#include "verbatim/brand.h"

#define VB_BRAND_NAME 200u   /* bytes */
#define VB_BRAND_FOOTER 400u /* bytes */
#define VB_LOGO_BYTES (1024u * 1024u)
#define VB_LOGO_PIXELS 4000u /* a side, of what is given */
#define VB_LOGO_WIDTH 640u   /* of what is kept: 300 dots an inch where it stands */
#define VB_LOGO_HEIGHT 200u

/* --- what may be set --- */

enum vb_status vb_brand_check_name(const char *text, struct vb_error *err) vb_must_check;
enum vb_status vb_brand_check_footer(const char *text, struct vb_error *err) vb_must_check;
/* "#2b4c7e", in any case. White paper has to show it: VB_INVALID also for a colour too light. */
enum vb_status vb_brand_check_color(const char *text, struct vb_error *err) vb_must_check;
/* PNG or SVG, told by its bytes; appends the picture that is to be kept. */
enum vb_status vb_brand_take_logo(struct vb_view file, struct vb_buffer *ret_png,
                                  struct vb_error *err) vb_must_check;

/* --- rows --- */

/* NULL: stays as it is; "" (a logo without bytes): taken away. Checked before. */
struct vb_brand_change {
    const char *name, *footer, *color;
    const struct vb_view *logo; /* as vb_brand_take_logo made it */
};
/* Sets it, and deletes rows that nothing needs any more. A workspace that does not exist is left
 * so. */
enum vb_status vb_brand_set(struct vb_pg *pg, const char *workspace,
                            const struct vb_brand_change *change,
                            struct vb_error *err) vb_must_check;

/* A brand with what it points to. */
struct vb_brand_kept {
    struct vb_brand brand;
    struct vb_buffer name, footer, logo;
};
void vb_brand_done(struct vb_brand_kept *kept);

/* $1 workspace: its brand, one row or none, in VB_BRAND_COLUMNS. */
extern const struct vb_pg_statement vb_brand_statement;
/* The first row; a result without any gives the brand without anything. Results may be text or
 * binary. */
enum vb_status vb_brand_read(const PGresult *result, struct vb_brand_kept *ret_kept) vb_must_check;
/* That of a job, for its worker. */
enum vb_status vb_brand_of_job(struct vb_pg *pg, const char *job_id, struct vb_brand_kept *ret_kept,
                               struct vb_error *err) vb_must_check;

#endif
