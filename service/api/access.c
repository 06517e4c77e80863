/* Reading a key's row. One block of memory a request; no database, no answers.
 *
 * An audience that was not read lets nothing through (`nothing`): who forgets to fill it shows too
 * little rather than too much.
 */
#include "access.h"

#include "database/array.h"
#include "sql.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the key's row --- */

static int by_text(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Sorted and without doubles, so that equal audiences are equal texts wherever they are
 * compared. */
static size_t unite(const char **words, size_t count)
{
    size_t kept = 0;
    qsort(words, count, sizeof(*words), by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(words[kept - 1], words[i]) != 0)
            words[kept++] = words[i];
    return kept;
}

/* The columns that are kept as text, and where each goes. */
static const struct {
    int column;
    size_t member;
} texts[] = {
    {ABOUT_WORKSPACE, offsetof(struct vb_access, workspace)},
    {ABOUT_ZONE, offsetof(struct vb_access, time_zone)},
    {ABOUT_SOURCE, offsetof(struct vb_access, source_id)},
    {ABOUT_PROFILE, offsetof(struct vb_access, csv_profile)},
    {ABOUT_DELIMITER, offsetof(struct vb_access, delimiter)},
    {ABOUT_QUOTE, offsetof(struct vb_access, csv_quote)},
    {ABOUT_USER, offsetof(struct vb_access, user)},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* For the audit and for who asked for an export: the most human of what is known. */
static struct vb_view author_of(const char *key_id, const PGresult *row)
{
    struct vb_view user = vb_pg_view(row, 0, ABOUT_USER), name = vb_pg_view(row, 0, ABOUT_NAME);
    return user.length > 0 ? user : name.length > 0 ? name : vb_view_of(key_id);
}

/* Copies behind what the block holds already; make_block has counted it. */
static const char *keep(char **at, struct vb_view text)
{
    char *kept = *at;
    if (text.length > 0)
        memcpy(kept, text.data, text.length);
    kept[text.length] = '\0';
    *at += text.length + 1;
    return kept;
}

/* Room for the list of tags first, then for all texts with their NULs. An audience's wire form has
 * four bytes more than its text for each tag, so it has room for the NULs. */
static char *make_block(const PGresult *row, size_t tags, struct vb_view audience,
                        struct vb_view author)
{
    size_t size = (tags + 1) * sizeof(char *) + audience.length + author.length + 1;
    for (size_t i = 0; i < TEXTS; i++)
        size += vb_pg_view(row, 0, texts[i].column).length + 1;
    return malloc(size);
}

/* A list that nobody has looked at yet lets nothing through. */
static const char *const nothing[1] = {NULL};

enum vb_status vb_access_judge(const char *key_id, const PGresult *row,
                               struct vb_access *ret_access)
{
    struct vb_access access = {0};
    if (PQnfields(row) < KEY_COLUMNS || PQntuples(row) < 1 ||
        !vb_role_find(vb_pg_view(row, 0, KEY_ROLE), &access.role))
        return VB_INVALID;
    access.is_restricted = access.role == VB_ROLE_EDITOR;
    if (access.is_restricted)
        access.audience = (struct vb_words){nothing, 0};
    (void)snprintf(access.key_id, sizeof(access.key_id), "%s", key_id);
    *ret_access = access;
    return VB_OK;
}

static enum vb_csv_mark mark_of(const PGresult *row)
{
    if (vb_pg_null(row, 0, ABOUT_MARK))
        return VB_CSV_MARK_OF_PROFILE;
    return vb_pg_boolean(row, 0, ABOUT_MARK) ? VB_CSV_MARK_ON : VB_CSV_MARK_OFF;
}

enum vb_status vb_access_fill(const char *key_id, const PGresult *row, struct vb_access *ret_access)
{
    struct vb_access access = {0};
    enum vb_status status = vb_access_judge(key_id, row, &access);
    if (status != VB_OK || PQnfields(row) < ABOUT_COLUMNS)
        return VB_INVALID;
    struct vb_view audience =
        access.is_restricted ? vb_pg_view(row, 0, ABOUT_AUDIENCE) : (struct vb_view){NULL, 0};
    struct vb_view author = author_of(key_id, row), tag;
    struct vb_pg_array tags = vb_pg_array_of(audience);
    char *block = make_block(row, tags.count, audience, author);
    if (!block)
        return VB_NO_MEMORY;
    const char **words = (const char **)(void *)block;
    char *at = block + (tags.count + 1) * sizeof(char *);
    size_t count = 0;
    while (vb_pg_array_next(&tags, &tag))
        if (tag.length > 0)
            words[count++] = keep(&at, tag);
    if (access.is_restricted)
        access.audience = (struct vb_words){words, unite(words, count)};
    access.csv_mark = mark_of(row);
    access.block = block;
    access.author = keep(&at, author);
    for (size_t i = 0; i < TEXTS; i++) {
        const char *kept = keep(&at, vb_pg_view(row, 0, texts[i].column));
        memcpy((char *)&access + texts[i].member, &kept, sizeof(kept));
    }
    *ret_access = access;
    return VB_OK;
}

void vb_access_done(struct vb_access *access)
{
    if (!access)
        return;
    free(access->block);
    *access = (struct vb_access){0};
}

/* Good as long as the access is. */
struct vb_caller vb_access_caller(const struct vb_access *access)
{
    return (struct vb_caller){.workspace = access->workspace,
                              .source_id = access->source_id,
                              .time_zone = access->time_zone,
                              .csv_profile = access->csv_profile,
                              .delimiter = access->delimiter,
                              .csv_quote = access->csv_quote,
                              .csv_mark = access->csv_mark,
                              .author = access->author,
                              .key_id = access->key_id,
                              .is_restricted = access->is_restricted,
                              .audience = access->audience};
}
