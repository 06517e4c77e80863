/* verbatim doctor: runs the checks and turns what they found into an exit status.
 *
 * Each check tells its findings by itself, one line each, and goes on after a failure. The database
 * comes first, since links are checked with the secrets that it holds; those are wiped at the end.
 * Standard output that cannot be written to fails the command whatever was found.
 */
#include "command.h"

#include "command/doctor/doctor.h"
#include "rules/mail_address.h"

#include <string.h>

/* Positions of the command's flags in command.c. */
enum { MAIL_TO, JSON };

enum vb_status vb_command_doctor(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_doctor doctor = {.options = &arguments->options,
                               .mail_to = vb_argument(arguments, MAIL_TO),
                               .as_json = vb_argument(arguments, JSON) != NULL};
    if (doctor.mail_to && !vb_mail_address_plausible(vb_view_of(doctor.mail_to)))
        return vb_fail(err, VB_INVALID, "--mail-to \"%.200s\": must be an e-mail address",
                       doctor.mail_to);
    vb_doctor_database(&doctor);
    vb_doctor_source(&doctor);
    vb_doctor_storage(&doctor);
    vb_doctor_tls(&doctor);
    vb_doctor_mail(&doctor);
    vb_doctor_fonts(&doctor);
    explicit_bzero(&doctor.secrets, sizeof doctor.secrets);
    if (doctor.mute)
        return vb_fail(err, VB_IO, "cannot write to standard output");
    unsigned failed = doctor.told[VB_FINDING_FAILED];
    if (failed > 0) /* not VB_INVALID, which would stand for wrong usage */
        return vb_fail(err, VB_CONFLICT, "%u of %u checks failed", failed,
                       failed + doctor.told[VB_FINDING_OK] + doctor.told[VB_FINDING_WARNING]);
    return VB_OK;
}
