/* Credentials that a service hands out: STS web identity, container endpoint, instance metadata.
 *
 * See credentials.h. Each fetch makes its own short-lived HTTP handle. Answers are read up to 64
 * KiB. No word of an answer gets into an error text, only its status and S3-style code: answers
 * hold secrets.
 *
 * Sources: AWS STS API Reference, AssumeRoleWithWebIdentity (version 2011-06-15); Amazon ECS "Task
 * IAM role" and EKS "Pod Identity" for containers; EC2 User Guide "Use the Instance Metadata
 * Service" for IMDSv2, with version 1 only where the service knows no tokens. All three hand out
 * temporary keys.
 *
 * A fetch as a whole is bounded by its tries and their limits: less than 50 s for STS, less than 20
 * s for the others. The pauses between tries are not cut short by a stop; the longest is 0.8 s.
 */
#include "credentials.h"

#include "verbatim/digits.h"
#include "verbatim/json_load.h"
#include "verbatim/s3_client.h"
#include "verbatim/text.h"
#include "wire.h"
#include "xml.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MOST 65536u
/* Tokens of Kubernetes have about 1 to 2 KiB. The form takes up to three bytes for one of them. */
#define TOKEN_FILE_MOST 65536u
/* Of one request; pauses of 0.4 and 0.8 s lie between them. Metadata services drop requests at a
 * machine's start. */
#define TRIES 3u
#define TRY_PAUSE (VB_SECOND / 5)
/* Six hours, the longest that the service gives; the token serves for one fetch alone. */
#define METADATA_TOKEN_SECONDS "21600"

/* A request and the room for its answer. */
struct question {
    const struct vb_s3_lookup *lookup;
    const char *method, *url;
    struct vb_s3_pair headers[2];
    size_t header_count;
    const struct vb_s3_body *body;
    unsigned connect_seconds, total_seconds;
    unsigned tries;
    bool direct;
};

/* Throttling is not repeated here: the chain's pause is the longer wait. */
static bool worth_another_try(enum vb_status status, const struct vb_s3_wire_answer *answer)
{
    return status == VB_NETWORK || (status == VB_OK && answer->status >= 500);
}

/* One connection for all tries. `out` holds the last answer alone. */
static enum vb_status ask(const struct question *question, struct vb_buffer *out, int *ret_status,
                          struct vb_error *err)
{
    struct vb_s3_wire *http;
    struct vb_s3_wire_answer answer = {.body = out};
    enum vb_status status = vb_s3_wire_new(&http, err);
    if (status != VB_OK)
        return status;
    const struct vb_s3_wire_request request = {
        .method = question->method,
        .url = question->url,
        .headers = question->headers,
        .header_count = question->header_count,
        .body = question->body,
        .connect_seconds = question->connect_seconds,
        .total_seconds = question->total_seconds,
        .direct = question->direct,
        .stop = question->lookup->stop,
        .stop_context = question->lookup->stop_context,
    };
    for (unsigned i = 0; i < question->tries; i++) {
        if (i > 0)
            vb_clock_sleep(TRY_PAUSE << i);
        vb_buffer_reset(out);
        status = vb_s3_wire_exchange(http, &request, &answer, err);
        if (!worth_another_try(status, &answer))
            break;
    }
    vb_s3_wire_free(http);
    *ret_status = answer.status;
    return status;
}

/* An answer that was refused. 5xx and throttling may heal. */
static enum vb_status refused(int http_status, const char *code, struct vb_error *err)
{
    if (http_status >= 500 || http_status == 429)
        return vb_fail(err, VB_NETWORK, "HTTP %d%s%s", http_status, *code ? " " : "", code);
    return vb_fail(err, VB_DENIED, "HTTP %d%s%s", http_status, *code ? " " : "", code);
}

/* "2026-01-31T12:00:00Z" (RFC 3339), with or without a fraction, always UTC. 0 for anything else,
 * which is "no end told": keys whose end cannot be read serve until the store refuses them. */
