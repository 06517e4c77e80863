/* The HTTP front end alone, with other deadlines and fewer connections than the contract's, until
 * SIGTERM; for tests/end_to_end/test_http_times.py. Options come from VERBATIM_... variables, as
 * for the program itself.
 *
 *   http_tool [NAME=VALUE...]   head body answer progress idle linger: milliseconds;
 *                               connections: how many
 *
 * What is not named is a minute, so that a test sees the one deadline it has shortened.
 */
#include "api/doors/doors.h"
#include "database/pg.h"
#include "queue/source_contract.h"
#include "settings/process.h"
#include "storage/storage.h"
#include "verbatim/source.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG (60 * VB_SECOND)

struct settings {
    struct vb_http_times times;
    unsigned connections; /* 0: as many as the process may have */
};

static bool read_setting(const char *text, struct settings *settings)
{
    struct vb_http_times *times = &settings->times;
    const struct {
        const char *name;
        int64_t *place;
    } names[] = {
        {"head=", &times->head},         {"body=", &times->body}, {"answer=", &times->answer},
        {"progress=", &times->progress}, {"idle=", &times->idle}, {"linger=", &times->linger},
    };
    if (strncmp(text, "connections=", 12) == 0) {
        settings->connections = (unsigned)strtoul(text + 12, NULL, 10);
        return settings->connections > 0;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i].name);
        if (strncmp(text, names[i].name, length) == 0) {
            *names[i].place = strtoll(text + length, NULL, 10) * (VB_SECOND / 1000);
            return *names[i].place > 0;
        }
    }
    return false;
}

static enum vb_status read_contract(const struct vb_options *options,
                                    struct vb_contract **ret_contract, struct vb_error *err)
{
    PGconn *connection = PQconnectdb(options->source_url);
    enum vb_status status;
    if (!connection || PQstatus(connection) != CONNECTION_OK)
        status = vb_fail(err, VB_DATABASE, "%s", connection ? PQerrorMessage(connection) : "");
    else
        status = vb_source_contract(connection, options->source_schema, options->source_time_zone,
                                    ret_contract, err);
    PQfinish(connection);
    return status;
}

static enum vb_status read_secrets(const struct vb_options *options,
                                   struct vb_link_secrets *ret_secrets, struct vb_error *err)
{
    const struct vb_pg_options wanted = {.connection_string = options->database_url,
                                         .application_name = "http_tool",
                                         .role = VB_PG_API,
                                         .prepared_statements = true};
    struct vb_pg *pg = NULL;
    enum vb_status status = vb_pg_new(&wanted, &pg, err);
    if (status == VB_OK)
        status = vb_link_secrets_load(pg, ret_secrets, err);
    vb_pg_free(pg);
    return status;
}

static enum vb_status run(const struct vb_service *service, const struct settings *settings,
                          const sigset_t *signals, struct vb_error *err)
{
    int number;
    struct vb_api *api = NULL;
    enum vb_status status =
        vb_api_start_with(service, &settings->times, settings->connections, &api, err);
    if (status != VB_OK)
        return status;
    sigwait(signals, &number);
    vb_api_request_stop(api);
    vb_api_stop(api);
    return VB_OK;
}

static enum vb_status serve(const struct vb_options *options, const struct settings *settings,
                            const sigset_t *signals, struct vb_error *err)
{
    struct vb_storage *storage = NULL;
    struct vb_contract *contract = NULL;
    struct vb_link_secrets secrets = {0};
    enum vb_status status = vb_storage_new(options, &storage, err);
    if (status == VB_OK)
        status = read_contract(options, &contract, err);
    if (status == VB_OK)
        status = read_secrets(options, &secrets, err);
    if (status == VB_OK) {
        const struct vb_service service = {
            .options = options, .storage = storage, .contract = contract, .secrets = &secrets};
        status = run(&service, settings, signals, err);
    }
    vb_contract_free(contract);
    vb_storage_free(storage);
    return status;
}

int main(int argc, char **argv)
{
    struct settings settings = {.times = {LONG, LONG, LONG, LONG, LONG, LONG}};
    struct vb_options options;
    struct vb_error err;
    char *none[] = {argv[0], NULL};
    sigset_t signals;
    vb_process_guard();
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    for (int i = 1; i < argc; i++)
        if (!read_setting(argv[i], &settings))
            return 2;
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 2;
    vb_error_clear(&err);
    enum vb_status status = vb_options_load(1, none, environ, &options, &err);
    if (status == VB_OK) {
        vb_log_setup(options.log_level, options.log_format);
        status = serve(&options, &settings, &signals, &err);
        vb_options_done(&options);
    }
    if (status != VB_OK)
        fprintf(stderr, "%s: %s\n", vb_status_name(status), err.text);
    curl_global_cleanup();
    return status == VB_OK ? 0 : 1;
}
