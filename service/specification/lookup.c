/* Rows of look-ups: what they say is kept in the resolution. See lookup.h. Pure.
 *
 * Whoever sent the statements frees the results after the call, so all that is needed later is
 * copied. What is missing, another workspace's or hidden from the caller gives the same answer: a
 * difference would tell a stranger what exists.
 */
#include "lookup.h"

#include "rules/channel_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vb_resolution_channel(const struct vb_resolution *resolution, int column)
{
    return resolution->channels ? vb_pg_value(resolution->channels, resolution->channel, column)
                                : NULL;
}

enum vb_resolved vb_lookup_no_memory(struct vb_resolution *resolution)
{
    (void)vb_fail(&resolution->error, VB_NO_MEMORY, "no memory for the request");
    return VB_RESOLVED_FAILED;
}

enum vb_resolved vb_lookup_missing(struct vb_resolution *resolution, const char *member)
{
    (void)snprintf(resolution->member, sizeof(resolution->member), "%s", member);
    return VB_RESOLVED_MISSING;
}

/* As text, so that the order is the same whatever type the source gives its ids; callers see it in
 * the list of candidates. */
static int by_id(const void *a, const void *b, void *channels)
{
    const int *left = a, *right = b;
    return strcmp(vb_pg_value(channels, *left, CHANNEL_ID),
                  vb_pg_value(channels, *right, CHANNEL_ID));
}

/* A detailed type that is not known fits no coarse one. */
static bool type_fits(const PGresult *rows, int row, int column, const char *wanted)
{
    const char *detailed = wanted ? vb_pg_value(rows, row, column) : NULL;
    const char *coarse = detailed ? vb_channel_type_coarse(vb_view_of(detailed)) : NULL;
    return !wanted || (coarse && strcmp(coarse, wanted) == 0);
}

/* The selected channel. Its row is needed after its sender has freed the result. Several rows can
 * only come of a phone number; more than VB_RESOLVE_CANDIDATES are as good as that many. */
enum vb_resolved vb_lookup_read_channel(struct vb_resolution *resolution,
                                        const struct vb_resolve_lookup *lookup,
                                        const PGresult *found)
{
    int *rows = resolution->candidates;
    size_t count = 0;
    resolution->channels = PQcopyResult(found, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    if (!resolution->channels)
        return vb_lookup_no_memory(resolution);
    for (int row = 0; row < PQntuples(found) && count < VB_RESOLVE_CANDIDATES; row++)
        if (type_fits(found, row, CHANNEL_TYPE, resolution->specification.channel_type))
            rows[count++] = row;
    resolution->candidate_count = count;
    if (count == 0)
        return vb_lookup_missing(resolution, lookup->member);
    if (count > 1) {
        qsort_r(rows, count, sizeof(rows[0]), by_id, resolution->channels);
        return VB_RESOLVED_SEVERAL;
    }
    resolution->channel = rows[0];
    resolution->as_of = strtoll(vb_resolution_channel(resolution, CHANNEL_AS_OF), NULL, 10);
    return VB_RESOLVED;
}

enum vb_resolved vb_lookup_read_any(struct vb_resolution *resolution,
                                    const struct vb_resolve_lookup *lookup, const PGresult *found)
{
    return PQntuples(found) > 0 ? VB_RESOLVED : vb_lookup_missing(resolution, lookup->member);
}

/* A thing without a name is there all the same. */
enum vb_resolved vb_lookup_read_titled(struct vb_resolution *resolution,
                                       const struct vb_resolve_lookup *lookup,
                                       const PGresult *found)
{
    if (PQntuples(found) == 0)
        return vb_lookup_missing(resolution, lookup->member);
    const char *name = vb_pg_value(found, 0, 0);
    if (!name)
        return VB_RESOLVED;
    resolution->title = strdup(name);
    return resolution->title ? VB_RESOLVED : vb_lookup_no_memory(resolution);
}

/* The ids of the rows whose channel type fits (`coarse` NULL: all) as one of the specification's
 * own lists. */
static enum vb_resolved limit_to(struct vb_resolution *resolution, const char *member,
                                 const PGresult *found, const char *coarse)
{
    const char **ids = calloc((size_t)PQntuples(found) + 1, sizeof *ids);
    size_t count = 0;
    for (int row = 0; row < PQntuples(found) && ids; row++)
        if (type_fits(found, row, 1, coarse))
            ids[count++] = PQgetvalue(found, row, 0);
    enum vb_status status = ids ? vb_specification_limit(&resolution->specification, member,
                                                         (struct vb_words){ids, count})
                                : VB_NO_MEMORY;
    free(ids);
    return status == VB_OK ? VB_RESOLVED : vb_lookup_no_memory(resolution);
}

/* None of the type is no error: then the export is empty. */
enum vb_resolved vb_lookup_read_channels(struct vb_resolution *resolution,
                                         const struct vb_resolve_lookup *lookup,
                                         const PGresult *found)
{
    return limit_to(resolution, "channel_ids", found, lookup->value);
}

/* One row more than the ceiling was asked for, and tells that there are too many. */
enum vb_resolved vb_lookup_read_person(struct vb_resolution *resolution,
                                       const struct vb_resolve_lookup *lookup,
                                       const PGresult *found)
{
    (void)lookup;
    if (PQntuples(found) > (int)VB_SAME_PERSON)
        return VB_RESOLVED_CROWD;
    return limit_to(resolution, "contact_ids", found, NULL);
}

/* A row is the place, from 1, of the first id that cannot be seen; problems count from 0. */
enum vb_resolved vb_lookup_read_conversations(struct vb_resolution *resolution,
                                              const struct vb_resolve_lookup *lookup,
                                              const PGresult *found)
{
    if (PQntuples(found) == 0)
        return VB_RESOLVED;
    char member[sizeof(resolution->member)];
    long place = strtol(PQgetvalue(found, 0, 0), NULL, 10);
    (void)snprintf(member, sizeof member, "%s.%ld", lookup->member, place - 1);
    return vb_lookup_missing(resolution, member);
}

/* The moment is the source's clock, not this machine's. */
enum vb_resolved vb_lookup_read_now(struct vb_resolution *resolution,
                                    const struct vb_resolve_lookup *lookup, const PGresult *found)
{
    (void)lookup;
    resolution->as_of = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    resolution->snapshot = strdup(PQgetvalue(found, 0, 1));
    return resolution->snapshot ? VB_RESOLVED : vb_lookup_no_memory(resolution);
}