static vb_instant expiration_of(const char *text)
{
    struct vb_date date;
    int hour, minute, second;
    if (!text || strlen(text) < 20 || text[10] != 'T' ||
        vb_date_parse((struct vb_view){text, 10}, &date) != VB_OK ||
        vb_digits_fixed(text + 11, 2, &hour) != VB_OK ||
        vb_digits_fixed(text + 14, 2, &minute) != VB_OK ||
        vb_digits_fixed(text + 17, 2, &second) != VB_OK)
        return 0;
    return (vb_date_to_days(date) * 86400 + hour * 3600 + minute * 60 + second) * VB_SECOND;
}

/* An answer without a token is passed on: some stores' own STS leaves it out. Such keys still count
 * as temporary. */
static enum vb_status fill(struct vb_s3_keys *keys, const char *id, const char *secret,
                           const char *token, const char *expiration, struct vb_error *err)
{
    *keys = (struct vb_s3_keys){.temporary = true, .expires = expiration_of(expiration)};
    if (!id || !*id || !secret || !*secret)
        return vb_fail(err, VB_DENIED, "the answer lacks keys");
    return vb_s3_keys_fill(keys, id, secret, token, err);
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* The form that containers and instances share. An instance tells failures in `Code` of a 200. */
static enum vb_status read_json(const struct vb_buffer *answer, struct vb_s3_keys *ret_keys,
                                struct vb_error *err)
{
    json_t *object = NULL;
    enum vb_status status =
        vb_json_load((struct vb_view){answer->data, answer->length}, 0, &object, err);
    if (status == VB_NO_MEMORY)
        return status;
    const char *code = member(object, "Code");
    if (!json_is_object(object))
        status = vb_fail(err, VB_NETWORK, "the answer is no JSON object");
    else if (code && strcmp(code, "Success") != 0)
        status = vb_fail(err, VB_DENIED, "the answer is no success but %.64s", code);
    else
        status = fill(ret_keys, member(object, "AccessKeyId"), member(object, "SecretAccessKey"),
                      member(object, "Token"), member(object, "Expiration"), err);
    json_decref(object);
    return status;
}

/* Without blanks around it: files are often written with a line feed at their end. */
static struct vb_view token_of(const struct vb_buffer *buffer)
{
    return vb_view_trim((struct vb_view){buffer->data, buffer->length}, " \t\r\n");
}

/* ---- web identity ---- */

/* The fields of an answer, whichever element of the document's path holds them. */
struct assumed {
    char id[VB_S3_KEY_TEXT], secret[VB_S3_KEY_TEXT], token[VB_S3_TOKEN_TEXT];
    char expiration[64], code[64];
};

/* By the end of the path: the outer elements differ between the answer and the error, and between
 * AWS and stores with an STS of their own. */
static void on_assumed(void *context, const char *path, const char *text)
{
    struct assumed *assumed = context;
    const struct {
        const char *end;
        char *to;
        size_t room;
    } fields[] = {
        {"/Credentials/AccessKeyId", assumed->id, sizeof assumed->id},
        {"/Credentials/SecretAccessKey", assumed->secret, sizeof assumed->secret},
        {"/Credentials/SessionToken", assumed->token, sizeof assumed->token},
        {"/Credentials/Expiration", assumed->expiration, sizeof assumed->expiration},
        {"/Error/Code", assumed->code, sizeof assumed->code},
    };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t width = strlen(fields[i].end);
        if (length > width && strcmp(path + length - width, fields[i].end) == 0 &&
            strlen(text) < fields[i].room)
            memcpy(fields[i].to, text, strlen(text) + 1);
    }
}

static enum vb_status append_field(struct vb_buffer *form, const char *name, struct vb_view value)
{
    enum vb_status status = vb_buffer_printf(form, "&%s=", name);
    return status == VB_OK ? vb_percent_encode(form, value, false) : status;
}

