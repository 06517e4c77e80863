/* What a check found, as one line on standard output. See doctor.h. A text beyond LINE_MOST is cut
 * off, a remedy never. */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MOST 1200

/* What servers say may run over several lines. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

/* Once the output takes no more, checks go on for the exit code's sake. */
void vb_doctor_report(struct vb_doctor *doctor, enum vb_finding finding, const char *subject,
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
