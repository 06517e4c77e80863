/* Whatever the query string, a value that comes through is UTF-8 text without a NUL inside, and
 * obeys its rule. */
#include "fuzz.h"

#include "http/query.h"

#include "verbatim/text.h"

#include <string.h>

static const struct vb_http_parameter table[] = {
    {.name = "limit", .is_number = true, .least = 1, .most = 200, .type = "", .message = ""},
    {.name = "a", .type = "", .message = ""},
    {.name = "\xC3\xA4 b", .type = "", .message = ""},
};
#define COUNT (sizeof(table) / sizeof(table[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_http_query query;
    struct vb_problems problems;
    enum vb_status status =
        vb_http_query_parse(fuzz_view(data, size), table, COUNT, &query, &problems);
    MUST((status == VB_OK) == (problems.count == 0));
    struct vb_buffer out;
    struct vb_json json;
    vb_buffer_init(&out, 16u << 20);
    vb_json_init(&json, &out);
    vb_problems_put(&json, &problems);
    MUST(vb_json_status(&json) == VB_OK);
    vb_buffer_done(&out);
    if (status == VB_OK) {
        for (size_t i = 0; i < COUNT; i++)
            MUST(!query.values[i].text || vb_utf8_valid(vb_view_of(query.values[i].text)));
        MUST(!query.values[0].text ||
             (query.values[0].number >= 1 && query.values[0].number <= 200));
        vb_http_query_done(&query);
    }
    vb_problems_done(&problems);
    return 0;
}