static enum vb_status write_form(const char *role, struct vb_view token, struct vb_buffer *form)
{
    const char *session = getenv("AWS_ROLE_SESSION_NAME");
    enum vb_status status =
        vb_buffer_append_text(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
    if (status == VB_OK)
        status = append_field(form, "RoleArn", vb_view_of(role));
    if (status == VB_OK)
        status = append_field(form, "RoleSessionName",
                              vb_view_of(session && *session ? session : "verbatim"));
    return status == VB_OK ? append_field(form, "WebIdentityToken", token) : status;
}

/* No signature: the token is what proves who asks. The answer is XML, for failures too, whose code
 * is the only part that is told. */
static enum vb_status assume(const struct vb_s3_lookup *lookup, const char *url,
                             const struct vb_buffer *form, struct vb_s3_keys *ret_keys,
                             struct vb_error *err)
{
    struct iovec piece = {form->data, form->length};
    const struct vb_s3_body body = {&piece, 1, form->length};
    const struct question question = {
        .lookup = lookup,
        .method = "POST",
        .url = url,
        .headers = {{VB_VIEW("Content-Type"), VB_VIEW("application/x-www-form-urlencoded")}},
        .header_count = 1,
        .body = &body,
        .connect_seconds = 5,
        .total_seconds = 15,
        .tries = TRIES,
    };
    struct assumed assumed = {0};
    const struct vb_xml_reader reader = {on_assumed, &assumed};
    struct vb_buffer answer;
    int http_status = 0;
    vb_buffer_init_secret(&answer, ANSWER_MOST);
    enum vb_status status = ask(&question, &answer, &http_status, err);
    if (status == VB_OK) {
        status = vb_xml_read((struct vb_view){answer.data, answer.length}, &reader, err);
        if (status == VB_INVALID && http_status == 200)
            status = vb_fail(err, VB_NETWORK, "the answer is no XML");
        else if (status == VB_INVALID)
            status = VB_OK; /* a refusal without a code */
    }
    if (status == VB_OK && http_status != 200)
        status = refused(http_status, assumed.code, err);
    if (status == VB_OK)
        status = fill(ret_keys, assumed.id, assumed.secret, assumed.token, assumed.expiration, err);
    vb_buffer_done(&answer);
    OPENSSL_cleanse(&assumed, sizeof assumed);
    return status;
}

/* The region's own endpoint, not the global one, which AWS advises against; China's is under
 * amazonaws.com.cn. */
static void sts_url(const struct vb_s3_lookup *lookup, char *to, size_t room)
{
    const char *given = getenv("AWS_ENDPOINT_URL_STS");
    const char *region = lookup->region && *lookup->region ? lookup->region : "us-east-1";
    if (given && *given)
        snprintf(to, room, "%s", given);
    else
        snprintf(to, room, "https://sts.%s.%s/", region, vb_s3_domain_of(region));
}

/* Set up only where both variables are; a file that is then missing is a mistake and no reason to
 * go on. */
enum vb_status vb_s3_fetch_web_identity(const struct vb_s3_lookup *lookup,
                                        struct vb_s3_keys *ret_keys, struct vb_error *err)
{
    const char *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), *role = getenv("AWS_ROLE_ARN");
    struct vb_buffer token, form;
    char url[512];
    if (!file || !*file || !role || !*role)
        return VB_NOT_FOUND;
    vb_buffer_init_secret(&token, TOKEN_FILE_MOST);
    vb_buffer_init_secret(&form, 4 * TOKEN_FILE_MOST);
    sts_url(lookup, url, sizeof url);
    enum vb_status status = vb_s3_read_file(file, &token, err); /* anew each time: it is rotated */
    if (status == VB_NOT_FOUND)
        status = vb_fail(err, VB_INVALID, "%s does not exist", file);
    if (status == VB_OK) {
        status = write_form(role, token_of(&token), &form);
        if (status == VB_OK)
            status = assume(lookup, url, &form, ret_keys, err);
        else
            (void)vb_fail(err, status,
                          status == VB_LIMIT ? "%s is too long" : "no memory for the token in %s",
                          file);
    }
    vb_buffer_done(&token);
    vb_buffer_done(&form);
    return status;
}

/* ---- container ---- */

/* Keys may travel unencrypted only to the machine itself and to the addresses that ECS and EKS
 * use. */
