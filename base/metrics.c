/* One row a counter: its Prometheus name and help. The order of the rows does not matter.
 *
 * Counters only grow while the process lives and begin at 0 with it, which is what Prometheus
 * expects of a counter. All accesses are relaxed: a counter orders nothing else, and the values
 * that one answer shows need not be of one instant. Each value of the enum needs its row: one
 * without is shown under no name.
 */
#include "verbatim/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>

/* The prefix "verbatim_" is put before `name`; "_total" and the unit in the name are Prometheus's
 * rule. */
struct counter_row {
    const char *name;
    const char *help;
    bool microseconds; /* kept as such, shown in seconds */
};

static const struct counter_row rows[VB_COUNTERS] = {
    [VB_COUNT_JOBS_CREATED] = {"jobs_created_total", "Export jobs accepted."},
    [VB_COUNT_JOBS_FINISHED] = {"jobs_finished_total", "Export jobs finished by this process."},
    [VB_COUNT_JOBS_FAILED] = {"jobs_failed_total", "Export jobs failed by this process."},
    [VB_COUNT_SEGMENTS_CLAIMED] = {"segments_claimed_total", "Segments claimed."},
    [VB_COUNT_SEGMENTS_RECORDED] = {"segments_recorded_total", "Segments recorded."},
    [VB_COUNT_SEGMENTS_SPLIT] = {"segments_split_total", "Segments whose rest was put back."},
    [VB_COUNT_SEGMENTS_ABSORBED] = {"segments_absorbed_total", "Successors taken over."},
    [VB_COUNT_SEGMENT_RETRIES] = {"segment_retries_total", "Attempts charged to a segment."},
    [VB_COUNT_LEASES_LOST] = {"leases_lost_total", "Leases found expired and taken back."},
    [VB_COUNT_FENCES_REFUSED] = {"fences_refused_total", "Writes refused: not ours any more."},
    [VB_COUNT_QUEUE_POLLS] = {"queue_polls_total", "Looks for work."},
    [VB_COUNT_MESSAGES] = {"messages_total", "Messages rendered."},
    [VB_COUNT_MEDIA_STORED] = {"media_stored_total", "Media fetched and put into archives."},
    [VB_COUNT_MEDIA_FAILED] = {"media_failed_total", "Media that could not be had."},
    [VB_COUNT_BAD_ROWS] = {"bad_rows_total", "Rows of the source left out and listed."},
    [VB_COUNT_CONVERSATIONS] = {"conversations_total", "Conversations rendered."},
    [VB_COUNT_BYTES_READ] = {"rendered_bytes_total", "Bytes rendered, before deflate."},
    [VB_COUNT_BYTES_STORED] = {"stored_bytes_total", "Bytes of archives stored."},
    [VB_COUNT_PARTS_STORED] = {"parts_stored_total", "Parts of archives stored."},
    [VB_COUNT_STORAGE_RETRIES] = {"storage_retries_total", "Storage requests sent again."},
    [VB_COUNT_MAILS_SENT] = {"mails_sent_total", "Mails accepted by the mail server."},
    [VB_COUNT_MAILS_FAILED] = {"mails_failed_total", "Attempts to send a mail that failed."},
    [VB_COUNT_CLEANUPS] = {"cleanups_total", "Leftovers worked off."},
    [VB_COUNT_HTTP_REQUESTS] = {"http_requests_total", "HTTP requests answered."},
    [VB_COUNT_HTTP_REFUSED] = {"http_refused_total",
                               "Connections ended for framing, limits or deadlines."},
    [VB_COUNT_SPANS_SENT] = {"spans_sent_total", "Spans taken by the collector."},
    [VB_COUNT_SPANS_DROPPED] = {"spans_dropped_total", "Spans lost: no room, or no collector."},
    [VB_COUNT_TLS_FAILED] = {"tls_handshakes_failed_total", "Handshakes of TLS that failed."},
    [VB_COUNT_DATABASE_RECONNECTS] = {"database_reconnects_total",
                                      "Database connections made again."},
    [VB_COUNT_JOB_SECONDS_MICRO] = {"job_duration_seconds_total",
                                    "Time from created to finished, summed over jobs.", true},
};

/* Of 64 bits: microseconds summed over jobs take 584,000 years to wrap. */
static _Atomic uint64_t counts[VB_COUNTERS];

void vb_count(enum vb_counter counter, uint64_t by)
{
    atomic_fetch_add_explicit(&counts[counter], by, memory_order_relaxed);
}

uint64_t vb_counted(enum vb_counter counter)
{
    return atomic_load_explicit(&counts[counter], memory_order_relaxed);
}

enum vb_status vb_metrics_write(struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (int i = 0; i < VB_COUNTERS && status == VB_OK; i++) {
        uint64_t value = vb_counted((enum vb_counter)i);
        status = vb_buffer_printf(out, "# HELP verbatim_%s %s\n# TYPE verbatim_%s counter\n",
                                  rows[i].name, rows[i].help, rows[i].name);
        if (status == VB_OK && rows[i].microseconds)
            status = vb_buffer_printf(out, "verbatim_%s %" PRIu64 ".%06" PRIu64 "\n", rows[i].name,
                                      value / 1000000, value % 1000000);
        else if (status == VB_OK)
            status = vb_buffer_printf(out, "verbatim_%s %" PRIu64 "\n", rows[i].name, value);
    }
    return status;
}
