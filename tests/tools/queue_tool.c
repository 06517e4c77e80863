/* `verbatim worker` with other cuts: how segments are read and cut may be chosen, the bytes must
 * not change.
 *
 *   queue_tool page=N giant=N absorb=BYTES unit=BYTES units=N numbers=N cuts=N chunk=N
 *
 * Each argument is optional and stands for a member of struct vb_tuning. Options come from
 * VERBATIM_... variables. Runs until SIGTERM; prints the counters of the queue to standard output
 * at its end.
 */
#include "queue/source_contract.h"
#include "work/crew.h"

#include "verbatim/log.h"
#include "verbatim/metrics.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int end(const char *what, const struct vb_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    return 1;
}

static void tune(struct vb_tuning *tuning, const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (!equals)
        exit(2);
    uint64_t value = strtoull(equals + 1, NULL, 10);
    size_t length = (size_t)(equals - argument);
    struct vb_view name = {argument, length};
    if (vb_view_equals(name, VB_VIEW("page")))
        tuning->page_conversations = value;
    else if (vb_view_equals(name, VB_VIEW("giant")))
        tuning->giant_messages = value;
    else if (vb_view_equals(name, VB_VIEW("absorb")))
        tuning->absorb_below = value;
    else if (vb_view_equals(name, VB_VIEW("unit")))
        tuning->split_unit = value;
    else if (vb_view_equals(name, VB_VIEW("units")))
        tuning->segment_units = (uint32_t)value;
    else if (vb_view_equals(name, VB_VIEW("numbers")))
        tuning->front_numbers = (uint32_t)value;
    else if (vb_view_equals(name, VB_VIEW("chunk")))
        tuning->chunk = value;
    else if (vb_view_equals(name, VB_VIEW("cuts")))
        tuning->random_cuts = value;
    else
        exit(2);
}

static enum vb_status read_contract(const struct vb_options *options,
                                    struct vb_contract **ret_contract, struct vb_error *err)
{
    PGconn *connection = PQconnectdb(options->source_url ? options->source_url : "");
    enum vb_status status = VB_OK;
    if (PQstatus(connection) != CONNECTION_OK)
        status = vb_fail(err, VB_DATABASE, "%s", PQerrorMessage(connection));
    else
        status = vb_source_contract(connection, options->source_schema, options->source_time_zone,
                                    ret_contract, err);
    PQfinish(connection);
    return status;
}

static void print_counts(void)
{
    printf("fenced=%llu split=%llu absorbed=%llu recorded=%llu finished=%llu lost=%llu\n",
           (unsigned long long)vb_counted(VB_COUNT_FENCES_REFUSED),
           (unsigned long long)vb_counted(VB_COUNT_SEGMENTS_SPLIT),
           (unsigned long long)vb_counted(VB_COUNT_SEGMENTS_ABSORBED),
           (unsigned long long)vb_counted(VB_COUNT_SEGMENTS_RECORDED),
           (unsigned long long)vb_counted(VB_COUNT_JOBS_FINISHED),
           (unsigned long long)vb_counted(VB_COUNT_LEASES_LOST));
}

static int run(const struct vb_service *service, int argc, char *argv[])
{
    struct vb_error err = {0};
    struct vb_tuning tuning;
    struct vb_workers *workers = NULL;
    sigset_t set;
    int number = 0;
    vb_tuning_of(service, &tuning);
    for (int i = 1; i < argc; i++)
        tune(&tuning, argv[i]);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (vb_workers_start_tuned(service, &tuning, &workers, &err) != VB_OK)
        return end("workers", &err);
    sigwait(&set, &number);
    vb_workers_stop(workers);
    print_counts();
    return 0;
}

int main(int argc, char *argv[])
{
    struct vb_error err = {0};
    struct vb_options options;
    struct vb_contract *contract = NULL;
    struct vb_service service = {.options = &options};
    char *none[] = {argv[0], NULL};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (vb_options_load(1, none, environ, &options, &err) != VB_OK)
        return end("options", &err);
    vb_log_setup(options.log_level, options.log_format);
    vb_uuid_format(vb_uuid_random(), service.process_id);
    if (vb_storage_new(&options, &service.storage, &err) != VB_OK)
        return end("storage", &err);
    if (read_contract(&options, &contract, &err) != VB_OK)
        return end("source", &err);
    service.contract = contract;
    int result = run(&service, argc, argv);
    vb_contract_free(contract);
    vb_storage_free(service.storage);
    vb_options_done(&options);
    curl_global_cleanup();
    return result;
}
