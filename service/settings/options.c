/* Reads the options: flags, then variables, then the file; the first that names an option wins.
 *
 * Every value remembers where it came from, so that a message can say so. Runs once, on the main
 * thread, before any other; owns what it collects until the values are stored.
 *
 * Collecting (collect.c), storing and deriving are three passes. Names are checked in the first;
 * values in the second, when it is known which of them wins; defaults that hang on other options in
 * the third. The first mistake ends the program with its place and its rule: a service that runs
 * with half of what was meant is worse than one that does not start.
 */
#include "options.h"

#include "collect.h"
#include "rules/media_credentials.h"
#include "smtp_url.h"

#include "verbatim/cores.h"
#include "verbatim/s3_client.h"
#include "verbatim/url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* People write passwords into addresses: what stands before an '@' is not repeated. */
static enum vb_status refuse(const struct vb_option *option, const char *origin, const char *text,
                             struct vb_error *err)
{
    struct vb_buffer shown;
    vb_buffer_init(&shown, VB_CONFIG_CEILING + 64);
    bool may_show = !option->secret && vb_url_show_setting(&shown, vb_view_of(text)) == VB_OK;
    enum vb_status status =
        vb_fail(err, VB_INVALID, "option %s (%s) is \"%.200s\": must be %s", option->name, origin,
                !may_show    ? "..."
                : shown.data ? shown.data
                             : "",
                option->allowed);
    vb_buffer_done(&shown);
    return status;
}

static enum vb_status store_one(struct vb_given *given, const struct vb_option *option,
                                struct vb_options *options, struct vb_error *err)
{
    enum vb_status status = given->is_path ? vb_collect_secret(option, given, err) : VB_OK;
    const char *text = given->text ? given->text : option->default_value;
    if (status != VB_OK || !text)
        return status;
    status = vb_option_store(option, text, options);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "no memory for the options");
    return status == VB_OK ? VB_OK
                           : refuse(option, given->text ? given->origin : "default", text, err);
}

/* Last, when all sources are known. A secret's value is never quoted in a message. */
static enum vb_status store_all(struct vb_collection *all, struct vb_options *options,
                                struct vb_error *err)
{
    for (size_t i = 0; i < vb_option_count; i++) {
        const struct vb_option *option = &vb_option_table[i];
        size_t before = all->report ? all->report->mistakes : 0;
        enum vb_status status =
            vb_collect_settle(all, store_one(&all->given[i], option, options, err), err);
        if (status == VB_OK && all->report && all->report->mistakes > before &&
            option->default_value)
            status = vb_option_store(option, option->default_value, options);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}

/* An empty variable counts as none, as everywhere here. */
static const char *variable_of(char *const environment[], const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=' &&
            (*environment)[length + 1])
            return *environment + length + 1;
    return NULL;
}

/* Fills a text member that was not given from a value and what stands around it; a value of NULL
 * leaves it. False without memory. */
static bool derive(char **member, const char *prefix, const char *value, const char *suffix)
{
    if (*member || !value)
        return true;
    struct vb_buffer text;
    vb_buffer_init(&text, VB_CONFIG_CEILING);
    if (vb_buffer_printf(&text, "%s%s%s", prefix, value, suffix) != VB_OK)
        return false;
    *member = vb_buffer_take(&text);
    return true;
}

static bool derive_endpoint(struct vb_options *options)
{
    char domain[64];
    snprintf(domain, sizeof domain, ".%s", vb_s3_domain_of(options->s3_region));
    return derive(&options->s3_endpoint, "https://s3.", options->s3_region, domain);
}

/* A worker thread a core, up to what PostgreSQL's usual 100 connections bear of some machines. */
static int64_t default_workers(void)
{
    unsigned cores = vb_cores_count();
    return cores < VB_WORKERS_USUAL ? cores : VB_WORKERS_USUAL;
}

/* Defaults that hang on other options, in the order in which they do. */
static enum vb_status derive_all(struct vb_collection *all, char *const environment[],
                                 struct vb_options *options, struct vb_error *err)
{
    const char *region = variable_of(environment, "AWS_REGION");
    for (size_t i = 0; i < vb_option_count; i++)
        if (strcmp(vb_option_table[i].name, "workers") == 0 && !all->given[i].text)
            options->workers = default_workers();
    enum vb_status status = vb_smtp_url_derive(options, err);
    if (status != VB_OK)
        return status;
    if (derive(&options->source_url, "", options->database_url, "") &&
        derive(&options->base_url, options->tls_cert_file ? "https://" : "http://", options->listen,
               "") &&
        derive(&options->s3_region, "", region ? region : "us-east-1", "") &&
        derive_endpoint(options) &&
        derive(&options->s3_public_endpoint, "", options->s3_endpoint, ""))
        return VB_OK;
    return vb_fail(err, VB_NO_MEMORY, "no memory for the options");
}

