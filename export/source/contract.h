/* The source contract as it was found: which columns there are, of what type, and the pieces of SQL
 * that follow from it. Private to this folder; verbatim/source.h is its outside.
 *
 * Everything is owned by the struct and freed by vb_contract_free. Filled by one thread and
 * read-only from then on, so shared by all. Errors: VB_NO_MEMORY or VB_LIMIT where text is
 * appended; what breaks the contract was refused by vb_contract_read. Texts live as long as the
 * contract.
 *
 * SQL is never built from a name that came from outside: identifiers are our own words, the schema
 * is quoted.
 */
#ifndef VERBATIM_EXPORT_SOURCE_CONTRACT_H
#define VERBATIM_EXPORT_SOURCE_CONTRACT_H

#include "decode.h"
#include "local.h"
#include "verbatim/source.h"

/* What a column has to hold. Which types serve each kind is serves() in contract.c. */
enum vb_column_kind {
    VB_COLUMN_ID,
    VB_COLUMN_POSITION,
    VB_COLUMN_TEXT,
    VB_COLUMN_TEXTS,
    VB_COLUMN_TIME,
    VB_COLUMN_INTEGER,
    VB_COLUMN_NUMBER,
    VB_COLUMN_JSON /* read as text, in one line */
};

/* One line of INTERFACE 5 or 8. A missing required column is a fault of the source, a missing
 * optional one reads as NULL. */
struct vb_column_rule {
    const char *relation;
    const char *name;
    enum vb_column_kind kind;
    bool required; /* where the relation exists, if that is optional itself */
};

/* What a time is written in (times.h). */
enum vb_time_unit {
    VB_UNIT_STAMP,
    VB_UNIT_S,
    VB_UNIT_MS,
    VB_UNIT_US,
    VB_UNIT_NS,
    VB_UNIT_EPOCH /* seconds and their fraction */
};
#define VB_UNITS (VB_UNIT_EPOCH + 1)

/* What the catalogue says of it. */
struct vb_column {
    Oid type;                     /* base type under any domains; 0: missing */
    bool cast;                    /* a text-like type whose binary form is not that of text */
    enum vb_time_unit unit;       /* of a time */
    char name[32];                /* as the source has it: behind a time's stands its unit */
    const struct vb_local *local; /* of a timestamp without zone; NULL: UTC */
};

/* Room for the rules; columns.c asserts that they fit. */
#define VB_COLUMN_MOST 160

struct vb_contract {
    char *schema;  /* quoted, ready for SQL */
    char *missing; /* optional columns that are not there, comma-separated */
    char *clashes; /* pairs of ids that two collations keep apart, comma-separated */
    char *channel_by_id;
    char *channel_by_phone;
    char *lookups[VB_LOOKUPS];
    char *finds[VB_FINDS];
    struct vb_local *local; /* clock of the times without zone; NULL: UTC */
    int64_t resolution;     /* of created_at, in microseconds: as_of is a multiple of it */
    struct vb_column columns[VB_COLUMN_MOST]; /* in the order of the rules */
};

extern const struct vb_column_rule vb_column_rules[];
extern const size_t vb_column_rule_count;

/* Never NULL for a column of the rules; aborts for any other name, a mistake in the program. */
const struct vb_column *vb_contract_column(const struct vb_contract *contract, const char *relation,
                                           const char *name);

/* The column's name in statements, which for a time that is a number is not that of the rules. */
const char *vb_contract_name(const struct vb_contract *contract, const char *relation,
                             const char *name);

/* `alias.name`, cast to text where the binary form needs it; a typed NULL where it is missing. */
enum vb_status vb_contract_append(const struct vb_contract *contract, struct vb_buffer *sql,
                                  const char *alias, const char *relation,
                                  const char *name) vb_must_check;

/* The type to cast a parameter to that is compared with the column: casts stand on parameters only,
 * since one on a column would hide its index. A static text; "text" also for a column that is
 * missing. */
const char *vb_contract_cast(const struct vb_contract *contract, const char *relation,
                             const char *name);

/* Into contract->resolution, by the columns found and what the catalogue says of their tables. */
enum vb_status vb_contract_read_resolution(PGconn *connection, const char *schema,
                                           struct vb_contract *contract,
                                           struct vb_error *err) vb_must_check;
/* The source's clock in Unix microseconds, rounded up to its resolution. */
enum vb_status vb_contract_append_now(const struct vb_contract *contract,
                                      struct vb_buffer *sql) vb_must_check;

/* Builds channel_by_id and channel_by_phone. */
enum vb_status vb_contract_build_lookups(struct vb_contract *contract) vb_must_check;
/* Builds the others. */
enum vb_status vb_contract_build_more_lookups(struct vb_contract *contract) vb_must_check;

/* Builds those of vb_contract_find_sql. */
enum vb_status vb_contract_build_finds(struct vb_contract *contract) vb_must_check;

/* Whether the text is an id of that type, written as the type itself writes it. What does not fit
 * is not found rather than sent: the server would answer an error that looks like a fault of the
 * source. */
bool vb_contract_text_fits(struct vb_view id, Oid type);

#endif
