/* The doctor's look at the listener's certificate: whether `serve` would start with it, and how
 * long it is good for. */
#include "doctor.h"

#include "http/tls.h"
#include "verbatim/clock.h"

#include <stdio.h>
#include <time.h>

#define SUBJECT "tls"
#define DAY 86400
#define SOON (14 * DAY)
#define RENEW                                                                                      \
    "put a new certificate and its key into tls_cert_file and tls_key_file; SIGHUP reads them"

static void tell_end(struct vb_doctor *doctor, int64_t ends)
{
    int64_t left = ends - vb_clock_now() / VB_SECOND;
    time_t at = (time_t)ends;
    struct tm day = {0};
    char text[32] = "";
    (void)gmtime_r(&at, &day);
    (void)strftime(text, sizeof(text), "%Y-%m-%d", &day);
    if (left <= 0)
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT, RENEW,
                         "the certificate in tls_cert_file ended on %s", text);
    else if (left < SOON)
        vb_doctor_report(doctor, VB_FINDING_WARNING, SUBJECT, RENEW,
                         "the certificate in tls_cert_file ends on %s, in %d days", text,
                         (int)(left / DAY));
    else
        vb_doctor_report(doctor, VB_FINDING_OK, SUBJECT, NULL,
                         "the certificate in tls_cert_file and its key belong together, until %s",
                         text);
}

void vb_doctor_tls(struct vb_doctor *doctor)
{
    const struct vb_options *options = doctor->options;
    const struct vb_tls_files files = {options->tls_cert_file, options->tls_key_file,
                                       options->tls_client_ca_file};
    struct vb_error err;
    int64_t ends = 0;
    if (!files.certificate)
        return;
    if (vb_tls_check(&files, &ends, &err) == VB_OK)
        tell_end(doctor, ends);
    else
        vb_doctor_report(doctor, VB_FINDING_FAILED, SUBJECT,
                         "give files that serve can read and that belong together", "%s", err.text);
}