static bool may_be_plain(const char *url)
{
    static const char *const hosts[] = {
        "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    };
    const char *rest = url + strlen("http://");
    size_t width = *rest == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/?#");
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strlen(hosts[i]) == width && strncmp(rest, hosts[i], width) == 0)
            return true;
    return false;
}

/* The relative form is ECS's, which wins; the full one is for EKS and agents on the machine. An '@'
 * would hide which host is asked behind a user's name. */
static enum vb_status container_url(char *to, size_t room, struct vb_error *err)
{
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    int length;
    if (relative && *relative)
        length =
            snprintf(to, room, "http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative);
    else if (full && *full)
        length = snprintf(to, room, "%s", full);
    else
        return VB_NOT_FOUND;
    if (length < 0 || (size_t)length >= room)
        return vb_fail(err, VB_LIMIT, "the address is too long");
    bool plain = strncmp(to, "http://", 7) == 0;
    if (strchr(to, '@') || (!plain && strncmp(to, "https://", 8) != 0) ||
        (plain && !may_be_plain(to)))
        return vb_fail(err, VB_INVALID,
                       "the address must be https, or http on this machine or its metadata host");
    return VB_OK;
}

/* The token to show; from the file each time, since it is rotated. `out` stays empty for none. It
 * becomes a header, so a line break inside it is refused. */
static enum vb_status container_token(struct vb_buffer *out, struct vb_error *err)
{
    const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    enum vb_status status = VB_OK;
    if (file && *file)
        status = vb_s3_read_file(file, out, err);
    else if (token && *token && (status = vb_buffer_append_text(out, token)) != VB_OK)
        vb_fail(err, status, "the authorization token is too long, or memory is short");
    if (status == VB_NOT_FOUND)
        return vb_fail(err, VB_INVALID, "%s does not exist", file);
    struct vb_view shown = token_of(out);
    if (status == VB_OK && (memchr(shown.data ? shown.data : "", '\n', shown.length) ||
                            memchr(shown.data ? shown.data : "", '\r', shown.length)))
        return vb_fail(err, VB_INVALID, "the authorization token holds a line break");
    return status;
}

/* Plain HTTP goes past any proxy: the address is the machine's own. */
enum vb_status vb_s3_fetch_container(const struct vb_s3_lookup *lookup, struct vb_s3_keys *ret_keys,
                                     struct vb_error *err)
{
    char url[2048];
    struct vb_buffer token, answer;
    int http_status = 0;
    enum vb_status status = container_url(url, sizeof url, err);
    if (status != VB_OK)
        return status;
    vb_buffer_init_secret(&token, VB_S3_TOKEN_TEXT);
    vb_buffer_init_secret(&answer, ANSWER_MOST);
    status = container_token(&token, err);
    const struct question question = {
        .lookup = lookup,
        .method = "GET",
        .url = url,
        .headers = {{VB_VIEW("Authorization"), token_of(&token)}},
        .header_count = token_of(&token).length > 0 ? 1 : 0,
        .connect_seconds = 2,
        .total_seconds = 4,
        .tries = TRIES,
        .direct = strncmp(url, "http://", 7) == 0,
    };
    if (status == VB_OK)
        status = ask(&question, &answer, &http_status, err);
    if (status == VB_OK && http_status != 200)
        status = refused(http_status, "", err);
    if (status == VB_OK)
        status = read_json(&answer, ret_keys, err);
    vb_buffer_done(&token);
    vb_buffer_done(&answer);
    return status;
}

/* ---- instance metadata ---- */

/* One fetch's session with the metadata service. */
struct instance {
    const struct vb_s3_lookup *lookup;
    const char *base; /* "http://169.254.169.254" */
    char token[512];  /* of IMDSv2; "" where the service has none */
};

/* PUT is the question for a token, which tells how long it shall live; all others show the token.
 * Limits are short: where there is no such service, the address is silent. */
static enum vb_status ask_instance(const struct instance *instance, const char *method,
                                   const char *path, unsigned tries, struct vb_buffer *out,
                                   int *ret_status, struct vb_error *err)
{
    char url[1024];
    bool put = strcmp(method, "PUT") == 0;
    int length = snprintf(url, sizeof url, "%s%s", instance->base, path);
    if (length < 0 || (size_t)length >= sizeof url)
        return vb_fail(err, VB_LIMIT, "the address is too long");
    const struct vb_s3_pair lifetime = {VB_VIEW("x-aws-ec2-metadata-token-ttl-seconds"),
                                        VB_VIEW(METADATA_TOKEN_SECONDS)};
    const struct vb_s3_pair token = {VB_VIEW("x-aws-ec2-metadata-token"),
                                     vb_view_of(instance->token)};
    const struct question question = {
        .lookup = instance->lookup,
        .method = method,
        .url = url,
        .headers = {put ? lifetime : token},
        .header_count = put || *instance->token ? 1 : 0,
        .connect_seconds = 1,
        .total_seconds = 2,
        .tries = tries,
        .direct = true,
    };
    return ask(&question, out, ret_status, err);
}

/* Nobody there, or no version 2: the machine is no instance, or an old one. One try only, because
 * on every machine that is no instance this is the end of the search. 403, 404 and 405 mean version
 * 1. */
static enum vb_status start_session(struct instance *instance, struct vb_error *err)
{
    struct vb_buffer answer;
    int http_status = 0;
    vb_buffer_init_secret(&answer, sizeof instance->token - 1);
    enum vb_status status =
        ask_instance(instance, "PUT", "/latest/api/token", 1, &answer, &http_status, err);
    if (status == VB_NETWORK)
        status = VB_NOT_FOUND;
    else if (status == VB_OK && http_status == 200 && answer.length > 0)
        memcpy(instance->token, answer.data, answer.length + 1);
    else if (status == VB_OK && http_status != 403 && http_status != 404 && http_status != 405)
        status = refused(http_status, "", err);
    vb_buffer_done(&answer);
    return status;
}

/* The role's name is the first line of its listing. */
static enum vb_status role_path(const struct instance *instance, char *to, size_t room,
                                struct vb_error *err)
{
    static const char listing[] = "/latest/meta-data/iam/security-credentials/";
    struct vb_buffer answer;
    int http_status = 0;
    vb_buffer_init_secret(&answer, ANSWER_MOST);
    enum vb_status status =
        ask_instance(instance, "GET", listing, TRIES, &answer, &http_status, err);
    if (status == VB_OK && http_status == 404)
        status = VB_NOT_FOUND; /* an instance without a role */
    else if (status == VB_OK && http_status != 200)
        status = refused(http_status, "", err);
    if (status == VB_OK) {
        const char *role = answer.data ? answer.data : "";
        int length = snprintf(to, room, "%s%.*s", listing, (int)strcspn(role, "\r\n"), role);
        if (length < 0 || (size_t)length >= room || strpbrk(to, " ?#"))
            status = vb_fail(err, VB_DENIED, "the role's name cannot be");
    }
    vb_buffer_done(&answer);
    return status;
}

/* The last place of the chain, since it costs a second where nobody answers. */
enum vb_status vb_s3_fetch_instance(const struct vb_s3_lookup *lookup, struct vb_s3_keys *ret_keys,
                                    struct vb_error *err)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    const char *given = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct instance instance = {.lookup = lookup,
                                .base = given && *given ? given : "http://169.254.169.254"};
    struct vb_buffer answer;
    char path[512];
    int http_status = 0;
    if (disabled && strcmp(disabled, "true") == 0)
        return VB_NOT_FOUND;
    vb_buffer_init_secret(&answer, ANSWER_MOST);
    enum vb_status status = start_session(&instance, err);
    if (status == VB_OK)
        status = role_path(&instance, path, sizeof path, err);
    if (status == VB_OK)
        status = ask_instance(&instance, "GET", path, TRIES, &answer, &http_status, err);
    if (status == VB_OK && http_status != 200)
        status = refused(http_status, "", err);
    if (status == VB_OK)
        status = read_json(&answer, ret_keys, err);
    vb_buffer_done(&answer);
    return status;
}
