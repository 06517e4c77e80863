/* The doctor's look at the fonts for PDF. Missing ones are a warning: every other format works. */
#include "doctor.h"

#include "verbatim/pdf.h"

#define SUBJECT "fonts"

void vb_doctor_fonts(struct vb_doctor *doctor)
{
    const char *folder = doctor->options->fonts;
    struct vb_error err;
    if (vb_pdf_check_fonts(folder, &err) == VB_OK)
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL, "%s has all that PDF needs", folder);
    else
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT,
                         "without it exports as PDF fail, others do not", "%s", err.text);
}
