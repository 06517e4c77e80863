/* The one table of channel types. Pure.
 *
 * Platforms tell finer types than callers want to name, under several spellings of one thing. Every
 * spelling that was met has its row; one that has none belongs to no coarse type, so such a channel
 * is found by its id and by filters without a type. Coarse words are a contract: they stand in
 * specifications that are kept.
 */
#include "channel_type.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *detailed, *coarse;
} types[] = {
    {"LOCAL", "sms"},
    {"SMS", "sms"},
    {"TOLL_FREE", "sms"},
    {"SHORT_CODE", "sms"},
    {"WHATSAPP_BUSINESS_PLATFORM", "whatsapp"},
    {"WHATSAPP", "whatsapp"},
    {"FACEBOOK_MESSENGER", "messenger"},
    {"MESSENGER", "messenger"},
    {"INSTAGRAM", "instagram"},
    {"LINE", "line"},
};
#define TYPES (sizeof(types) / sizeof(types[0]))

const char *vb_channel_type_coarse(struct vb_view detailed)
{
    for (size_t i = 0; i < TYPES; i++)
        if (strlen(types[i].detailed) == detailed.length &&
            strncasecmp(types[i].detailed, detailed.data, detailed.length) == 0)
            return types[i].coarse;
    return NULL;
}

/* With its case: coarse words are this program's own. */
bool vb_channel_type_known(struct vb_view coarse)
{
    for (size_t i = 0; i < TYPES; i++)
        if (vb_view_equals(vb_view_of(types[i].coarse), coarse))
            return true;
    return false;
}
