/* Whether a source can answer a selection. Pure.
 *
 * A filter on a column that the source lacks is refused by its name: read as NULL it would find
 * nothing, and an export that is empty for that reason looks like one of nothing to tell. The
 * audience is no such filter: without its columns nothing may be shown.
 */
#include "contract.h"

struct need {
    bool is_asked;
    const char *column, *filter;
};

enum vb_status vb_contract_selection_check(const struct vb_contract *contract,
                                           const struct vb_selection *selection,
                                           struct vb_error *err)
{
    const struct need needs[] = {
        {selection->assistant_id != NULL, "assistant_id", "an assistant"},
        {selection->contact_id || selection->contact_ids.items, "contact_id", "a contact"},
        {selection->statuses.items != NULL, "status", "status"},
        {selection->tags.items != NULL, "tags", "tags"},
        {selection->completed_only, "ended_at", "completed conversations"},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (needs[i].is_asked &&
            vb_contract_column(contract, "conversation", needs[i].column)->type == 0)
            return vb_fail(err, VB_SOURCE,
                           "the source has no column conversation.%s, so it cannot be asked for %s",
                           needs[i].column, needs[i].filter);
    return VB_OK;
}
