/* The whole configuration on one screen: every option with its default, meaning and limits.
 *
 * docs/options.md says the same; a test compares the two. Read-only data, and the help made from
 * it. A row's default goes through the same parser and check as a value that was given, so it
 * cannot break its own rule; one that hangs on other options has none here, but words that say on
 * what.
 */
#include "options_table.h"

#define TEXT(member) .kind = VB_OPTION_TEXT, .offset = offsetof(struct vb_options, member)
#define DURATION(member) .kind = VB_OPTION_DURATION, .offset = offsetof(struct vb_options, member)
#define SIZE(member) .kind = VB_OPTION_SIZE, .offset = offsetof(struct vb_options, member)
#define NUMBER(member) .kind = VB_OPTION_NUMBER, .offset = offsetof(struct vb_options, member)
#define CHOICE(member) .kind = VB_OPTION_CHOICE, .offset = offsetof(struct vb_options, member)

#define HOUR (3600 * VB_SECOND)
#define MEBIBYTE (INT64_C(1024) * 1024)
#define CONNECTION_WORDS                                                                           \
    "a libpq connection string or URI, in which `@` and `/` of a password are %40 and %2F"
#define WEB_ADDRESS_WORDS "http://HOST[:PORT] or https://HOST[:PORT], perhaps with a path"

