/* See certificate.h. Authority, name and date are looked at by OpenSSL, one without the others. */
#include "certificate.h"

#include "smtp.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MOST (256u << 10)

/* A certificate and those that came with it. */
struct chain {
    X509 *own;
    STACK_OF(X509) * others;
};

static void chain_done(struct chain *chain)
{
    X509_free(chain->own);
    sk_X509_pop_free(chain->others, X509_free);
}

static enum vb_status read_chain(struct vb_view pem, struct chain *chain)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    chain->others = sk_X509_new_null();
    if (!bio || !chain->others) {
        BIO_free(bio);
        return VB_NO_MEMORY;
    }
    chain->own = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    X509 *next;
    while (chain->own && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (sk_X509_push(chain->others, next) <= 0)
            X509_free(next);
    ERR_clear_error(); /* the end of the text is told as one */
    BIO_free(bio);
    return chain->own ? VB_OK : VB_CORRUPT;
}

/* As libcurl finds them: a certificate of the file is trusted by itself, too. */
static X509_STORE *authorities(const struct vb_mail_server *server)
{
    X509_STORE *store = X509_STORE_new();
    const char *file = server->ca_file ? server->ca_file : getenv("SSL_CERT_FILE");
    if (!store)
        return NULL;
    if (file)
        X509_STORE_load_locations(store, file, NULL);
    else
        X509_STORE_set_default_paths(store);
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    ERR_clear_error(); /* a file that cannot be read holds no authority */
    return store;
}

static enum vb_status look_at_authority(const struct vb_mail_server *server,
                                        const struct chain *chain,
                                        struct vb_mail_certificate *certificate)
{
    X509_STORE *store = authorities(server);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool ready =
        store && context && X509_STORE_CTX_init(context, store, chain->own, chain->others) == 1;
    if (ready) {
        certificate->untrusted = X509_verify_cert(context) != 1;
        certificate->self_signed = X509_check_issued(chain->own, chain->own) == X509_V_OK;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return ready ? VB_OK : VB_NO_MEMORY;
}

/* Of smtp://HOST[:PORT] and smtps://, without the brackets of IPv6. */
static void fill_host(const char *url, char *host, size_t size)
{
    const char *start = strstr(url, "://") + 3;
    size_t length = strcspn(start, ":/");
    if (*start == '[') {
        start++;
        length = strcspn(start, "]");
    }
    snprintf(host, size, "%.*s", (int)length, start);
}

static bool is_for(X509 *own, const char *host)
{
    unsigned char binary[sizeof(struct in6_addr)];
    bool is_address =
        inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
    return (is_address ? X509_check_ip_asc(own, host, 0)
                       : X509_check_host(own, host, strlen(host), 0, NULL)) == 1;
}

/* Another's text goes to a terminal: printable ASCII is all that a name needs. */
static void add_name(struct vb_mail_certificate *certificate, const char *name, size_t length)
{
    char *names = certificate->names;
    size_t used = strlen(names), size = sizeof certificate->names;
    if (used + length + 3 > size)
        return;
    used += (size_t)snprintf(names + used, size - used, "%s", used > 0 ? ", " : "");
    for (size_t i = 0; i < length; i++)
        names[used++] = name[i] > ' ' && name[i] < 0x7F ? name[i] : '?';
    names[used] = '\0';
}

static void add_address(struct vb_mail_certificate *certificate, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
    if (ASN1_STRING_length(address) == 4 || ASN1_STRING_length(address) == 16)
        if (inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text))
            add_name(certificate, text, strlen(text));
}

/* The subject's own name counts where there are no others (RFC 6125, 6.4.4). */
static void fill_names(X509 *own, struct vb_mail_certificate *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(certificate, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                     (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_address(certificate, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    char common[128];
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(own), NID_commonName, common,
                                           sizeof common);
    if (certificate->names[0] == '\0' && length > 0)
        add_name(certificate, common, (size_t)length);
    ERR_clear_error();
}

static void look_at_date(X509 *own, struct vb_mail_certificate *certificate)
{
    struct tm day = {0};
    const ASN1_TIME *from = X509_get0_notBefore(own), *until = X509_get0_notAfter(own);
    certificate->early = X509_cmp_current_time(from) > 0;
    certificate->expired = X509_cmp_current_time(until) < 0;
    if ((certificate->early || certificate->expired) &&
        ASN1_TIME_to_tm(certificate->early ? from : until, &day) == 1)
        strftime(certificate->date, sizeof certificate->date, "%Y-%m-%d", &day);
}

enum vb_status vb_mail_certificate_read(const struct vb_mail_server *server, struct vb_view pem,
                                        struct vb_mail_certificate *ret_certificate,
                                        struct vb_error *err)
{
    struct vb_mail_certificate certificate = {0};
    struct chain chain = {0};
    enum vb_status status = read_chain(pem, &chain);
    if (status == VB_OK)
        status = look_at_authority(server, &chain, &certificate);
    if (status == VB_OK) {
        fill_host(server->url, certificate.host, sizeof certificate.host);
        fill_names(chain.own, &certificate);
        certificate.other_name = !is_for(chain.own, certificate.host);
        look_at_date(chain.own, &certificate);
        *ret_certificate = certificate;
    }
    chain_done(&chain);
    return status == VB_OK ? VB_OK
                           : vb_fail(err, status, "the mail server's certificate cannot be read");
}

enum vb_status vb_mail_certificate_look(const struct vb_mail_server *server,
                                        struct vb_mail_certificate *ret_certificate,
                                        struct vb_error *err)
{
    struct vb_buffer chain;
    vb_buffer_init(&chain, CHAIN_MOST);
    enum vb_status status = vb_smtp_chain(server, &chain, err);
    if (status == VB_OK)
        status = vb_mail_certificate_read(server, (struct vb_view){chain.data, chain.length},
                                          ret_certificate, err);
    vb_buffer_done(&chain);
    return status;
}
