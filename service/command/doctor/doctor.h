/* verbatim doctor: looks at everything that an export needs, and says what is wrong and what to do.
 * Private to this folder. Repairs nothing.
 *
 * Each subject is one file; all of them report through vb_doctor_report, one line a check on
 * standard output. Nothing secret is ever put into a line: no password, key, link or connection
 * string.
 *
 * Each subject owns what it opens and closes it before it returns; the doctor is its caller's. Runs
 * on the main thread. No statuses: every failure is a finding, counted in `told`, from which the
 * exit code comes.
 */
#ifndef VERBATIM_COMMAND_DOCTOR_DOCTOR_H
#define VERBATIM_COMMAND_DOCTOR_DOCTOR_H

#include "database/pg.h"
#include "storage/storage.h"
#include "verbatim/source.h"

/* Warnings leave the exit code 0: an export would work, but slowly or not for everybody. */
enum vb_finding { VB_FINDING_OK, VB_FINDING_WARNING, VB_FINDING_FAILED, VB_FINDINGS };

struct vb_pg;

struct vb_doctor {
    const struct vb_options *options; /* borrowed */
    struct vb_link_secrets secrets;   /* of the database; none while that could not be read */
    unsigned told[VB_FINDINGS];
    const char *mail_to; /* whom to send a mail; NULL: nobody */
    bool as_json;
    bool mute; /* standard output does not take lines any more */
};

/* "failed   storage: TEXT -> REMEDY", or the same as an object of JSON. `remedy` NULL: there is
 * nothing to do. Line feeds become blanks. At once, so that a check that hangs hides nothing found
 * before it. */
void vb_doctor_report(struct vb_doctor *doctor, enum vb_finding finding, const char *subject,
                      const char *remedy, const char *format, ...) vb_printf_like(5, 6);

/* The subjects, in the order in which they are looked at. Storage comes behind the database, whose
 * secrets sign the link that is tried. */
void vb_doctor_database(struct vb_doctor *doctor);
/* Behind a schema that fits; the connection is the owner's. */
void vb_doctor_processes(struct vb_doctor *doctor, struct vb_pg *pg);
/* The connection is the owner's, and the schema is there. */
void vb_doctor_backup(struct vb_doctor *doctor, struct vb_pg *pg);
void vb_doctor_source(struct vb_doctor *doctor);
/* The connection is the source's, in no transaction and left so; so for the next. */
void vb_doctor_hidden(struct vb_doctor *doctor, PGconn *source);
void vb_doctor_rows(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract);
void vb_doctor_plans(struct vb_doctor *doctor, PGconn *source, const struct vb_contract *contract);
void vb_doctor_lookups(struct vb_doctor *doctor, PGconn *source,
                       const struct vb_contract *contract);
void vb_doctor_storage(struct vb_doctor *doctor);
/* Behind a storage that can be written to; both are the owner's. Nothing where all is well. */
void vb_doctor_parts(struct vb_doctor *doctor, struct vb_storage *storage,
                     struct vb_storage_session *session);
/* Downloads by the link, which is a right to read, and compares with `body`. */
void vb_doctor_link(struct vb_doctor *doctor, const char *link, struct vb_view body);
/* Sends nothing but what `mail_to` asks for. */
void vb_doctor_mail(struct vb_doctor *doctor);
/* Nothing where the API speaks plain HTTP. */
void vb_doctor_tls(struct vb_doctor *doctor);
void vb_doctor_fonts(struct vb_doctor *doctor);

#endif
