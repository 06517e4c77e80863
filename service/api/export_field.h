/* Fields of an export's row, and as members of a JSON object; for every door. What the members are
 * called is the door's.
 *
 * Views are borrowed from the result. Pure but for the writer; the loop's thread. No errors but
 * that of an unreadable specification: a NULL is null, or 0 for the getters, and a writer keeps its
 * own failure.
 */
#ifndef VERBATIM_API_EXPORT_FIELD_H
#define VERBATIM_API_EXPORT_FIELD_H

#include "export.h"
#include "row_field.h"

#include "specification/specification.h"

/* `column` is one of VB_JOB_VIEW. */
struct vb_view vb_api_field(const struct vb_api_export *export, int column);
bool vb_api_field_is_null(const struct vb_api_export *export, int column);
int64_t vb_api_field_integer(const struct vb_api_export *export, int column);
vb_instant vb_api_field_time(const struct vb_api_export *export, int column);

void vb_api_field_put(struct vb_json *json, const char *name, const struct vb_api_export *export,
                      int column);
void vb_api_field_put_number(struct vb_json *json, const char *name,
                             const struct vb_api_export *export, int column);
void vb_api_field_put_time(struct vb_json *json, const char *name,
                           const struct vb_api_export *export, int column);

/* How far it is, over all its segments. */
struct vb_api_counts {
    int64_t of[EXPORT_COUNT_KINDS];
};
struct vb_api_counts vb_api_field_counts(const struct vb_api_export *export);
/* What the job was made from; VB_INVALID with `err` where this build cannot read it. */
enum vb_status vb_api_field_specification(const struct vb_api_export *export,
                                          struct vb_specification *ret_specification,
                                          struct vb_error *err) vb_must_check;
/* For doors that know no cancelled jobs: why there is no file; null where there is one, or may
 * be. */
void vb_api_field_put_error(struct vb_json *json, const char *name,
                            const struct vb_api_export *export);

#endif
