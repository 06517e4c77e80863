/* Life of a specification: from JSON, back from its stored form, limited by the service, freed. See
 * specification.h. The rules are check.c's, the printing text.c's.
 *
 * A value owns its document and the lists made from it. Pure. Texts are pointed to in the document
 * and never copied, so the document is the value's memory; that is why lists which the service adds
 * are put into it too.
 */
#include "specification.h"

#include "body_check.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

/* VB_INVALID keeps the document in the problems, which point into it. */
static enum vb_status take(json_t *root, bool stored, struct vb_specification *ret_specification,
                           struct vb_problems *problems)
{
    struct vb_specification specification = {.root = root};
    enum vb_status status = vb_specification_check(&specification, stored, problems);
    if (status == VB_OK) {
        *ret_specification = specification;
        return VB_OK;
    }
    problems->root = json_incref(root);
    vb_specification_done(&specification);
    return status;
}

enum vb_status vb_specification_from(json_t *root, struct vb_specification *ret_specification,
                                     struct vb_problems *ret_problems)
{
    vb_problems_init(ret_problems);
    return root ? take(root, false, ret_specification, ret_problems) : VB_NO_MEMORY;
}

enum vb_status vb_specification_parse(struct vb_view body,
                                      struct vb_specification *ret_specification,
                                      struct vb_problems *ret_problems)
{
    json_t *root = NULL;
    vb_problems_init(ret_problems);
    enum vb_status status = vb_problems_load(ret_problems, body, &root);
    return status == VB_OK ? take(root, false, ret_specification, ret_problems) : status;
}

/* The problems are too large for a worker's stack. The first broken rule is enough: nobody but this
 * program writes stored forms. */
enum vb_status vb_specification_read(struct vb_view stored,
                                     struct vb_specification *ret_specification,
                                     struct vb_error *err)
{
    struct vb_problems *problems = malloc(sizeof *problems);
    if (!problems)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a specification");
    vb_problems_init(problems);
    json_t *root = NULL;
    enum vb_status status = vb_problems_load(problems, stored, &root);
    if (status == VB_OK)
        status = take(root, true, ret_specification, problems);
    if (status == VB_INVALID)
        vb_fail(err, VB_INVALID, "the stored specification breaks a rule: %s: %s",
                problems->items[0].path, problems->items[0].message);
    else if (status != VB_OK)
        vb_fail(err, status, "no memory for a specification");
    vb_problems_done(problems);
    free(problems);
    return status;
}

void vb_specification_done(struct vb_specification *specification)
{
    if (!specification)
        return;
    vb_body_words_done(&specification->conversation_ids);
    vb_body_words_done(&specification->filter.statuses);
    vb_body_words_done(&specification->filter.tags);
    vb_body_words_done(&specification->audience);
    vb_body_words_done(&specification->channel_ids);
    vb_body_words_done(&specification->contact_ids);
    json_decref(specification->root);
    *specification = (struct vb_specification){0};
}

/* Any other name is a mistake of the program and would change the contacts. */
static struct vb_words *own_member(struct vb_specification *specification, const char *member)
{
    if (strcmp(member, "audience") == 0)
        return &specification->audience;
    return strcmp(member, "channel_ids") == 0 ? &specification->channel_ids
                                              : &specification->contact_ids;
}

/* The copies live in the document, as every other text of the value does. */
enum vb_status vb_specification_limit(struct vb_specification *specification, const char *member,
                                      struct vb_words words)
{
    json_t *list = json_array();
    bool is_whole = list != NULL;
    for (size_t i = 0; i < words.count && is_whole; i++)
        is_whole = json_array_append_new(list, json_string(words.items[i])) == 0;
    struct vb_words copy = {0};
    if (!is_whole || vb_body_words_of(list, &copy) != VB_OK) {
        json_decref(list);
        return VB_NO_MEMORY;
    }
    if (json_object_set_new(specification->root, member, list) != 0) {
        vb_body_words_done(&copy);
        return VB_NO_MEMORY;
    }
    struct vb_words *own = own_member(specification, member);
    vb_body_words_done(own);
    *own = copy;
    return VB_OK;
}

const struct vb_renderer *vb_specification_renderer(const struct vb_specification *specification)
{
    return vb_renderer_find(vb_view_of(specification->format), vb_view_of(specification->layout));
}

/* Members that are not its part are left as they are. */
void vb_specification_select(const struct vb_specification *specification,
                             struct vb_selection *selection)
{
    enum vb_select_kind kind = specification->kind;
    const char *select = specification->select;
    selection->channel_id = kind == VB_SELECT_CHANNEL ? select : specification->filter.channel_id;
    selection->assistant_id =
        kind == VB_SELECT_ASSISTANT ? select : specification->filter.assistant_id;
    selection->contact_id = kind == VB_SELECT_CONTACT ? select : specification->filter.contact_id;
    selection->conversation_ids = specification->conversation_ids;
    selection->channel_ids = specification->channel_ids;
    selection->contact_ids = specification->contact_ids;
    /* Everybody who is the selected contact stands for it. */
    if (kind == VB_SELECT_CONTACT && specification->contact_ids.items)
        selection->contact_id = NULL;
    selection->statuses = specification->filter.statuses;
    selection->tags = specification->filter.tags;
    selection->audience = specification->audience;
    selection->completed_only = specification->filter.completed_only;
    selection->activity = specification->filter.activity;
    selection->deleted = (specification->include & VB_INCLUDE_DELETED) != 0;
}

/* Only what holds the rules is in a value that was parsed. */
char vb_specification_delimiter(const struct vb_specification *specification)
{
    const char *given = specification->delimiter;
    char delimiter = ',';
    return given && vb_csv_delimiter_parse(vb_view_of(given), &delimiter) == VB_OK ? delimiter
                                                                                   : ',';
}

enum vb_csv_quote vb_specification_quote(const struct vb_specification *specification)
{
    const char *given = specification->csv_quote;
    enum vb_csv_quote quote = VB_CSV_QUOTE_MINIMAL;
    return given && vb_csv_quote_parse(vb_view_of(given), &quote) == VB_OK ? quote
                                                                           : VB_CSV_QUOTE_MINIMAL;
}
