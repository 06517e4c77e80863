/* Starting and stopping the crew: worker threads, the express thread after them, the keeper around
 * all. The order is the point of it: the keeper runs before the first thread looks for work, and
 * beats until the last one has handed back what it held. */
#include "crew.h"

#include "verbatim/log.h"

#include <stdlib.h>

struct vb_workers {
    struct vb_crew crew;
    struct vb_keeper *keeper;
    struct vb_worker **threads; /* lease_count of them; NULL where one did not start */
};

static enum vb_status start_threads(struct vb_workers *workers, struct vb_error *err)
{
    size_t count = workers->crew.lease_count;
    enum vb_status status = vb_keeper_start(&workers->crew, &workers->keeper, err);
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = vb_worker_start(&workers->crew, i, i + 1 == count, &workers->threads[i], err);
    return status;
}

enum vb_status vb_workers_start_tuned(const struct vb_service *service,
                                      const struct vb_tuning *tuning,
                                      struct vb_workers **ret_workers, struct vb_error *err)
{
    size_t threads = (size_t)service->options->workers + 1;
    struct vb_workers *workers = calloc(1, sizeof *workers);
    if (!workers)
        return vb_fail(err, VB_NO_MEMORY, "no memory for worker threads");
    workers->threads = calloc(threads, sizeof(struct vb_worker *));
    enum vb_status status = workers->threads
                                ? vb_crew_init(&workers->crew, service, threads, err)
                                : vb_fail(err, VB_NO_MEMORY, "no memory for worker threads");
    if (status != VB_OK) {
        free(workers->threads);
        free(workers);
        return status;
    }
    if (tuning)
        workers->crew.tuning = *tuning;
    status = start_threads(workers, err);
    if (status == VB_OK)
        *ret_workers = workers;
    else
        vb_workers_stop(workers);
    return status;
}

enum vb_status vb_workers_start(const struct vb_service *service, struct vb_workers **ret_workers,
                                struct vb_error *err)
{
    return vb_workers_start_tuned(service, NULL, ret_workers, err);
}

/* A thread has one for the queue and one that reads; the keeper has its own. */
void vb_workers_connections(const struct vb_service *service, struct vb_connections *sum)
{
    unsigned threads = (unsigned)service->options->workers + 1;
    sum->database += threads + 1;
    sum->source += threads;
}

void vb_workers_request_stop(struct vb_workers *workers)
{
    if (workers)
        vb_crew_stop(&workers->crew);
}

void vb_workers_stop(struct vb_workers *workers)
{
    if (!workers)
        return;
    vb_crew_stop(&workers->crew);
    for (size_t i = 0; i < workers->crew.lease_count; i++)
        vb_worker_join(workers->threads[i]);
    vb_keeper_stop(workers->keeper);
    vb_crew_done(&workers->crew);
    free(workers->threads);
    free(workers);
}
