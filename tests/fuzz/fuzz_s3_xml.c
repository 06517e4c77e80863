/* Answers of a store that may be anyone's: no crash, and what is reported fits the promised
 * ceilings. */
#include "fuzz.h"

#include "../../s3/xml.h"

#include <string.h>

static void element(void *context, const char *path, const char *text)
{
    size_t *count = context;
    MUST(strlen(text) < VB_XML_TEXT);
    MUST(strlen(path) < VB_XML_DEPTH * VB_XML_NAME);
    ++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    struct vb_xml_reader reader = {element, &count};
    struct vb_error err;
    if (vb_xml_read(fuzz_view(data, size), &reader, &err) == VB_OK)
        MUST(count > 0);
    return 0;
}
