/* Numbers of an export as a value; see verbatim/statistics.h. */
#include "verbatim/statistics.h"

#include <stdlib.h>

void vb_statistics_done(struct vb_statistics *statistics)
{
    if (!statistics)
        return;
    free(statistics->days);
    *statistics = (struct vb_statistics){0};
}

uint64_t vb_statistics_messages(const struct vb_statistics *statistics)
{
    uint64_t sum = 0;
    for (int i = 0; i < VB_SPEAKERS; i++)
        sum += statistics->messages[i];
    return sum;
}
