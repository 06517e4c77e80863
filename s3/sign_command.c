/* `verbatim s3 sign`: the signer behind a JSON door, to compare with a server's own computation.
 *
 * Reads one object, borrows its strings for one signing, writes the three stages. One thread.
 * Prints no key.
 *
 * When a store refuses a signature it shows the canonical request it computed; the difference to
 * the one printed here is the fault. Members are those of struct vb_s3_signing by their names;
 * unknown ones are passed over, doubled ones refused.
 */
#include "verbatim/digits.h"
#include "verbatim/json.h"
#include "verbatim/json_load.h"
#include "verbatim/s3_signer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Four times what the signer takes, since JSON may escape it. */
#define INPUT_MOST (1024u * 1024u)
#define OUTPUT_MOST (2u * 1024u * 1024u)

/* Up to the end of the stream, at most 1 MiB. */
static enum vb_status read_input(FILE *in, struct vb_buffer *input, struct vb_error *err)
{
    char block[16384];
    size_t got;
    enum vb_status status;
    while ((got = fread(block, 1, sizeof block, in)) > 0)
        if ((status = vb_buffer_append(input, block, got)) != VB_OK)
            return vb_fail(err, status,
                           status == VB_LIMIT ? "the request exceeds %u bytes"
                                              : "no memory for a request of up to %u bytes",
                           INPUT_MOST);
    if (ferror(in))
        return vb_fail(err, VB_IO, "the request could not be read");
    return VB_OK;
}

/* A member that is missing or null gives NULL, and the signer says what it needs. */
static enum vb_status text_member(const json_t *object, const char *name, const char **ret_text,
                                  struct vb_error *err)
{
    json_t *value = json_object_get(object, name);
    if (value && !json_is_null(value) && !json_is_string(value))
        return vb_fail(err, VB_INVALID, "\"%s\" must be a string", name);
    *ret_text = json_string_value(value);
    return VB_OK;
}

/* With its length: the text may hold "\u0000", which a path may be signed with. */
static struct vb_view view_of(const json_t *text)
{
    return (struct vb_view){json_string_value(text), json_string_length(text)};
}

static bool is_text_pair(const json_t *pair)
{
    return json_is_array(pair) && json_array_size(pair) == 2 &&
           json_is_string(json_array_get(pair, 0)) && json_is_string(json_array_get(pair, 1));
}

/* A list of [name, value] pairs; the array is the caller's to free. A list and not an object, since
 * names may come twice and in an order. */
static enum vb_status pairs_member(const json_t *object, const char *name,
                                   struct vb_s3_pair **ret_pairs, size_t *ret_count,
                                   struct vb_error *err)
{
    json_t *list = json_object_get(object, name);
    size_t count = json_array_size(list);
    if (list && !json_is_null(list) && !json_is_array(list))
        return vb_fail(err, VB_INVALID, "\"%s\" must be a list of pairs", name);
    struct vb_s3_pair *pairs = calloc(count + 1, sizeof *pairs);
    if (!pairs)
        return vb_fail(err, VB_NO_MEMORY, "no memory");
    for (size_t i = 0; i < count; i++) {
        json_t *pair = json_array_get(list, i);
        if (!is_text_pair(pair)) {
            free(pairs);
            return vb_fail(err, VB_INVALID, "\"%s\" must be a list of pairs of strings", name);
        }
        pairs[i].name = view_of(json_array_get(pair, 0));
        pairs[i].value = view_of(json_array_get(pair, 1));
    }
    *ret_pairs = pairs;
    *ret_count = count;
    return VB_OK;
}

/* The form of x-amz-date, and only it: ISO 8601 basic, UTC, whole seconds. */
static enum vb_status parse_timestamp(const char *text, vb_instant *ret_at, struct vb_error *err)
{
    struct vb_date date;
    int hour, minute, second;
    char day[11];
    if (!text || strlen(text) != 16 || text[8] != 'T' || text[15] != 'Z' ||
        vb_digits_fixed(text + 9, 2, &hour) != VB_OK ||
        vb_digits_fixed(text + 11, 2, &minute) != VB_OK ||
        vb_digits_fixed(text + 13, 2, &second) != VB_OK || hour > 23 || minute > 59 || second > 59)
        return vb_fail(err, VB_INVALID, "\"timestamp\" must be YYYYMMDDTHHMMSSZ");
    snprintf(day, sizeof day, "%.4s-%.2s-%.2s", text, text + 4, text + 6);
    if (vb_date_parse(vb_view_of(day), &date) != VB_OK)
        return vb_fail(err, VB_INVALID, "\"timestamp\" names a day that does not exist");
    *ret_at = (vb_date_to_days(date) * 86400 + hour * 3600 + minute * 60 + second) * VB_SECOND;
    return VB_OK;
}

/* Absent members are as zero in struct vb_s3_signing: by header, no lifetime, the path as it is. A
 * lifetime of 0 passes here and is refused by the signer in query mode. */
