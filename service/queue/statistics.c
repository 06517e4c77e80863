/* A job's statistics as they stand in its row: JSON, small, with a place for each number. See
 * queue/job.h.
 *
 * Read back they are what was written, so a head that a later worker writes is the first one's.
 */
#include "job.h"

#include "verbatim/json.h"
#include "verbatim/json_load.h"

#include <jansson.h>
#include <string.h>

static void put_numbers(struct vb_json *json, const uint64_t *numbers, size_t count)
{
    vb_json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        vb_json_integer(json, (int64_t)numbers[i]);
    vb_json_end_array(json);
}

enum vb_status vb_statistics_print(const struct vb_statistics *statistics, struct vb_buffer *out)
{
    struct vb_json json;
    vb_json_init(&json, out);
    vb_json_begin_object(&json);
    vb_json_member_integer(&json, "conversations", (int64_t)statistics->conversations);
    vb_json_name(&json, "messages");
    put_numbers(&json, statistics->messages, VB_SPEAKERS);
    vb_json_name(&json, "hours");
    put_numbers(&json, statistics->hours, 24);
    vb_json_member_integer(&json, "answered", (int64_t)statistics->answered);
    vb_json_member_integer(&json, "median_answer", (int64_t)statistics->median_answer);
    vb_json_member_integer(&json, "unit", statistics->unit);
    vb_json_name(&json, "days");
    vb_json_begin_array(&json);
    for (size_t i = 0; i < statistics->day_count; i++) {
        vb_json_integer(&json, statistics->days[i].day);
        put_numbers(&json, statistics->days[i].messages, VB_SPEAKERS);
    }
    vb_json_end_array(&json);
    vb_json_end_object(&json);
    return vb_json_status(&json);
}

static bool read_number(const json_t *value, uint64_t *ret_number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_number = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_numbers(const json_t *list, uint64_t *numbers, size_t count)
{
    if (json_array_size(list) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_number(json_array_get(list, i), &numbers[i]))
            return false;
    return true;
}

/* A day and its four numbers in turn. The unit is set before, so no day is put with another. */
static enum vb_status read_days(const json_t *list, struct vb_statistics *statistics)
{
    for (size_t i = 0; i + 1 < json_array_size(list); i += 2) {
        const json_t *day = json_array_get(list, i);
        uint64_t numbers[VB_SPEAKERS];
        if (!json_is_integer(day) ||
            !read_numbers(json_array_get(list, i + 1), numbers, VB_SPEAKERS))
            return VB_INVALID;
        for (int who = 0; who < VB_SPEAKERS; who++) {
            enum vb_status status = vb_statistics_add(statistics, json_integer_value(day),
                                                      (enum vb_speaker)who, numbers[who]);
            if (status != VB_OK)
                return status;
        }
    }
    return VB_OK;
}

static enum vb_status read_all(const json_t *root, struct vb_statistics *statistics)
{
    uint64_t unit = 0;
    if (!read_number(json_object_get(root, "conversations"), &statistics->conversations) ||
        !read_numbers(json_object_get(root, "messages"), statistics->messages, VB_SPEAKERS) ||
        !read_numbers(json_object_get(root, "hours"), statistics->hours, 24) ||
        !read_number(json_object_get(root, "answered"), &statistics->answered) ||
        !read_number(json_object_get(root, "median_answer"), &statistics->median_answer) ||
        !read_number(json_object_get(root, "unit"), &unit) || unit > VB_CALENDAR_YEARS)
        return VB_INVALID;
    statistics->unit = (enum vb_calendar)unit;
    return read_days(json_object_get(root, "days"), statistics);
}

enum vb_status vb_statistics_parse(struct vb_view text, struct vb_statistics *ret_statistics,
                                   struct vb_error *err)
{
    struct vb_statistics statistics = {0};
    json_t *root = NULL;
    enum vb_status status = vb_json_load(text, 0, &root, err);
    if (status != VB_OK)
        return status;
    status = read_all(root, &statistics);
    json_decref(root);
    if (status == VB_OK) {
        *ret_statistics = statistics;
        return VB_OK;
    }
    vb_statistics_done(&statistics);
    return vb_fail(err, status,
                   status == VB_INVALID ? "a job's statistics cannot be read"
                                        : "no memory for a job's statistics");
}
