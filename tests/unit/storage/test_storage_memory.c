/* Every allocation of checking a link fails once: a link that holds is never called wrong because
 * memory was short. */
#include "memory.h"

#include "storage/driver.h"
#include "storage/storage.h"

#include <string.h>

static enum vb_status check(void *context)
{
    static struct vb_link_secrets secrets = {.count = 1};
    struct vb_buffer link;
    const vb_instant at = 1000 * VB_SECOND;
    vb_buffer_init(&link, 4096);
    enum vb_status status = vb_link_write("http://h", &secrets, context, at, &link, NULL);
    if (status == VB_OK) {
        const char *expires = strstr(link.data, "expires=") + 8;
        const char *signature = strstr(link.data, "signature=") + 10;
        status = vb_storage_check_link(&secrets, context,
                                       (struct vb_view){expires, strcspn(expires, "&")},
                                       vb_view_of(signature), at - 1, NULL);
    }
    vb_buffer_done(&link);
    return status;
}

static void test_a_link(void **state)
{
    static char key[] = "conversation_exports/w/1.zip";
    (void)state;
    failing_allocations_steer(&memory, NULL);
    each_allocation_fails("link", check, key, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_link)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