static enum vb_status mode_member(const json_t *object, struct vb_s3_signing *signing,
                                  struct vb_error *err)
{
    const char *mode = NULL;
    json_t *expires = json_object_get(object, "expires");
    enum vb_status status = text_member(object, "mode", &mode, err);
    if (status != VB_OK)
        return status;
    if (mode && strcmp(mode, "header") != 0 && strcmp(mode, "query") != 0)
        return vb_fail(err, VB_INVALID, "\"mode\" must be \"header\" or \"query\"");
    signing->mode = mode && strcmp(mode, "query") == 0 ? VB_S3_SIGN_QUERY : VB_S3_SIGN_HEADER;
    if (expires && !json_is_null(expires)) {
        json_int_t value = json_integer_value(expires);
        if (!json_is_integer(expires) || value < 0 || value > (json_int_t)VB_S3_LIFETIME_MOST)
            return vb_fail(err, VB_INVALID, "\"expires\" must be a number of seconds, at most %u",
                           VB_S3_LIFETIME_MOST);
        signing->expires = (unsigned)value;
    }
    json_t *normalize = json_object_get(object, "normalize_path");
    if (normalize && !json_is_null(normalize) && !json_is_boolean(normalize))
        return vb_fail(err, VB_INVALID, "\"normalize_path\" must be true or false");
    signing->normalize_path = json_is_true(normalize);
    return VB_OK;
}

/* The one member that must be there; it may hold a NUL, so it goes by its length. */
static enum vb_status path_member(const json_t *object, struct vb_view *ret_path,
                                  struct vb_error *err)
{
    json_t *path = json_object_get(object, "path");
    if (!json_is_string(path))
        return vb_fail(err, VB_INVALID, "\"path\" must be a string");
    *ret_path = view_of(path);
    return VB_OK;
}

/* `timestamp` has no default: a signature of now cannot be compared with anything. */
static enum vb_status read_members(const json_t *object, struct vb_s3_signing *signing,
                                   struct vb_error *err)
{
    const char *timestamp = NULL;
    const struct {
        const char *name;
        const char **to;
    } texts[] = {
        {"method", &signing->method},
        {"payload_sha256", &signing->payload_sha256},
        {"access_key_id", &signing->access_key_id},
        {"secret_access_key", &signing->secret_access_key},
        {"session_token", &signing->session_token},
        {"region", &signing->region},
        {"service", &signing->service},
        {"timestamp", &timestamp},
    };
    enum vb_status status = path_member(object, &signing->path, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == VB_OK; i++)
        status = text_member(object, texts[i].name, texts[i].to, err);
    if (status == VB_OK)
        status = parse_timestamp(timestamp, &signing->at, err);
    if (status == VB_OK)
        status = mode_member(object, signing, err);
    if (status == VB_OK && !signing->service)
        signing->service = "s3";
    return status;
}

/* OUTPUT_MOST leaves room for a canonical request of 256 KiB in which each byte takes a \u
 * escape. */
static enum vb_status write_stages(FILE *out, const struct vb_s3_signature *signature,
                                   struct vb_error *err)
{
    struct vb_buffer text;
    struct vb_json json;
    vb_buffer_init(&text, OUTPUT_MOST);
    vb_json_init(&json, &text);
    vb_json_begin_object(&json);
    vb_json_name(&json, "canonical_request");
    vb_json_view(&json, (struct vb_view){signature->canonical_request.data,
                                         signature->canonical_request.length});
    vb_json_member_text(&json, "string_to_sign", signature->string_to_sign.data);
    vb_json_member_text(&json, "signature", signature->signature);
    vb_json_end_object(&json);
    enum vb_status status = vb_json_status(&json);
    if (status != VB_OK)
        (void)vb_fail(err, status, "the stages could not be written");
    else if (fprintf(out, "%s\n", text.data) < 0 || fflush(out) != 0)
        status = vb_fail(err, VB_IO, "the stages could not be written");
    vb_buffer_done(&text);
    return status;
}

/* `object` must live until the end: all of `signing` points into it. */
static enum vb_status sign_object(const json_t *object, FILE *out, struct vb_error *err)
{
    struct vb_s3_signing signing = {0};
    struct vb_s3_signature signature = {0};
    struct vb_s3_pair *query = NULL, *headers = NULL;
    enum vb_status status = read_members(object, &signing, err);
    if (status == VB_OK)
        status = pairs_member(object, "query", &query, &signing.query_count, err);
    if (status == VB_OK)
        status = pairs_member(object, "headers", &headers, &signing.header_count, err);
    signing.query = query;
    signing.headers = headers;
    if (status == VB_OK)
        status = vb_s3_sign(&signing, &signature, err);
    if (status == VB_OK)
        status = write_stages(out, &signature, err);
    vb_s3_signature_done(&signature);
    free(query);
    free(headers);
    return status;
}

static enum vb_status read_object(struct vb_view text, json_t **ret_object, struct vb_error *err)
{
    struct vb_error own;
    json_t *value = NULL;
    enum vb_status status = vb_json_load(text, JSON_REJECT_DUPLICATES, &value, &own);
    if (status == VB_NO_MEMORY)
        return vb_fail(err, status, "%s", own.text);
    if (!json_is_object(value)) {
        status = vb_fail(err, VB_INVALID, "standard input must hold one JSON object: %s",
                         value ? "it is another value" : own.text);
        json_decref(value);
        return status;
    }
    *ret_object = value;
    return VB_OK;
}

/* The input holds a secret key. What jansson and stdio copied of it goes with the process, which is
 * a short one. */
enum vb_status vb_s3_sign_command(FILE *in, FILE *out, struct vb_error *err)
{
    struct vb_buffer input;
    json_t *object = NULL;
    vb_buffer_init_secret(&input, INPUT_MOST);
    enum vb_status status = read_input(in, &input, err);
    if (status == VB_OK)
        status = read_object((struct vb_view){input.data, input.length}, &object, err);
    if (status == VB_OK)
        status = sign_object(object, out, err);
    json_decref(object);
    vb_buffer_done(&input);
    return status;
}
