/* Members of JSON objects against their rules. See body_check.h. Pure.
 *
 * Messages and types are those that FastAPI with Pydantic 2 gives, since clients of the main
 * contract read them; a text that is changed here is a change of the contract. Inputs are pointed
 * to and not copied: the document must outlive the problems.
 */
#include "body_check.h"

#include "rules/channel_type.h"
#include "rules/mail_address.h"
#include "verbatim/clock.h"
#include "verbatim/digits.h"
#include "verbatim/render.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 200u /* of a list at most; its message names the number */

static bool is_anything(struct vb_view text)
{
    return text.data != NULL;
}

static bool is_date(struct vb_view text)
{
    struct vb_date date;
    return vb_date_parse(text, &date) == VB_OK;
}

static bool is_profile(struct vb_view text)
{
    enum vb_csv_profile profile;
    return vb_csv_profile_parse(text, &profile) == VB_OK;
}

static bool is_delimiter(struct vb_view text)
{
    char delimiter;
    return vb_csv_delimiter_parse(text, &delimiter) == VB_OK;
}

static bool is_quote(struct vb_view text)
{
    enum vb_csv_quote quote;
    return vb_csv_quote_parse(text, &quote) == VB_OK;
}

static bool is_match(struct vb_view text)
{
    return vb_view_equals(text, VB_VIEW("id")) || vb_view_equals(text, VB_VIEW("identity"));
}

/* An id of the wrong form is not refused but not found. */
const struct vb_body_rule vb_body_any = {is_anything, "", ""};
const struct vb_body_rule vb_body_date = {is_date, "date_parsing",
                                          "Input should be a valid date in the form YYYY-MM-DD"};
const struct vb_body_rule vb_body_phone = {vb_digits_is_e164, "string_pattern_mismatch",
                                           "String should match pattern '^\\+[1-9]\\d{1,14}$'"};
const struct vb_body_rule vb_body_channel_type = {
    vb_channel_type_known, "enum",
    "Input should be 'sms', 'whatsapp', 'messenger', 'instagram' or 'line'"};
const struct vb_body_rule vb_body_mail = {vb_mail_address_plausible, "value_error",
                                          "value is not a valid email address"};
const struct vb_body_rule vb_body_csv_profile = {is_profile, "enum",
                                                 "Input should be 'safe', 'excel' or 'raw'"};
const struct vb_body_rule vb_body_delimiter = {is_delimiter, "enum",
                                               "Input should be ',', ';' or a tab"};
const struct vb_body_rule vb_body_csv_quote = {is_quote, "enum",
                                               "Input should be 'minimal' or 'all'"};
const struct vb_body_rule vb_body_match = {is_match, "enum", "Input should be 'id' or 'identity'"};

/* The reference stays the document's. */
const json_t *vb_body_member(const struct vb_body_check *check, const char *name)
{
    const json_t *value = json_object_get(check->object, name);
    return json_is_null(value) ? NULL : value;
}

static void add(struct vb_body_check *check, const char *type, const char *name, int index,
                const char *message, const json_t *input)
{
    /* An object as a whole is a member of the one that holds it. */
    const struct vb_problem problem = {.type = type,
                                       .within = name ? check->within : NULL,
                                       .member = name ? name : check->within,
                                       .index = index,
                                       .message = message,
                                       .input = input};
    vb_problems_add(check->problems, &problem);
}

void vb_body_problem(struct vb_body_check *check, const char *type, const char *name,
                     const char *message, const json_t *input)
{
    add(check, type, name, -1, message, input);
}

bool vb_body_is_object(struct vb_body_check *check)
{
    if (json_is_object(check->object))
        return true;
    vb_body_problem(check, "model_attributes_type", NULL, "Input should be a JSON object",
                    check->object);
    return false;
}

/* One text by its rule: the text, or NULL and a problem. `index` as in a problem. jansson refuses
 * NUL in texts, so each ends where C thinks it does. */
static const char *judge_text(struct vb_body_check *check, const char *name, int index,
                              const json_t *value, const struct vb_body_rule *rule)
{
    if (!json_is_string(value)) {
        add(check, "string_type", name, index, "Input should be a valid string", value);
        return NULL;
    }
    struct vb_view text = {json_string_value(value), json_string_length(value)};
    if (!rule->holds(text)) {
        add(check, rule->type, name, index, rule->message, value);
        return NULL;
    }
    return text.data;
}

