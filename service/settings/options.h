/* Configuration: one table of options, read once at start from flags, environment and file.
 *
 * The first of flag, VERBATIM_* variable and --config file that names an option wins. Unknown names
 * and values that do not parse end the program with the name, the value and what is allowed;
 * secrets are not shown. A running process takes a few of them anew (reload.h).
 *
 * The struct is its loader's, owns its texts, and is emptied by vb_options_done, which wipes
 * secrets. Loading is the main thread's; read-only afterwards and shared by all threads. VB_INVALID
 * for what is given wrong, VB_NO_MEMORY. Texts live until vb_options_done.
 */
#ifndef VERBATIM_SETTINGS_OPTIONS_H
#define VERBATIM_SETTINGS_OPTIONS_H

#include "verbatim/clock.h"
#include "verbatim/log.h"
#include "verbatim/s3_client.h"

#define VB_WORKERS_MOST 256 /* worker threads of one process */
#define VB_WORKERS_USUAL 8  /* most of them where nobody says how many */

/* Which requests are logged at level info; each holds those before it. */
enum vb_access_log { VB_ACCESS_OFF, VB_ACCESS_CHANGES, VB_ACCESS_READS, VB_ACCESS_ALL };

/* What becomes of an export whose replica lags. In the order of the option's words. */
enum vb_on_lag { VB_ON_LAG_INCOMPLETE, VB_ON_LAG_FAIL };

/* What becomes of an export with a row that cannot be read. In the order of the option's words. */
enum vb_on_bad_row { VB_ON_BAD_ROW_FAIL, VB_ON_BAD_ROW_LIST };

/* How hard exports lean on the source. In the order of the option's words. */
enum vb_source_pace { VB_SOURCE_FAST, VB_SOURCE_GENTLE };

/* All strings are owned by the options and NULL where not given and without default. Durations in
 * microseconds, sizes in bytes. What an option means and may be stands in options_table.c. */
struct vb_options {
    char *database_url; /* NULL: libpq's own environment */
    char *source_url;   /* as database_url unless given */
    char *source_schema;
    char *source_time_zone; /* of timestamps without zone; in the form of a name */
    bool prepared_statements;
    int source_pace; /* enum vb_source_pace */
    int on_lag;      /* enum vb_on_lag */
    int on_bad_row;  /* enum vb_on_bad_row */
    int64_t replica_wait;
    char *listen;   /* ADDRESS:PORT, [ADDRESS]:PORT */
    char *base_url; /* without trailing slash */
    /* Of the listener; the first two both or neither, the third with them. */
    char *tls_cert_file, *tls_key_file, *tls_client_ca_file;
    int64_t idle_timeout;
    int64_t client_timeout;
    int64_t stop_delay;
    char *trusted_proxies; /* NULL: none */
    char *cors_origins;    /* NULL: none */
    char *storage;         /* file:///DIR or s3://BUCKET[/PREFIX] */
    char *s3_endpoint;
    char *s3_public_endpoint;
    char *s3_region;
    enum vb_s3_addressing s3_addressing;
    bool s3_equal_parts;
    int64_t s3_max_part_number;
    int s3_sse;       /* enum vb_s3_sse */
    char *s3_sse_key; /* NULL: the store's own; only with VB_S3_SSE_KMS */
    uint64_t s3_part_size;
    int64_t segment_parts;
    int64_t link_ttl;
    char *smtp_url; /* without the login that it may be given with; NULL: no mail */
    char *smtp_user;
    char *smtp_password;
    bool smtp_require_tls; /* an older word for smtp_tls = require */
    int smtp_tls;          /* enum vb_smtp_tls */
    char *smtp_ca_file, *smtp_helo;
    int64_t smtp_timeout, smtp_connections;
    char *mail_from; /* there where smtp_url is */
    int64_t workers;
    int64_t max_running;
    int64_t lease;
    int64_t max_attempts;
    int64_t retention;
    int64_t janitor_interval;
    char *prune_at;                                /* HH:MM, UTC */
    char *media_allow;                             /* NULL: no media are fetched */
    char *media_credentials_file;                  /* NULL: without logins */
    uint64_t media_file_limit, media_export_limit; /* bytes */
    int64_t media_timeout;
    int64_t media_fetches, media_host_fetches; /* at a time, of each worker thread */
    bool manifest;
    char *fonts;         /* a folder, for PDF */
    char *metrics_token; /* NULL: none */
    char *otlp_endpoint; /* NULL: no spans; without trailing slash */
    enum vb_log_level log_level;
    int access_log; /* enum vb_access_log */
    enum vb_log_format log_format;
};

/* Fills from `argv` (flags from index 1; `--name value` or `--name=value`), `environment`
 * ("NAME=value", NULL ends) and the file of --config. VB_INVALID names the option, the value and
 * what is allowed. */
enum vb_status vb_options_load(int argc, char *const argv[], char *const environment[],
                               struct vb_options *ret_options, struct vb_error *err) vb_must_check;
/* The same for who wants to know more of it. With `tell` every mistake is told and the loading goes
 * on with the default, as far as there is sense in it: VB_OK, and `mistakes` counts them; the rules
 * between options are looked at where nothing else is wrong. `origins` has a row for each option of
 * the table and is filled with where its value comes from: "" for the default. */
#define VB_ORIGIN_SIZE 160
struct vb_options_report {
    void (*tell)(void *context, const struct vb_error *mistake); /* NULL: the first one ends it */
    void *context;
    char (*origins)[VB_ORIGIN_SIZE]; /* NULL: not wanted */
    size_t mistakes;
};
enum vb_status vb_options_load_told(int argc, char *const argv[], char *const environment[],
                                    struct vb_options_report *report,
                                    struct vb_options *ret_options,
                                    struct vb_error *err) vb_must_check;
void vb_options_done(struct vb_options *options);
/* The option table as text for --help. */
enum vb_status vb_options_help(struct vb_buffer *out) vb_must_check;

#endif
