/* No address that passes may carry anything that SMTP or a header could read as more than an
 * address. */
#include "fuzz.h"

#include "rules/mail_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_view text = fuzz_view(data, size);
    if (!vb_mail_address_valid(text))
        return 0;
    size_t ats = 0;
    MUST(size <= 254);
    for (size_t i = 0; i < size; i++) {
        MUST(data[i] > 0x20 && data[i] < 0x7F);
        MUST(data[i] != '<' && data[i] != '>' && data[i] != ',' && data[i] != ';' &&
             data[i] != '"');
        ats += data[i] == '@';
    }
    MUST(ats == 1);
    return 0;
}