const char *vb_body_text(struct vb_body_check *check, const char *name,
                         const struct vb_body_rule *rule)
{
    const json_t *value = vb_body_member(check, name);
    return value ? judge_text(check, name, -1, value, rule) : NULL;
}

/* Asked for without vb_body_member: a null is there, and is no string. */
const char *vb_body_required_text(struct vb_body_check *check, const char *name,
                                  const struct vb_body_rule *rule)
{
    const json_t *value = json_object_get(check->object, name);
    if (value)
        return judge_text(check, name, -1, value, rule);
    vb_body_problem(check, "missing", name, "Field required", check->object);
    return NULL;
}

/* The length of a list, before anything is done with each of its elements. */
static bool judge_list(struct vb_body_check *check, const char *name, const json_t *list)
{
    if (!json_is_array(list)) {
        vb_body_problem(check, "list_type", name, "Input should be a valid list", list);
        return false;
    }
    size_t size = json_array_size(list);
    if (size == 0)
        vb_body_problem(check, "too_short", name, "List should have at least 1 item", list);
    if (size > WORDS)
        vb_body_problem(check, "too_long", name, "List should have at most 200 items", list);
    return size > 0 && size <= WORDS;
}

/* At most 200 elements, so each may be compared with all before it. */
static bool is_repeated(const json_t *list, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (json_equal(json_array_get(list, i), json_array_get(list, index)))
            return true;
    return false;
}

/* The list is made only if all of it holds; its texts stay the document's, the array is the
 * caller's. */
void vb_body_words(struct vb_body_check *check, const char *name, const struct vb_body_rule *rule,
                   struct vb_words *ret_words)
{
    const json_t *list = vb_body_member(check, name);
    if (!list || !judge_list(check, name, list))
        return;
    size_t before = check->problems->count, index;
    const json_t *value;
    json_array_foreach(list, index, value)
    {
        if (judge_text(check, name, (int)index, value, rule) && is_repeated(list, index))
            add(check, "value_error", name, (int)index, "Value error, items must be unique", value);
    }
    if (check->problems->count == before && vb_body_words_of(list, ret_words) != VB_OK)
        check->status = VB_NO_MEMORY;
}

/* Beyond 2^53 a real is no longer sure to be the number that was written. */
bool vb_body_whole(const json_t *value, int64_t *ret_number)
{
    double real = json_real_value(value);
    if (json_is_integer(value))
        *ret_number = json_integer_value(value);
    else if (json_is_real(value) && real > -9e15 && real < 9e15 && (double)(int64_t)real == real)
        *ret_number = (int64_t)real;
    else
        return false;
    return true;
}

bool vb_body_flag(struct vb_body_check *check, const char *name)
{
    const json_t *value = vb_body_member(check, name);
    if (value && !json_is_boolean(value))
        vb_body_problem(check, "bool_type", name, "Input should be a valid boolean", value);
    return json_is_true(value);
}

/* Afterwards and not first, so that the list of problems begins with what was meant. */
void vb_body_unknown(struct vb_body_check *check, const char *const *names, size_t count)
{
    const char *name;
    json_t *value;
    /* jansson's iteration asks for a document it may change; it does not. */
    json_object_foreach((json_t *)(uintptr_t)check->object, name, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < count; i++)
            is_known |= strcmp(name, names[i]) == 0;
        if (!is_known)
            vb_body_problem(check, "extra_forbidden", name, "Extra inputs are not permitted",
                            value);
    }
}

/* An element more than needed is allocated, so that an empty list is not NULL: "nothing fits" and
 * "no limit" are different. */
enum vb_status vb_body_words_of(const json_t *array, struct vb_words *ret_words)
{
    size_t count = json_array_size(array);
    const char **items = calloc(count + 1, sizeof *items);
    if (!items)
        return VB_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        items[i] = json_string_value(json_array_get(array, i));
    *ret_words = (struct vb_words){items, count};
    return VB_OK;
}

void vb_body_words_done(struct vb_words *words)
{
    free((void *)(uintptr_t)words->items);
    *words = (struct vb_words){0};
}
