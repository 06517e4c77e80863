/* What is wrong with a mail server's certificate: authority, name and date, each found whatever
 * else is wrong. Certificates are made here, with OpenSSL. */
#include "mail/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY 86400L
#define HOST "mail.example.com"

struct made {
    EVP_PKEY *key;
    X509 *certificate;
    char pem[8192];
};

static void name_it(X509 *certificate, const char *common)
{
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)common, -1, -1, 0);
}

static void extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: signed by itself. `names` as OpenSSL writes them; NULL: a common name alone. */
static struct made make(const char *common, const char *names, long from, long until,
                        const struct made *issuer, bool is_authority)
{
    struct made made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509 *c = made.certificate;
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1 + random() % 1000000);
    X509_gmtime_adj(X509_getm_notBefore(c), from);
    X509_gmtime_adj(X509_getm_notAfter(c), until);
    name_it(c, common);
    X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer->certificate : c));
    X509_set_pubkey(c, made.key);
    if (names)
        extend(c, NID_subject_alt_name, names);
    if (is_authority)
        extend(c, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(c, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, c), 1);
    int length = BIO_read(bio, made.pem, sizeof made.pem - 1);
    assert_true(length > 0);
    made.pem[length] = '\0';
    BIO_free(bio);
    return made;
}

static void done(struct made *made)
{
    EVP_PKEY_free(made->key);
    X509_free(made->certificate);
}

static struct vb_mail_certificate look(const struct made *made, const char *url,
                                       const struct made *trusted)
{
    char path[] = "/tmp/verbatim-certificate-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    const char *pem = trusted ? trusted->pem : "";
    assert_int_equal(write(file, pem, strlen(pem)), (ssize_t)strlen(pem));
    close(file);
    const struct vb_mail_server server = {.url = url, .ca_file = path};
    struct vb_mail_certificate found;
    enum vb_status status = vb_mail_certificate_read(&server, vb_view_of(made->pem), &found, NULL);
    unlink(path);
    assert_int_equal(status, VB_OK);
    return found;
}

static void each_fault_is_found_beside_the_others(void **state)
{
    (void)state;
    for (int faults = 0; faults < 16; faults++) {
        bool untrusted = faults & 1, other = faults & 2, expired = faults & 4, early = faults & 8;
        if (expired && early)
            continue;
        struct made made = make("common", other ? "DNS:a.example.com,IP:10.0.0.1" : "DNS:" HOST,
                                early ? DAY : -2 * DAY, expired ? -DAY : 2 * DAY, NULL, false);
        struct vb_mail_certificate found =
            look(&made, "smtp://" HOST ":587", untrusted ? NULL : &made);
        assert_int_equal(found.untrusted, untrusted);
        assert_true(found.self_signed);
        assert_int_equal(found.other_name, other);
        assert_int_equal(found.expired, expired);
        assert_int_equal(found.early, early);
        assert_string_equal(found.host, HOST);
        assert_string_equal(found.names, other ? "a.example.com, 10.0.0.1" : HOST);
        assert_int_equal(strlen(found.date), expired || early ? 10 : 0);
        done(&made);
    }
}

static void an_authority_vouches_for_what_it_signed(void **state)
{
    (void)state;
    struct made authority = make("Our authority", NULL, -DAY, DAY, NULL, true);
    struct made other = make("Another", NULL, -DAY, DAY, NULL, true);
    struct made made = make(HOST, NULL, -DAY, DAY, &authority, false);
    struct vb_mail_certificate found = look(&made, "smtps://" HOST, &authority);
    assert_false(found.untrusted || found.self_signed || found.other_name || found.expired);
    assert_string_equal(found.names, HOST);
    assert_true(look(&made, "smtps://" HOST, &other).untrusted);
    done(&made);
    done(&other);
    done(&authority);
}

static void addresses_and_wildcards_are_names(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"smtp://127.0.0.1:25", true}, {"smtp://[::1]:25", true}, {"smtp://a.example.com", true},
        {"smtp://127.0.0.2", false},   {"smtp://[::2]", false},   {"smtp://a.b.example.com", false},
        {"smtp://localhost", false},
    };
    struct made made = make("x", "DNS:*.example.com,IP:127.0.0.1,IP:::1", -DAY, DAY, NULL, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(look(&made, cases[i].url, &made).other_name, !cases[i].good);
    done(&made);
}

/* They go to a terminal. */
static void names_are_printable(void **state)
{
    (void)state;
    struct made made = make("a\x1b[31m b", NULL, -DAY, DAY, NULL, false);
    assert_string_equal(look(&made, "smtp://h", NULL).names, "a?[31m?b");
    done(&made);
    const struct vb_mail_server server = {.url = "smtp://h"};
    struct vb_mail_certificate found;
    assert_int_equal(vb_mail_certificate_read(&server, VB_VIEW("no certificate"), &found, NULL),
                     VB_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_found_beside_the_others),
        cmocka_unit_test(an_authority_vouches_for_what_it_signed),
        cmocka_unit_test(addresses_and_wildcards_are_names),
        cmocka_unit_test(names_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
