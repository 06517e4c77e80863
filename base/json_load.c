/* Reading JSON with jansson. See json_load.h.
 *
 * jansson's scanner looks at no result of its own allocations while it gathers a text, so neither
 * an error nor a value can be believed after one failed. Therefore its allocations go through here,
 * and each thread remembers whether one failed. The functions are jansson's for the whole process
 * and are set before main, when no thread can be inside it; memory from before is malloc's as well.
 */
#include "verbatim/json_load.h"

#include <jansson.h>
#include <stdlib.h>

static _Thread_local bool was_short;

static void *take(size_t size)
{
    void *memory = malloc(size);
    was_short = was_short || !memory;
    return memory;
}

__attribute__((constructor)) static void begin(void)
{
    json_set_alloc_funcs(take, free);
}

enum vb_status vb_json_load(struct vb_view text, size_t flags, struct json_t **ret_value,
                            struct vb_error *err)
{
    json_error_t where;
    was_short = false;
    json_t *value = json_loadb(text.data ? text.data : "", text.length, flags, &where);
    if (was_short) {
        json_decref(value);
        return vb_fail(err, VB_NO_MEMORY, "no memory for a JSON document");
    }
    if (!value)
        return vb_fail(err, VB_INVALID, "%s", where.text);
    *ret_value = value;
    return VB_OK;
}
