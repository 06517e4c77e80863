/* Runs one background part of the service until SIGTERM, for tests/end_to_end/test_mail.py and
 * test_janitor.py. Options come from VERBATIM_... variables, as for the program itself.
 *
 *   parts_tool outbox | parts_tool janitor
 *
 * SIGUSR1 wakes the outbox, as the end of a job does.
 */
#include "mail/outbox.h"
#include "storage/storage.h"
#include "upkeep/janitor.h"
#include "verbatim/pulse.h"
#include "verbatim/uuid.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum vb_status run_outbox(const struct vb_service *service, const sigset_t *signals,
                                 struct vb_error *err)
{
    int number;
    struct vb_outbox *outbox = NULL;
    enum vb_status status = vb_outbox_start(service, &outbox, err);
    while (status == VB_OK && sigwait(signals, &number) == 0 && number == SIGUSR1)
        vb_pulse_wake(vb_outbox_pulse(outbox));
    vb_outbox_request_stop(outbox);
    vb_outbox_stop(outbox);
    return status;
}

static enum vb_status run_janitor(const struct vb_service *service, const sigset_t *signals,
                                  struct vb_error *err)
{
    int number;
    struct vb_janitor *janitor = NULL;
    enum vb_status status = vb_janitor_start(service, &janitor, err);
    if (status == VB_OK)
        sigwait(signals, &number);
    vb_janitor_request_stop(janitor);
    vb_janitor_stop(janitor);
    return status;
}

int main(int argc, char **argv)
{
    struct vb_options options;
    struct vb_error err;
    struct vb_service service = {.options = &options};
    char *none[] = {argv[0], NULL};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    if (argc != 2 || sigprocmask(SIG_BLOCK, &signals, NULL) != 0 ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 2;
    vb_error_clear(&err);
    enum vb_status status = vb_options_load(1, none, environ, &options, &err);
    vb_uuid_format(vb_uuid_random(), service.process_id);
    if (status == VB_OK) {
        status = vb_storage_new(&options, &service.storage, &err);
        if (status == VB_OK)
            status = strcmp(argv[1], "outbox") == 0 ? run_outbox(&service, &signals, &err)
                                                    : run_janitor(&service, &signals, &err);
        vb_storage_free(service.storage);
        vb_options_done(&options);
    }
    if (status != VB_OK)
        fprintf(stderr, "%s: %s\n", vb_status_name(status), err.text);
    curl_global_cleanup();
    return status == VB_OK ? 0 : 1;
}
