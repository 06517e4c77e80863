/* The look-ups of channels, made once with the contract, of which they become part. See
 * verbatim/source.h.
 *
 * Both answer the server's clock and snapshot beside the channel: an export's as_of is taken by the
 * same statement that finds its channel, so no instant lies between them.
 */
#include "contract.h"

#include <stdio.h>

#define SQL_CEILING 4096u

/* $1 is the workspace and $2 what the filter asks for. Ordered, so that of two channels with one
 * phone number it is always the same that is found first. */
static enum vb_status build_lookup(struct vb_contract *contract, const char *filter, char **ret_sql)
{
    struct vb_buffer sql;
    vb_buffer_init(&sql, SQL_CEILING);
    enum vb_status status = vb_buffer_append_text(&sql, "SELECT c.id, ");
    if (status == VB_OK)
        status = vb_contract_append(contract, &sql, "c", "channel", "name");
    if (status == VB_OK)
        status = vb_buffer_append_text(&sql, ", ");
    if (status == VB_OK)
        status = vb_contract_append(contract, &sql, "c", "channel", "channel_type");
    if (status == VB_OK)
        status = vb_buffer_append_text(&sql, ", ");
    if (status == VB_OK)
        status = vb_contract_append(contract, &sql, "c", "channel", "phone_number");
    if (status == VB_OK)
        status = vb_buffer_append_text(&sql, ", ");
    if (status == VB_OK)
        status = vb_contract_append_now(contract, &sql);
    if (status == VB_OK)
        status = vb_buffer_printf(&sql,
                                  ", pg_current_snapshot()"
                                  " FROM %s.channel c"
                                  " WHERE c.workspace_id = $1::%s"
                                  " AND %s"
                                  " ORDER BY c.id",
                                  contract->schema,
                                  vb_contract_cast(contract, "channel", "workspace_id"), filter);
    if (status == VB_OK)
        *ret_sql = vb_buffer_take(&sql);
    vb_buffer_done(&sql);
    return status;
}

enum vb_status vb_contract_build_lookups(struct vb_contract *contract)
{
    char filter[64];
    snprintf(filter, sizeof filter, "c.id = $2::%s", vb_contract_cast(contract, "channel", "id"));
    enum vb_status status = build_lookup(contract, filter, &contract->channel_by_id);
    if (status != VB_OK)
        return status;
    /* Without phone numbers nothing is found, and $2 still has a type. */
    bool known = vb_contract_column(contract, "channel", "phone_number")->type != 0;
    return build_lookup(contract,
                        known ? "c.phone_number = $2::text" : "$2::text IS NULL AND false",
                        &contract->channel_by_phone);
}

const char *vb_contract_channel_by_id_sql(const struct vb_contract *contract)
{
    return contract->channel_by_id;
}

const char *vb_contract_channel_by_phone_sql(const struct vb_contract *contract)
{
    return contract->channel_by_phone;
}

/* Both sides are compared with it, and may be of different types of one family. */
bool vb_contract_workspace_id_valid(const struct vb_contract *contract, struct vb_view id)
{
    return vb_contract_text_fits(id,
                                 vb_contract_column(contract, "channel", "workspace_id")->type) &&
           vb_contract_text_fits(
               id, vb_contract_column(contract, "conversation", "workspace_id")->type);
}
