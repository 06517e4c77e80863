/* Where the object store is by what the options say of region and addressing alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../../s3/endpoint.h"
#include "settings/place.h"

static void expect_origin(const char *region, const char *addressing, const char *bucket,
                          const char *expected, const char *base)
{
    char region_given[64], addressing_given[64];
    snprintf(region_given, sizeof region_given, "VERBATIM_S3_REGION=%s", region);
    snprintf(addressing_given, sizeof addressing_given, "VERBATIM_S3_ADDRESSING=%s", addressing);
    char *const arguments[] = {NULL};
    char *const environment[] = {region_given, addressing_given, NULL};
    struct vb_options options = {0};
    struct vb_s3_address address = {0};
    struct vb_error err = {0};
    if (vb_options_load(0, arguments, environment, &options, &err) != VB_OK)
        fail_msg("%s", err.text);
    const struct vb_s3_place place = vb_s3_place_of(&options, bucket);
    assert_int_equal(vb_s3_address_of(&place, &address, &err), VB_OK);
    assert_string_equal(address.origin, expected);
    assert_string_equal(address.base, base);
    assert_string_equal(options.s3_public_endpoint, options.s3_endpoint);
    vb_s3_address_done(&address);
    vb_options_done(&options);
}

static void a_region_leads_to_the_domain_of_its_partition(void **state)
{
    static const struct {
        const char *region, *domain;
    } cases[] = {{"eu-west-3", "amazonaws.com"},       {"us-gov-west-1", "amazonaws.com"},
                 {"cn-north-1", "amazonaws.com.cn"},   {"cn-northwest-1", "amazonaws.com.cn"},
                 {"eusc-de-east-1", "amazonaws.eu"},   {"us-iso-east-1", "c2s.ic.gov"},
                 {"us-isob-east-1", "sc2s.sgov.gov"},  {"eu-isoe-west-1", "cloud.adc-e.uk"},
                 {"us-isof-south-1", "csp.hci.ic.gov"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[160], in_host[160];
        snprintf(path, sizeof path, "https://s3.%s.%s", cases[i].region, cases[i].domain);
        snprintf(in_host, sizeof in_host, "https://bucket.s3.%s.%s", cases[i].region,
                 cases[i].domain);
        expect_origin(cases[i].region, "path", "bucket", path, "/bucket");
        expect_origin(cases[i].region, "virtual", "bucket", in_host, "");
        expect_origin(cases[i].region, "auto", "bucket", in_host, "");
        expect_origin(cases[i].region, "auto", "dotted.bucket", path, "/dotted.bucket");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_leads_to_the_domain_of_its_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