static const char *const addressing_choices[] = {"auto", "path", "virtual", NULL};
static const char *const sse_choices[] = {"off", "AES256", "aws:kms", NULL};
static const char *const tls_choices[] = {"off", "try", "require", NULL};
static const char *const pace_choices[] = {"fast", "gentle", NULL};
static const char *const lag_choices[] = {"incomplete", "fail", NULL};
static const char *const bad_row_choices[] = {"fail", "list", NULL};
static const char *const access_choices[] = {"off", "changes", "reads", "all", NULL};
static const char *const level_choices[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_choices[] = {"text", "json", NULL};

/* clang-format off */
const struct vb_option vb_option_table[] = {
    {"database_url", TEXT(database_url), NULL, "libpq's own environment",
     "where the schema `verbatim` lives; of several hosts the one that takes writes",
     CONNECTION_WORDS,
     .parse = vb_option_parse_connection, .check = vb_option_trim, .secret = true, .reloads = true,
     .example = "postgresql://verbatim@db.example.com/verbatim"},
    {"source_url", TEXT(source_url), NULL, "`database_url`",
     "where the conversations are read; may be a replica", CONNECTION_WORDS,
     .parse = vb_option_parse_connection, .check = vb_option_trim, .secret = true, .reloads = true,
     .example = "postgresql://reader@replica.example.com/platform"},
    {"source_schema", TEXT(source_schema), "chat", NULL,
     "schema of the source contract", "a name of at most 63 bytes",
     .check = vb_option_is_identifier},
    {"source_time_zone", TEXT(source_time_zone), "UTC", NULL,
     "the zone whose local time the source's timestamps without time zone are",
     "a name of the IANA database, such as Europe/Berlin", .check = vb_option_is_zone},
    {"source_pace", CHOICE(source_pace), "fast", NULL,
     "`gentle`: exports send the source one short statement at a time of this process, and pause "
     "twice as long as it took; for platforms whose database is busy by itself",
     "fast or gentle", pace_choices},
    {"prepared_statements", CHOICE(prepared_statements), "on", NULL,
     "`off` where no session is to be used; poolers are noticed", "on or off"},
    {"replica_wait", DURATION(replica_wait), "10s", NULL,
     "how long an export waits for a source that is a replica to catch up with the moment of the "
     "order",
     "a duration from 1s to 1h", .least = VB_SECOND, .most = HOUR},
    {"on_lag", CHOICE(on_lag), "incomplete", NULL,
     "what becomes of an export whose replica has not caught up by then: it says that it may be "
     "incomplete, or it is tried again and fails in the end",
     "incomplete or fail", lag_choices},
    {"on_bad_row", CHOICE(on_bad_row), "fail", NULL,
     "what becomes of an export with a row that the source cannot give: it fails and names the "
     "row, or it goes on without such rows and lists them in `errors.csv` of its archive",
     "fail or list", bad_row_choices},
    {"listen", TEXT(listen), "127.0.0.1:8080", NULL,
     "address of the API", "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080",
     .check = vb_option_is_listen},
    {"base_url", TEXT(base_url), NULL, "`http://` or, with `tls_cert_file`, `https://` + `listen`",
     "what links to Verbatim itself begin with, those of mails among them", WEB_ADDRESS_WORDS,
     .check = vb_option_is_web_address,
     .example = "https://exports.example.com"},
    {"tls_cert_file", TEXT(tls_cert_file), NULL, "none: plain HTTP",
     "certificate by which the API speaks TLS 1.2 or newer, and behind it those between it and its "
     "authority, in PEM; SIGHUP reads it again",
     "a path", .example = "/etc/verbatim/tls/fullchain.pem"},
    {"tls_key_file", TEXT(tls_key_file), NULL, "none",
     "the certificate's private key, in PEM without a password; SIGHUP reads it again", "a path",
     .example = "/etc/verbatim/tls/privkey.pem"},
    {"tls_client_ca_file", TEXT(tls_client_ca_file), NULL, "none: clients need no certificate",
     "authorities, in PEM: every client of the API has to show a certificate of one of them, "
     "beside its key; SIGHUP reads it again",
     "a path", .example = "/etc/verbatim/tls/clients.pem"},
    {"idle_timeout", DURATION(idle_timeout), "75s", NULL,
     "how long a connection is kept between two requests; longer than proxies and balancers keep "
     "theirs, so that they never send into one that closes",
     "a duration from 1s to 1h", .least = VB_SECOND, .most = HOUR},
    {"client_timeout", DURATION(client_timeout), "5m", NULL,
     "how long a client that takes no byte of its answer keeps its connection; of an export that "
     "is answered at once also one of four threads",
     "a duration from 1s to 24h", .least = VB_SECOND, .most = 24 * HOUR},
    {"stop_delay", DURATION(stop_delay), "5s", NULL,
     "how long `serve` goes on taking requests after SIGTERM, with `/readyz` at 503, so that "
     "proxies and balancers turn away first; longer than their checks take to notice",
     "a duration from 0s to 10m", .least = 0, .most = 600 * VB_SECOND},
    {"trusted_proxies", TEXT(trusted_proxies), NULL, "none",
     "proxies before `serve`, joined by commas: the client's address, for log, audit and counted "
     "mistakes, is taken from their `X-Forwarded-For` or `Forwarded`",
     "a list of ADDRESS[/BITS]", .parse = vb_option_parse_networks,
     .example = "10.0.0.0/8, 192.168.1.5"},
    {"cors_origins", TEXT(cors_origins), NULL, "none",
     "origins whose pages may call the API from a browser with a key of theirs, joined by commas; "
     "`*` for every page; the console's cookie is for its own page alone",
     "a list of http[s]://HOST[:PORT] as browsers write them, or *",
     .parse = vb_option_parse_origins,
     .example = "https://app.example.com"},
    {"storage", TEXT(storage), "file:///var/lib/verbatim", NULL,
     "where archives go: `file:///DIR` or `s3://BUCKET[/PREFIX]`",
     "file:///DIR with an absolute folder, or s3://BUCKET[/PREFIX]", .check = vb_option_is_storage},
    {"s3_endpoint", TEXT(s3_endpoint), NULL, "`https://s3.REGION.amazonaws.com`",
     "where Verbatim reaches the object store; regions of AWS outside its main domain, such as "
     "`cn-north-1`, have their own by default",
     WEB_ADDRESS_WORDS,
     .check = vb_option_is_web_address,
     .example = "https://s3.example.com"},
    {"s3_public_endpoint", TEXT(s3_public_endpoint), NULL, "`s3_endpoint`",
     "where the person with the link reaches it; used for presigning only", WEB_ADDRESS_WORDS,
     .check = vb_option_is_web_address,
     .example = "https://files.example.com"},
    {"s3_region", TEXT(s3_region), NULL, "`AWS_REGION`, else `us-east-1`",
     "region of the bucket", "letters, digits, `-` and `_`", .check = vb_option_is_region,
     .example = "eu-central-1"},
    {"s3_addressing", CHOICE(s3_addressing), "auto", NULL,
     "`path` or `virtual`; `auto` is virtual for AWS, path elsewhere",
     "auto, path or virtual", addressing_choices},
    {"s3_part_size", SIZE(s3_part_size), "6MiB", NULL,
     "part of a multipart upload; raised by itself for very large exports",
     "a size from 5MiB to 1GiB", .least = 5 * MEBIBYTE, .most = 1024 * MEBIBYTE},
    {"s3_equal_parts", CHOICE(s3_equal_parts), "off", NULL,
     "for stores that want all parts of one size, or their numbers without gaps: one segment per "
     "job; without it the first large export finds that out and begins anew",
     "on or off"},
    {"s3_max_part_number", NUMBER(s3_max_part_number), "10000", NULL,
     "the highest part number that the store takes; Swift as it comes and Scaleway take 1000; the "
     "first refusal is learned from",
     "a number from 10 to 10000", .least = 10, .most = 10000},
    {"s3_sse", CHOICE(s3_sse), "off", NULL,
     "encryption by the store that each object is written with, for buckets whose policy demands "
     "the header; `off` sends none, and the bucket's default applies",
     "off, AES256 or aws:kms", sse_choices},
    {"s3_sse_key", TEXT(s3_sse_key), NULL, "the store's own for `aws:kms`",
     "id or ARN of the key for `s3_sse = aws:kms`",
     "letters, digits and `-_.:/`, at most 2048 bytes", .check = vb_option_is_key_id,
     .example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
    {"segment_parts", NUMBER(segment_parts), "4", NULL,
     "about how many parts one segment of a large export fills", "a number from 1 to 15",
     .least = 1, .most = 15},
    {"link_ttl", DURATION(link_ttl), "24h", NULL,
     "life of a link, from the finish of the job", "a duration from 1s to 168h",
     .least = VB_SECOND, .most = 168 * HOUR},
    {"smtp_url", TEXT(smtp_url), NULL, "none: no mail",
     "`smtp://HOST:PORT` (STARTTLS when offered) or `smtps://HOST:PORT`; the login may stand in it",
     "smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://..., in which a `%` of the login is %25",
     .parse = vb_option_parse_smtp,
     .example = "smtp://mail.example.com:587"},
    {"smtp_user", TEXT(smtp_user), NULL, "none, or that of `smtp_url`", "user at the mail server",
     "a name",
     .example = "exports"},
    {"smtp_password", TEXT(smtp_password), NULL, "none, or that of `smtp_url`",
     "password at the mail server", "a text", .secret = true, .reloads = true,
     .example = "hunter2"},
    {"smtp_tls", CHOICE(smtp_tls), "try", NULL,
     "of `smtp://`: `try` uses STARTTLS where it is offered, with any certificate; `require` sends "
     "nothing without, and verifies it; `smtps://` is always verified",
     "off, try or require", tls_choices},
    {"smtp_require_tls", CHOICE(smtp_require_tls), "off", NULL,
     "`on`: as `smtp_tls` = `require`", "on or off"},
    {"smtp_ca_file", TEXT(smtp_ca_file), NULL, "`SSL_CERT_FILE`, else the system's",
     "authorities that the mail server's certificate is verified by, in PEM", "a path",
     .example = "/etc/ssl/certs/ca-certificates.crt"},
    {"smtp_helo", TEXT(smtp_helo), NULL, "domain of `mail_from`",
     "name by which the mail server is greeted", "a host name", .check = vb_option_is_host,
     .example = "exports.example.com"},
    {"smtp_timeout", DURATION(smtp_timeout), "5m", NULL,
     "how long each answer of the mail server is waited for, and twice as long for that to the "
     "whole message, as RFC 5321 has it",
     "a duration from 1s to 1h", .least = VB_SECOND, .most = HOUR},
    {"smtp_connections", NUMBER(smtp_connections), "3", NULL,
     "mails that a process sends at the same time, so that a slow one holds up no other",
     "a number from 1 to 16", .least = 1, .most = 16},
    {"mail_from", TEXT(mail_from), NULL, "none",
     "sender of mails; required with `smtp_url`", "ADDRESS or NAME <ADDRESS>",
     .check = vb_option_is_sender,
     .example = "Exports <exports@example.com>"},
    {"workers", NUMBER(workers), NULL, "number of cores, or the quota; at most 8",
     "worker threads of this process, each with one segment of a job at a time; 0: none",
     "a number from 0 to 256", .least = 0, .most = VB_WORKERS_MOST,
     .example = "4"},
    {"max_running", NUMBER(max_running), "3", NULL,
     "jobs at a time of one workspace, over all processes", "a number from 1 to 10000",
     .least = 1, .most = 10000},
    {"lease", DURATION(lease), "30s", NULL,
     "a worker silent for this long has lost its segments", "a duration from 2s to 1h",
     .least = 2 * VB_SECOND, .most = HOUR},
    {"max_attempts", NUMBER(max_attempts), "5", NULL,
     "tries of one segment; the first retry after about 1 s, then doubled up to 60 s, with jitter",
     "a number from 1 to 100", .least = 1, .most = 100},
    {"retention", DURATION(retention), "7d", NULL,
     "how long an archive is kept after its job ended; not shorter than `link_ttl`",
     "a duration from 1s to 3650d", .least = VB_SECOND, .most = 3650 * 24 * HOUR},
    {"janitor_interval", DURATION(janitor_interval), "60s", NULL,
     "how often leftovers are looked for", "a duration from 100ms to 24h",
     .least = VB_SECOND / 10, .most = 24 * HOUR},
    {"prune_at", TEXT(prune_at), "02:15", NULL,
     "when exports whose own retention has run out go, row and file; UTC, once a day",
     "a time HH:MM from 00:00 to 23:59", .check = vb_option_is_time_of_day},
    {"media_allow", TEXT(media_allow), NULL, "none",
     "where media of attachments may be fetched, joined by commas: hosts, `*.` and a domain, "
     "`*` for every public host, addresses and networks, `s3://BUCKET[/PREFIX]`",
     "a list of NAME[:PORT], *.NAME, *, ADDRESS[/BITS][:PORT], s3://BUCKET[/PREFIX]",
     .parse = vb_option_parse_media_allow,
     .example = "media.example.com, *.cdn.example.com"},
    {"media_credentials_file", TEXT(media_credentials_file), NULL, "none",
     "logins for media behind a password, a line each: `HOST[:PORT] basic USER:PASSWORD` or "
     "`HOST[:PORT] bearer TOKEN`; only for https, or `http://HOST[:PORT]`; read at the start and "
     "at SIGHUP",
     "a path of a file with mode 0640 or less",
     .example = "/etc/verbatim/media_credentials"},
    {"media_file_limit", SIZE(media_file_limit), "256MiB", NULL,
     "a medium larger than this is left out and listed", "a size from 1 to 64GiB",
     .least = 1, .most = 64 * 1024 * MEBIBYTE},
    {"media_export_limit", SIZE(media_export_limit), "50GiB", NULL,
     "media of one export together; what would exceed it is left out and listed",
     "a size from 1 to 4096GiB", .least = 1, .most = 4096 * 1024 * MEBIBYTE},
    {"media_timeout", DURATION(media_timeout), "5m", NULL,
     "for one medium from a web server, from the request to its last byte",
     "a duration from 1s to 1h", .least = VB_SECOND, .most = HOUR},
    {"media_fetches", NUMBER(media_fetches), "16", NULL,
     "media that one worker thread fetches at a time from web servers", "a number from 1 to 64",
     .least = 1, .most = 64},
    {"media_host_fetches", NUMBER(media_host_fetches), "16", NULL,
     "how many of `media_fetches` may be at one host at a time; a host that is new, fails or asks "
     "for patience is asked for fewer",
     "a number from 1 to 64", .least = 1, .most = 64},
    {"manifest", CHOICE(manifest), "off", NULL,
     "`on`: archives end with a signed list of their entries, sizes and SHA-256; single files have "
     "none", "on or off"},
    {"fonts", TEXT(fonts), "/usr/share/fonts", NULL,
     "where the fonts for PDF lie, as Debian's packages put them there", "an absolute folder",
     .check = vb_option_is_folder},
    {"metrics_token", TEXT(metrics_token), NULL, "none",
     "`Authorization: Bearer` of `/metrics`, beside keys with the scope `metrics`",
     "16 to 256 letters, digits and -._~+/=", .check = vb_option_is_token, .secret = true,
     .example = "a-long-random-text"},
    {"otlp_endpoint", TEXT(otlp_endpoint), NULL, "none",
     "where spans of requests, exports, segments and uploads go: OTLP/HTTP with JSON, `/v1/traces` "
     "below it",
     WEB_ADDRESS_WORDS, .check = vb_option_is_web_address,
     .example = "http://collector.example.com:4318"},
    {"log_level", CHOICE(log_level), "info", NULL,
     "the least important lines that are logged", "debug, info, warn or error", level_choices,
     .reloads = true},
    {"access_log", CHOICE(access_log), "changes", NULL,
     "requests that are logged, one line each: `changes` and what is refused, `reads` and "
     "downloads as well, `all` with polls; `off` leaves what failed here",
     "off, changes, reads or all", access_choices},
    {"log_format", CHOICE(log_format), "text", NULL,
     "`text`, or `json` for machines", "text or json", format_choices},
};
/* clang-format on */
const size_t vb_option_count = sizeof vb_option_table / sizeof *vb_option_table;

enum vb_status vb_option_flag(struct vb_buffer *out, const struct vb_option *option)
{
    enum vb_status status = vb_buffer_append_text(out, "--");
    for (const char *at = option->name; *at && status == VB_OK; at++)
        status = vb_buffer_append_byte(out, *at == '_' ? '-' : *at);
    return status;
}

enum vb_status vb_options_help(struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, "Options (--s3-endpoint X, VERBATIM_S3_ENDPOINT=X, or s3_endpoint = X in the file of "
             "--config):\n");
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++) {
        const struct vb_option *option = &vb_option_table[i];
        const char *value = option->default_value ? option->default_value : option->default_words;
        status = vb_buffer_append_text(out, "  ");
        if (status == VB_OK)
            status = vb_option_flag(out, option);
        if (status == VB_OK)
            status = vb_buffer_printf(
                out, "   [%s]%s\n      %s\n", value,
                option->secret ? " (or NAME-file: a file with the value)" : "", option->meaning);
        if (status == VB_OK)
            status = vb_buffer_printf(out, "      %s\n", option->allowed);
    }
    return status;
}
