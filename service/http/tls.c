/* TLS of the listener: see http/tls.h. */
#include "tls_session.h"

#include "verbatim/clock.h"
#include "verbatim/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sessions of one context resume nowhere else, whatever other program shares a certificate. */
static const unsigned char session_context[] = "verbatim";

struct vb_tls {
    struct vb_tls_files files;
    pthread_mutex_t mutex; /* guards context, digest */
    SSL_CTX *context;
    unsigned char digest[EVP_MAX_MD_SIZE]; /* of the files' bytes */
};

/* An encrypted key would make OpenSSL ask the terminal. */
static int no_password(char *text, int size, int is_write, void *context)
{
    (void)is_write;
    (void)context;
    if (size > 0)
        text[0] = '\0';
    return -1;
}

/* What clients offer beside it is left to those who have it; without a common one it goes on as if
 * nothing was offered. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *length,
                           const unsigned char *offered, unsigned offered_length, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)context;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, length, ours, sizeof(ours) - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The first reason in OpenSSL's queue, which is emptied. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return text ? text : "unknown reason";
}

static enum vb_status can_read(const char *option, const char *path, struct vb_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return vb_fail_system(err, VB_INVALID, errno, "option %s: cannot read %s", option, path);
    (void)fclose(file);
    return VB_OK;
}

static enum vb_status use_certificate(SSL_CTX *context, const struct vb_tls_files *files,
                                      struct vb_error *err)
{
    enum vb_status status = can_read("tls_cert_file", files->certificate, err);
    if (status == VB_OK && SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        status = vb_fail(err, VB_INVALID,
                         "option tls_cert_file: %s must hold a certificate in PEM, and behind it "
                         "those between it and its authority: %s",
                         files->certificate, reason());
    return status;
}

static enum vb_status use_key(SSL_CTX *context, const struct vb_tls_files *files,
                              struct vb_error *err)
{
    enum vb_status status = can_read("tls_key_file", files->key, err);
    if (status != VB_OK)
        return status;
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1)
        return VB_OK;
    unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_X509)
        return vb_fail(err, VB_INVALID,
                       "option tls_key_file: %s is not the key of the certificate in "
                       "tls_cert_file: %s",
                       files->key, reason());
    return vb_fail(err, VB_INVALID,
                   "option tls_key_file: %s must hold a private key in PEM without a password: %s",
                   files->key, reason());
}

static enum vb_status use_authorities(SSL_CTX *context, const struct vb_tls_files *files,
                                      struct vb_error *err)
{
    if (!files->client_ca)
        return VB_OK;
    enum vb_status status = can_read("tls_client_ca_file", files->client_ca, err);
    if (status != VB_OK)
        return status;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->client_ca);
    if (!names || SSL_CTX_load_verify_file(context, files->client_ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return vb_fail(err, VB_INVALID,
                       "option tls_client_ca_file: %s must hold certificates of authorities in "
                       "PEM: %s",
                       files->client_ca, reason());
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return VB_OK;
}

/* Buffers of waiting connections are given back, and what was in them is wiped: keys come through
 * them. */
static bool set_up(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1) ==
               1;
}

static enum vb_status load(const struct vb_tls_files *files, SSL_CTX **ret_context,
                           struct vb_error *err)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || !set_up(context)) {
        SSL_CTX_free(context);
        return vb_fail(err, VB_NO_MEMORY, "no memory for TLS");
    }
    enum vb_status status = use_certificate(context, files, err);
    if (status == VB_OK)
        status = use_key(context, files, err);
    if (status == VB_OK)
        status = use_authorities(context, files, err);
    if (status != VB_OK)
        SSL_CTX_free(context);
    else
        *ret_context = context;
    return status;
}

static bool digest_file(EVP_MD_CTX *digest, const char *path)
{
    char bytes[4096];
    FILE *file = path ? fopen(path, "re") : NULL;
    size_t count;
    bool is_good = !path || file;
    while (file && is_good && (count = fread(bytes, 1, sizeof(bytes), file)) > 0)
        is_good = EVP_DigestUpdate(digest, bytes, count) == 1;
    explicit_bzero(bytes, sizeof(bytes)); /* of a key */
    is_good = is_good && (!file || ferror(file) == 0);
    if (file)
        (void)fclose(file);
    return is_good && EVP_DigestUpdate(digest, "", 1) == 1;
}

/* Of all their bytes. Taken before they are loaded: what changes in between is loaded again. */
static bool digest_files(const struct vb_tls_files *files, unsigned char digest[EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memset(digest, 0, EVP_MAX_MD_SIZE);
    bool is_good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                   digest_file(context, files->certificate) && digest_file(context, files->key) &&
                   digest_file(context, files->client_ca) &&
                   EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* In seconds since 1970; 0: it cannot be told. */
static int64_t end_of(SSL_CTX *context)
{
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    int days = 0, seconds = 0;
    if (!certificate || ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return 0;
    return vb_clock_now() / VB_SECOND + (int64_t)days * 86400 + seconds;
}

static void warn_of_end(SSL_CTX *context)
{
    int64_t ends = end_of(context);
    if (ends != 0 && ends < vb_clock_now() / VB_SECOND)
        vb_warn("the certificate in tls_cert_file has ended: clients refuse it");
}

enum vb_status vb_tls_open(const struct vb_tls_files *files, struct vb_tls **ret_tls,
                           struct vb_error *err)
{
    struct vb_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return vb_fail(err, VB_NO_MEMORY, "no memory for TLS");
    tls->files = *files;
    (void)digest_files(files, tls->digest);
    enum vb_status status = load(files, &tls->context, err);
    if (status != VB_OK) {
        free(tls);
        return status;
    }
    pthread_mutex_init(&tls->mutex, NULL);
    warn_of_end(tls->context);
    *ret_tls = tls;
    return VB_OK;
}

enum vb_status vb_tls_renew(struct vb_tls *tls, bool *ret_changed, struct vb_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    SSL_CTX *context = NULL;
    *ret_changed = false;
    /* The digest is this thread's alone; sessions take the context. */
    if (digest_files(&tls->files, digest) && memcmp(digest, tls->digest, sizeof(digest)) == 0)
        return VB_OK;
    enum vb_status status = load(&tls->files, &context, err);
    if (status != VB_OK)
        return status;
    warn_of_end(context);
    pthread_mutex_lock(&tls->mutex);
    SSL_CTX *before = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->mutex);
    SSL_CTX_free(before); /* goes with the last session that has it */
    memcpy(tls->digest, digest, sizeof(digest));
    *ret_changed = true;
    return VB_OK;
}

void vb_tls_close(struct vb_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

SSL *vb_tls_session(struct vb_tls *tls, int fd)
{
    pthread_mutex_lock(&tls->mutex);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->mutex);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

enum vb_status vb_tls_check(const struct vb_tls_files *files, int64_t *ret_ends,
                            struct vb_error *err)
{
    SSL_CTX *context = NULL;
    enum vb_status status = load(files, &context, err);
    if (status != VB_OK)
        return status;
    *ret_ends = end_of(context);
    SSL_CTX_free(context);
    return VB_OK;
}
