/* A file of logins: whatever it holds, nothing of a secret stands in an error, and what was read
 * can be sent in a header. */
#include "fuzz.h"

#include "rules/media_credentials.h"

#include <string.h>

static void must_be_sendable(const char *text)
{
    for (; text && *text; text++)
        MUST((unsigned char)*text >= 0x20 && *text != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_media_credentials *credentials = NULL;
    struct vb_media_login login = {NULL, NULL, NULL};
    struct vb_error err = {.status = VB_OK};
    struct vb_view text = fuzz_view(data, size);
    if (vb_media_credentials_new(text, "logins", &credentials, &err) != VB_OK) {
        MUST(err.status == VB_INVALID && strncmp(err.text, "logins, line ", 13) == 0);
        return 0;
    }
    MUST(vb_media_credentials_same(credentials, credentials));
    if (vb_media_credentials_find(credentials, "https", "a", 443, &login)) {
        MUST((login.token != NULL) != (login.user != NULL));
        must_be_sendable(login.token);
        must_be_sendable(login.user);
        must_be_sendable(login.password);
    }
    vb_media_credentials_free(credentials);
    return 0;
}
