/* How hosts have behaved. See media/hosts.h.
 *
 * The slow start is what keeps a window of fetches from doing to a host that is gone what one fetch
 * after the other never did: ten thousand attachments of it cost a handful of requests, and a host
 * that is short of breath is not asked for sixteen media at once before it has answered for one.
 */
#include "hosts.h"

#include "verbatim/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host that failed so often in a row is passed over for a while: ten thousand attachments of one
 * that is gone would otherwise take days. */
#define PATIENT_FAILURES 5u
#define PASSED_OVER (30 * VB_SECOND)
#define TENDER_ANSWERS 16u
#define REMEMBERED 8u /* beside those that are held */

struct vb_hosts {
    size_t at_one_host;
    uint64_t uses;
    size_t count;
    struct vb_host each[];
};

enum vb_status vb_hosts_new(size_t fetches, size_t at_one_host, struct vb_hosts **ret_hosts,
                            struct vb_error *err)
{
    size_t count = fetches + REMEMBERED;
    struct vb_hosts *hosts = calloc(1, sizeof *hosts + count * sizeof hosts->each[0]);
    if (!hosts)
        return vb_fail(err, VB_NO_MEMORY, "no memory for fetching media");
    hosts->at_one_host = at_one_host;
    hosts->count = count;
    *ret_hosts = hosts;
    return VB_OK;
}

void vb_hosts_free(struct vb_hosts *hosts)
{
    free(hosts);
}

static bool goes_before(const struct vb_host *host, const struct vb_host *other)
{
    return host->holders == 0 && (other->holders > 0 || host->used < other->used);
}

/* More places than holders: there is always one to forget. */
static struct vb_host *find(struct vb_hosts *hosts, const char *name)
{
    struct vb_host *oldest = &hosts->each[0];
    for (size_t i = 0; i < hosts->count; i++) {
        struct vb_host *host = &hosts->each[i];
        if (strcmp(host->name, name) == 0)
            return host;
        if (goes_before(host, oldest))
            oldest = host;
    }
    *oldest = (struct vb_host){.most = 1};
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

struct vb_host *vb_hosts_hold(struct vb_hosts *hosts, const char *name)
{
    struct vb_host *host = find(hosts, name);
    host->holders++;
    host->used = ++hosts->uses;
    return host;
}

void vb_hosts_let_go(struct vb_host *host)
{
    host->holders--;
}

bool vb_host_is_weak(const struct vb_host *host)
{
    return host->failures >= PATIENT_FAILURES;
}

bool vb_host_is_passed_over(const struct vb_host *host, int64_t now)
{
    return vb_host_is_weak(host) && now < host->not_before;
}

bool vb_host_enter(struct vb_host *host, int64_t now)
{
    if (host->busy >= host->most || now < host->throttled_until)
        return false;
    host->busy++;
    return true;
}

/* Twice as many each round at first; where that was too much before, one more for many answers. */
static void grow(struct vb_host *host, size_t most)
{
    if (host->most >= most || (host->tender && ++host->answers < TENDER_ANSWERS))
        return;
    host->most++;
    host->answers = 0;
}

void vb_host_leave(struct vb_hosts *hosts, struct vb_host *host, bool healthy, int64_t now)
{
    host->busy--;
    if (healthy) {
        host->failures = 0;
        grow(host, hosts->at_one_host);
        return;
    }
    host->failures++;
    vb_host_calm(host);
    if (vb_host_is_weak(host))
        host->not_before = now + PASSED_OVER;
}

void vb_host_abandon(struct vb_host *host)
{
    host->busy--;
}

/* Those that are at it already go on: each of them hears it for itself. */
void vb_host_slow_down(struct vb_host *host, int64_t until)
{
    host->most -= host->most / 2;
    host->tender = true;
    host->answers = 0;
    if (host->throttled_until < until)
        host->throttled_until = until;
}

void vb_host_calm(struct vb_host *host)
{
    host->most = 1;
    host->tender = true;
    host->answers = 0;
}
