/* The partitions of AWS and the domain of each, by the regions' names: see endpoint.h. Source:
 * partitions.json of AWS' SDKs. */
#include "endpoint.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *region; /* how the names of its regions begin */
    const char *domain;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},   {"eusc-", "amazonaws.eu"},      {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
    {"", "amazonaws.com"}, /* all others, us-gov- among them */
};
#define COUNT (sizeof partitions / sizeof *partitions)

const char *vb_s3_domain_of(const char *region)
{
    size_t i = 0;
    while (strncmp(region, partitions[i].region, strlen(partitions[i].region)) != 0)
        i++;
    return partitions[i].domain;
}

/* Only below the domains, so that "amazonaws.com.example.org" is somebody else's. */
bool vb_s3_host_is_amazon(const char *host)
{
    size_t length = strlen(host);
    for (size_t i = 0; i < COUNT; i++) {
        size_t width = strlen(partitions[i].domain);
        if (length > width + 1 && host[length - width - 1] == '.' &&
            strcasecmp(host + length - width, partitions[i].domain) == 0)
            return true;
    }
    return false;
}
