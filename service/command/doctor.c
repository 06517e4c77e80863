/* verbatim doctor: runs the checks and turns what they found into lines and an exit status. */
#include "command.h"

#include "command/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MOST 1200

/* What servers say may run over several lines. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

void vb_doctor_tell(struct vb_doctor *doctor, enum vb_finding finding, const char *subject,
                    const char *remedy, const char *format, ...)
{
    static const char *const words[VB_FINDINGS] = {
        [VB_FINDING_OK] = "ok",
        [VB_FINDING_WARNING] = "warning",
        [VB_FINDING_FAILED] = "failed",
    };
    char text[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    flatten(text);
    doctor->told[finding]++;
    /* At once: a check that hangs must not hide what was found before it. */
    if (printf("%-8s %s: %s%s%s\n", words[finding], subject, text, remedy ? " -> " : "",
               remedy ? remedy : "") < 0 ||
        fflush(stdout) == EOF)
        doctor->mute = true;
}

enum vb_status vb_command_doctor(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_doctor doctor = {.options = &arguments->options};
    vb_doctor_database(&doctor);
    vb_doctor_source(&doctor);
    vb_doctor_storage(&doctor);
    vb_doctor_mail(&doctor);
    explicit_bzero(&doctor.secrets, sizeof doctor.secrets);
    if (doctor.mute)
        return vb_fail(err, VB_IO, "cannot write to standard output");
    unsigned failed = doctor.told[VB_FINDING_FAILED];
    if (failed > 0) /* not VB_INVALID, which would stand for wrong usage */
        return vb_fail(err, VB_CONFLICT, "%u of %u checks failed", failed,
                       failed + doctor.told[VB_FINDING_OK] + doctor.told[VB_FINDING_WARNING]);
    return VB_OK;
}
