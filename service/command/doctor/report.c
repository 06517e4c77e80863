/* What a check found, as one line on standard output, for people or as JSON. See doctor.h. A text
 * beyond LINE_MOST is cut off, a remedy never. */
#include "doctor.h"

#include "verbatim/json.h"

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

static const char *const words[VB_FINDINGS] = {
    [VB_FINDING_OK] = "ok",
    [VB_FINDING_WARNING] = "warning",
    [VB_FINDING_FAILED] = "failed",
};

static bool print_line(enum vb_finding finding, const char *subject, const char *text,
                       const char *remedy)
{
    return printf("%-8s %s: %s%s%s\n", words[finding], subject, text, remedy ? " -> " : "",
                  remedy ? remedy : "") >= 0;
}

static bool print_json(enum vb_finding finding, const char *subject, const char *text,
                       const char *remedy)
{
    struct vb_buffer line;
    struct vb_json json;
    vb_buffer_init(&line, 64u << 10);
    vb_json_init(&json, &line);
    vb_json_begin_object(&json);
    vb_json_member_text(&json, "finding", words[finding]);
    vb_json_member_text(&json, "subject", subject);
    vb_json_member_text(&json, "text", text);
    vb_json_member_text(&json, "remedy", remedy);
    vb_json_end_object(&json);
    bool printed = vb_json_status(&json) == VB_OK && puts(line.data) >= 0;
    vb_buffer_done(&line);
    return printed;
}

/* Once the output takes no more, checks go on for the exit code's sake. */
void vb_doctor_report(struct vb_doctor *doctor, enum vb_finding finding, const char *subject,
                      const char *remedy, const char *format, ...)
{
    char text[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    flatten(text);
    doctor->told[finding]++;
    bool printed = doctor->as_json ? print_json(finding, subject, text, remedy)
                                   : print_line(finding, subject, text, remedy);
    /* At once: a check that hangs must not hide what was found before it. */
    if (!printed || fflush(stdout) == EOF)
        doctor->mute = true;
}
