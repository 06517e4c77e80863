/* Attachments of one conversation, page by page: see source.h. Owns the result of one statement. */
#include "decode.h"
#include "reader.h"

#include <stdlib.h>

struct vb_attachments {
    PGresult *rows; /* NULL: none */
};

enum { ID, MESSAGE_ID, URL, FILE_NAME, CONTENT_TYPE, SIZE };

static void add_text(struct vb_query *query, const struct vb_contract *contract, const char *name)
{
    vb_query_add(query, ", ");
    if (query->status == VB_OK)
        query->status = vb_contract_append(contract, &query->sql, "t", "attachment", name);
}

static void build(struct vb_query *query, const struct vb_contract *contract,
                  const char *conversation, const char *after, size_t limit)
{
    bool sized = vb_contract_column(contract, "attachment", "size")->type != 0;
    vb_query_add(query, "SELECT t.id::text, t.message_id::text");
    add_text(query, contract, "url");
    add_text(query, contract, "file_name");
    add_text(query, contract, "content_type");
    vb_query_add(query, ", %s FROM %s.attachment t WHERE t.conversation_id = ",
                 sized ? "t.size::bigint" : "NULL", contract->schema);
    vb_query_bind(query, conversation, vb_contract_cast(contract, "conversation", "id"));
    if (after) {
        vb_query_add(query, " AND t.id > ");
        vb_query_bind(query, after, vb_contract_cast(contract, "attachment", "id"));
    }
    vb_query_add(query, " ORDER BY t.id LIMIT ");
    vb_query_bind_number(query, limit);
}

enum vb_status vb_reader_attachments(struct vb_reader *reader, const char *conversation,
                                     const char *after, size_t limit,
                                     struct vb_attachments **ret_attachments, struct vb_error *err)
{
    const struct vb_contract *contract = reader->options.contract;
    struct vb_attachments *attachments = calloc(1, sizeof *attachments);
    if (!attachments)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a list of attachments");
    enum vb_status status = VB_OK;
    if (vb_contract_column(contract, "attachment", "id")->type != 0) {
        struct vb_query query;
        vb_reader_pause(reader);
        vb_query_init(&query);
        build(&query, contract, conversation, after, limit);
        status = vb_session_query(&reader->session, &query, &attachments->rows, err);
        vb_query_done(&query);
    }
    if (status == VB_OK)
        *ret_attachments = attachments;
    else
        vb_attachments_free(attachments);
    return status;
}

size_t vb_attachments_count(const struct vb_attachments *attachments)
{
    return attachments->rows ? (size_t)PQntuples(attachments->rows) : 0;
}

struct vb_attachment vb_attachments_get(const struct vb_attachments *attachments, size_t index)
{
    int row = (int)index;
    const PGresult *rows = attachments->rows;
    struct vb_view size = vb_result_view(rows, row, SIZE);
    struct vb_attachment attachment = {
        .id = vb_result_view(rows, row, ID),
        .message_id = vb_result_view(rows, row, MESSAGE_ID),
        .url = vb_result_view(rows, row, URL),
        .file_name = vb_result_view(rows, row, FILE_NAME),
        .content_type = vb_result_view(rows, row, CONTENT_TYPE),
        .has_size = size.length == 8,
    };
    if (attachment.has_size)
        attachment.size = (int64_t)vb_decode_uint64(size.data);
    return attachment;
}

void vb_attachments_free(struct vb_attachments *attachments)
{
    if (!attachments)
        return;
    PQclear(attachments->rows);
    free(attachments);
}
