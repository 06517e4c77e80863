/* Files that somebody gives as a logo: refused with a reason, or a small PNG that this program
 * wrote itself, which it takes again. */
#include "fuzz.h"

#include "brand/brand.h"

#include <string.h>

static uint32_t number_at(const char *data)
{
    const unsigned char *bytes = (const unsigned char *)data;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_buffer png, again;
    struct vb_error err = {0};
    vb_buffer_init(&png, VB_LOGO_BYTES);
    vb_buffer_init(&again, VB_LOGO_BYTES);
    if (vb_brand_take_logo(fuzz_view(data, size), &png, &err) == VB_OK) {
        const struct vb_view kept = {png.data, png.length};
        MUST(kept.length > 24 && memcmp(kept.data, "\x89PNG\r\n\x1a\n", 8) == 0);
        MUST(number_at(kept.data + 16) <= VB_LOGO_WIDTH);
        MUST(number_at(kept.data + 20) <= VB_LOGO_HEIGHT);
        MUST(vb_brand_take_logo(kept, &again, &err) == VB_OK);
    } else {
        MUST(err.text[0] != '\0');
    }
    vb_buffer_done(&png);
    vb_buffer_done(&again);
    return 0;
}