/* Read for its mistakes alone: whoever fetches reads it again. */
static enum vb_status check_logins(const struct vb_options *options, struct vb_error *err)
{
    struct vb_media_credentials *logins = NULL;
    enum vb_status status =
        vb_media_credentials_load(options->media_credentials_file, &logins, err);
    vb_media_credentials_free(logins);
    if (status == VB_OK || status == VB_NO_MEMORY)
        return status;
    vb_fail_within(err, VB_INVALID, "option media_credentials_file");
    return VB_INVALID;
}

/* Rules between options, when all have their values. */
static enum vb_status check_together(const struct vb_options *options, struct vb_error *err)
{
    if (options->retention < options->link_ttl)
        return vb_fail(err, VB_INVALID,
                       "option retention is shorter than link_ttl: a link must not outlive its "
                       "archive; must be at least link_ttl");
    if ((options->smtp_user != NULL) != (options->smtp_password != NULL))
        return vb_fail(err, VB_INVALID,
                       "options smtp_user and smtp_password: must be given both "
                       "or neither");
    if (options->smtp_url && !options->mail_from)
        return vb_fail(err, VB_INVALID,
                       "option smtp_url is given without mail_from: mail_from must be the sender "
                       "of mails, ADDRESS or NAME <ADDRESS>");
    if (options->s3_sse_key && options->s3_sse != VB_S3_SSE_KMS)
        return vb_fail(err, VB_INVALID,
                       "option s3_sse_key is given without s3_sse = aws:kms: no other encryption "
                       "takes a key");
    if ((options->tls_cert_file != NULL) != (options->tls_key_file != NULL))
        return vb_fail(err, VB_INVALID,
                       "options tls_cert_file and tls_key_file: must be given both or neither");
    if (options->tls_client_ca_file && !options->tls_cert_file)
        return vb_fail(err, VB_INVALID,
                       "option tls_client_ca_file is given without tls_cert_file: clients show a "
                       "certificate by TLS alone");
    return check_logins(options, err);
}

static void tell_origins(const struct vb_collection *all)
{
    if (all->report && all->report->origins)
        for (size_t i = 0; i < vb_option_count; i++)
            memcpy(all->report->origins[i], all->given[i].origin, VB_ORIGIN_SIZE);
}

enum vb_status vb_options_load(int argc, char *const argv[], char *const environment[],
                               struct vb_options *ret_options, struct vb_error *err)
{
    return vb_options_load_told(argc, argv, environment, NULL, ret_options, err);
}

/* Built beside the caller's struct, so that a failure leaves that alone. */
enum vb_status vb_options_load_told(int argc, char *const argv[], char *const environment[],
                                    struct vb_options_report *report,
                                    struct vb_options *ret_options, struct vb_error *err)
{
    struct vb_options options = {0};
    struct vb_collection *all = calloc(1, sizeof *all);
    assert(vb_option_count <= VB_OPTIONS_MOST);
    if (!all)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the options");
    all->report = report;
    enum vb_status status = vb_collect(all, argc, argv, environment, err);
    if (status == VB_OK)
        status = store_all(all, &options, err);
    if (status == VB_OK)
        status = vb_collect_settle(all, derive_all(all, environment, &options, err), err);
    if (status == VB_OK && (!report || report->mistakes == 0))
        status = vb_collect_settle(all, check_together(&options, err), err);
    tell_origins(all);
    vb_collection_done(all);
    free(all);
    if (status == VB_OK)
        *ret_options = options;
    else
        vb_options_done(&options);
    return status;
}

void vb_options_done(struct vb_options *options)
{
    if (!options)
        return;
    for (size_t i = 0; i < vb_option_count; i++) {
        if (vb_option_table[i].kind != VB_OPTION_TEXT)
            continue;
        char **member = (char **)((char *)options + vb_option_table[i].offset);
        if (*member && vb_option_table[i].secret)
            /* Passwords do not stay behind in freed memory, where a core file would show them. */
            explicit_bzero(*member, strlen(*member));
        free(*member);
    }
    *options = (struct vb_options){0};
}
