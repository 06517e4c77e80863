/* Statements and their parameters: see query.h. Owns the two buffers of a query.
 *
 * Values stand in one buffer by their offsets, since it moves as it grows: addresses are taken when
 * the statement is sent, and never kept across a bind.
 */
#include "query.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* 64 branches of a scope (scope.c) are the longest there are: room for two kilobytes each. */
#define SQL_CEILING (128u * 1024u)
/* Lists are the largest: of words, from a body of 64 KiB, or of transactions that are open in the
 * source (wait.c). */
#define VALUES_CEILING (4u * 1024u * 1024u)

void vb_query_init(struct vb_query *query)
{
    vb_buffer_init(&query->sql, SQL_CEILING);
    vb_buffer_init(&query->values, VALUES_CEILING);
    query->status = VB_OK;
    query->count = 0;
}

void vb_query_done(struct vb_query *query)
{
    vb_buffer_done(&query->sql);
    vb_buffer_done(&query->values);
}

void vb_query_add_text(struct vb_query *query, const char *text)
{
    if (query->status == VB_OK)
        query->status = vb_buffer_append_text(&query->sql, text);
}

void vb_query_add(struct vb_query *query, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (query->status != VB_OK)
        return;
    if (length < 0 || (size_t)length >= sizeof text)
        query->status = VB_LIMIT;
    else
        query->status = vb_buffer_append(&query->sql, text, (size_t)length);
}

/* With its type, since the server could not infer one from a view's expressions. */
void vb_query_bind(struct vb_query *query, const char *value, const char *type)
{
    if (query->status != VB_OK)
        return;
    if (query->count == VB_QUERY_PARAMETERS) {
        query->status = VB_LIMIT;
        return;
    }
    query->starts[query->count++] = query->values.length;
    query->status = vb_buffer_append(&query->values, value, strlen(value) + 1);
    vb_query_add(query, "$%d::%s", query->count, type);
}

void vb_query_bind_number(struct vb_query *query, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    vb_query_bind(query, text, "bigint");
}

/* Quoted throughout, so that words with commas, braces or the word NULL stay words. */
enum vb_status vb_query_list_word(struct vb_buffer *list, const char *word)
{
    enum vb_status status = vb_buffer_append_text(list, list->length == 0 ? "{\"" : ",\"");
    for (; *word && status == VB_OK; word++) {
        if (*word == '"' || *word == '\\')
            status = vb_buffer_append_byte(list, '\\');
        if (status == VB_OK)
            status = vb_buffer_append_byte(list, *word);
    }
    return status == VB_OK ? vb_buffer_append_byte(list, '"') : status;
}

void vb_query_bind_words(struct vb_query *query, const struct vb_words *words, const char *type)
{
    char array[32];
    struct vb_buffer list;
    enum vb_status status = VB_OK;
    snprintf(array, sizeof array, "%s[]", type);
    vb_buffer_init(&list, VALUES_CEILING);
    for (size_t i = 0; i < words->count && status == VB_OK; i++)
        status = vb_query_list_word(&list, words->items[i]);
    if (status == VB_OK)
        status = vb_buffer_append_text(&list, words->count > 0 ? "}" : "{}");
    if (status == VB_OK)
        vb_query_bind(query, list.data, array);
    else if (query->status == VB_OK)
        query->status = status;
    vb_buffer_done(&list);
}

const char *vb_query_value(const struct vb_query *query, int number)
{
    return query->values.data + query->starts[number];
}
