/* What a worker thread keeps from claim to claim: reader, storage session, uploader, row buffer.
 *
 * Each claim gets a line of its own and leaves nothing behind in these, however it ended: no page
 * half read, no part in flight, no row in the buffer. Connections stay open, so that a small export
 * pays for no handshake. All but the uploader's companion is the worker's thread's.
 */
#include "line.h"

#include "verbatim/log.h"

#include <stdlib.h>

struct vb_runner {
    struct vb_runner_options options;
    struct vb_reader *reader;
    struct vb_storage_session *session;
    struct vb_uploader *uploader;
    struct vb_media_work *work; /* NULL until a job asks for media */
    struct vb_buffer out;
};

/* The reader's words, with the job of the thread's lines. */
static void tell_slow(const char *text)
{
    vb_warn("%s", text);
}

static enum vb_status open_parts(struct vb_runner *runner, struct vb_error *err)
{
    struct vb_crew *crew = runner->options.crew;
    const struct vb_service *service = crew->service;
    struct vb_reader_options reader = {
        .connection_string = service->options->source_url,
        .application_name = "verbatim reader",
        .contract = service->contract,
        .pace = service->pace,
        .prepared_statements = service->options->prepared_statements,
        .page_conversations = crew->tuning.page_conversations,
        .giant_messages = crew->tuning.giant_messages,
        .replica_wait = service->options->replica_wait,
        .stop = vb_lease_stop,
        .stop_context = runner->options.lease,
        .slow = tell_slow,
    };
    enum vb_status status = vb_reader_new(&reader, &runner->reader, err);
    if (status == VB_OK)
        status = vb_storage_session_new(service->storage, vb_lease_stop, runner->options.lease,
                                        &runner->session, err);
    if (status == VB_OK && !runner->options.express)
        status = vb_uploader_new(service->storage, runner->options.lease, &runner->uploader, err);
    return status;
}

enum vb_status vb_runner_new(const struct vb_runner_options *options, struct vb_runner **ret_runner,
                             struct vb_error *err)
{
    struct vb_runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a worker");
    runner->options = *options;
    vb_buffer_init(&runner->out, VB_ROW_CEILING);
    enum vb_status status = open_parts(runner, err);
    if (status == VB_OK)
        *ret_runner = runner;
    else
        vb_runner_free(runner);
    return status;
}

void vb_runner_free(struct vb_runner *runner)
{
    if (!runner)
        return;
    vb_uploader_free(runner->uploader);
    vb_storage_session_free(runner->session);
    vb_reader_free(runner->reader);
    vb_media_work_free(runner->work);
    vb_buffer_done(&runner->out);
    free(runner);
}

/* The express thread is not for waits on other people's servers. */
static enum vb_status open_media(struct vb_runner *runner, struct vb_line *line,
                                 struct vb_error *err)
{
    enum vb_status status = VB_OK;
    if (!(line->claim->job.specification.include & VB_INCLUDE_MEDIA))
        return VB_OK;
    if (line->express)
        return VB_AGAIN;
    if (!runner->work)
        status = vb_media_work_new(line->crew, line->lease, &runner->work, err);
    line->work = runner->work;
    return status;
}

static enum vb_status walk(struct vb_line *line, enum vb_segment_release *ret_back,
                           struct vb_error *err)
{
    if (line->claim->job.closing && !line->claim->stretch.has_high)
        return vb_line_complete(line, err);
    enum vb_status status = vb_line_open(line, err);
    if (status == VB_OK)
        status = vb_line_read(line, err);
    if (status == VB_OK)
        status = vb_line_end(line, ret_back, err);
    return status;
}

bool vb_runner_source_away(const struct vb_runner *runner)
{
    return vb_reader_source_away(runner->reader);
}

enum vb_status vb_runner_run(struct vb_runner *runner, struct vb_claim *claim,
                             enum vb_segment_release *ret_back, struct vb_error *err)
{
    struct vb_line line = {.crew = runner->options.crew,
                           .lease = runner->options.lease,
                           .pg = runner->options.pg,
                           .reader = runner->reader,
                           .session = runner->session,
                           .uploader = runner->uploader,
                           .out = &runner->out,
                           .express = runner->options.express,
                           .claim = claim};
    struct vb_error ignored;
    *ret_back = VB_RELEASE_EXPRESS;
    enum vb_status status = open_media(runner, &line, err);
    if (status == VB_OK)
        status = walk(&line, ret_back, err);
    /* The claim's strings are borrowed by the uploader: nothing may be in flight when it goes. */
    if (line.uploading && vb_uploader_drain(runner->uploader, &ignored) != VB_OK)
        vb_debug("the part in flight failed: %s", ignored.text);
    vb_reader_pause(runner->reader); /* a run may have ended in the middle of a page */
    vb_line_done(&line);
    vb_buffer_reset(&runner->out);
    return status;
}
