/* Taking a query string apart. The list of problems owns the names and values that it shows, as
 * JSON strings: it outlives the query that broke a rule. */
#include "query.h"

#include "server.h"

#include "verbatim/digits.h"
#include "verbatim/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct parser {
    const struct vb_http_parameter *table;
    size_t count;
    struct vb_http_query *query;
    struct vb_problems *problems;
};

/* A JSON string that lives as long as the list; NULL without memory. */
static const json_t *show(struct parser *parser, struct vb_view text)
{
    json_t *string = json_stringn(text.data, text.length);
    if (!string || json_array_append_new(parser->problems->root, string) != 0)
        return NULL;
    return string;
}

/* `input` NULL: nothing is shown. */
static void add_problem(struct parser *parser, const char *type, const char *name,
                        const char *message, const json_t *input)
{
    vb_problems_add(
        parser->problems,
        &(struct vb_problem){
            .type = type, .member = name, .index = -1, .message = message, .input = input});
}

/* Appends the decoded text and a NUL, which is not counted. False: not decodable, or no text. */
static bool decode(struct vb_buffer *out, struct vb_view raw, struct vb_view *ret_text)
{
    size_t start = out->length;
    while (raw.length > 0) {
        const char *plus = memchr(raw.data, '+', raw.length);
        size_t length = plus ? (size_t)(plus - raw.data) : raw.length;
        if (vb_percent_decode(out, (struct vb_view){raw.data, length}) != VB_OK ||
            (plus && vb_buffer_append_byte(out, ' ') != VB_OK))
            return false;
        length += plus != NULL;
        raw = (struct vb_view){raw.data + length, raw.length - length};
    }
    struct vb_view text = {out->data + start, out->length - start};
    if (vb_buffer_append_byte(out, '\0') != VB_OK)
        return false;
    *ret_text = text;
    return vb_utf8_valid(text) && !memchr(text.data, '\0', text.length);
}

/* 0: it is none of them. */
static int64_t word_bit(const char *const *words, struct vb_view word)
{
    for (size_t i = 0; words[i]; i++)
        if (vb_view_equals(vb_view_of(words[i]), word))
            return INT64_C(1) << i;
    return 0;
}

/* A word may be named twice; an empty one is none. */
static bool take_words(const char *const *words, struct vb_view text, int64_t *ret_bits)
{
    for (bool is_last = false; !is_last;) {
        const char *comma = memchr(text.data, ',', text.length);
        size_t length = comma ? (size_t)(comma - text.data) : text.length;
        int64_t bit = word_bit(words, (struct vb_view){text.data, length});
        if (bit == 0)
            return false;
        *ret_bits |= bit;
        is_last = !comma;
        length += !is_last;
        text = (struct vb_view){text.data + length, text.length - length};
    }
    return true;
}

/* A number has no further rule than its bounds. */
static bool value_holds(const struct vb_http_parameter *parameter, struct vb_view text,
                        int64_t *ret_number)
{
    if (parameter->words)
        return take_words(parameter->words, text, ret_number);
    if (parameter->is_number)
        return vb_digits_whole(text, ret_number) == VB_OK && *ret_number >= parameter->least &&
               *ret_number <= parameter->most;
    return !parameter->holds || parameter->holds(text);
}

/* A value that breaks its rule counts as given, so it is not told as missing too. */
static void take_value(struct parser *parser, size_t index, struct vb_view text)
{
    const struct vb_http_parameter *parameter = &parser->table[index];
    struct vb_http_value *value = &parser->query->values[index];
    int64_t number = parameter->words ? value->number : 0;
    if (value->text && !parameter->words)
        add_problem(parser, "repeated", parameter->name, "Parameter may be given once only",
                    show(parser, text));
    else if (!value_holds(parameter, text, &number))
        add_problem(parser, parameter->type, parameter->name, parameter->message,
                    show(parser, text));
    *value = (struct vb_http_value){text.data, number};
}

static void take_piece(struct parser *parser, struct vb_view piece)
{
    const char *mark = memchr(piece.data, '=', piece.length);
    size_t length = mark ? (size_t)(mark - piece.data) : piece.length;
    struct vb_view name, text, raw = {piece.data + length, piece.length - length};
    if (mark)
        raw = (struct vb_view){raw.data + 1, raw.length - 1};
    struct vb_buffer *texts = &parser->query->texts;
    if (!decode(texts, (struct vb_view){piece.data, length}, &name)) {
        add_problem(parser, "query_invalid", NULL, "The query string is malformed", NULL);
        return;
    }
    size_t index = 0;
    while (index < parser->count && !vb_view_equals(vb_view_of(parser->table[index].name), name))
        index++;
    if (index == parser->count) {
        const json_t *shown = show(parser, name);
        add_problem(parser, "extra_forbidden", shown ? json_string_value(shown) : NULL,
                    "Extra parameters are not permitted", NULL);
    } else if (!decode(texts, raw, &text)) {
        add_problem(parser, "string_unicode", parser->table[index].name,
                    "Input should be percent-encoded UTF-8 text", NULL);
        parser->query->values[index].text = ""; /* given, if badly */
    } else {
        take_value(parser, index, text);
    }
}

/* All problems at once, the missing ones last. */
static void take_all(struct parser *parser, struct vb_view query)
{
    while (query.length > 0) {
        const char *mark = memchr(query.data, '&', query.length);
        size_t length = mark ? (size_t)(mark - query.data) : query.length;
        if (length > 0)
            take_piece(parser, (struct vb_view){query.data, length});
        length += mark != NULL;
        query = (struct vb_view){query.data + length, query.length - length};
    }
    for (size_t i = 0; i < parser->count; i++)
        if (parser->table[i].required && !parser->query->values[i].text)
            add_problem(parser, "missing", parser->table[i].name, "Field required", NULL);
}

enum vb_status vb_http_query_parse(struct vb_view query, const struct vb_http_parameter *table,
                                   size_t count, struct vb_http_query *ret_query,
                                   struct vb_problems *ret_problems)
{
    struct vb_http_query parsed = {0};
    struct parser parser = {table, count, &parsed, ret_problems};
    vb_problems_init(ret_problems);
    ret_problems->place = "query";
    ret_problems->root = json_array();
    /* Room for all of it at once, since the values point into it: decoded text is no longer than
     * its raw form, and each piece gives two NULs for its own bytes and its '&'. */
    size_t most = 3 * query.length + 2;
    vb_buffer_init(&parsed.texts, most);
    enum vb_status status = vb_buffer_reserve(&parsed.texts, most);
    if (status == VB_OK && !ret_problems->root)
        status = VB_NO_MEMORY;
    if (status == VB_OK)
        take_all(&parser, query);
    if (status == VB_OK && ret_problems->count > 0)
        status = VB_INVALID;
    if (status == VB_OK)
        *ret_query = parsed;
    else
        vb_buffer_done(&parsed.texts);
    return status;
}

void vb_http_query_done(struct vb_http_query *query)
{
    if (!query)
        return;
    vb_buffer_done(&query->texts);
    *query = (struct vb_http_query){0};
}

const char *vb_http_value_list(const struct vb_http_value *value, const char *const *words,
                               char text[VB_HTTP_LIST])
{
    size_t length = 0;
    if (!value->text)
        return NULL;
    for (size_t i = 0; words[i]; i++)
        if (value->number & (INT64_C(1) << i))
            length += (size_t)snprintf(text + length, VB_HTTP_LIST - length, "%s%s",
                                       length > 0 ? "," : "{", words[i]);
    (void)snprintf(text + length, VB_HTTP_LIST - length, "}");
    return text;
}

bool vb_http_query_read(struct vb_http_exchange *exchange, const struct vb_http_parameter *table,
                        size_t count, struct vb_http_query *ret_query)
{
    struct vb_problems problems;
    enum vb_status status =
        vb_http_query_parse(exchange->head.query, table, count, ret_query, &problems);
    if (status == VB_INVALID) {
        vb_http_answer_problems(exchange, &problems);
    } else if (status != VB_OK) {
        struct vb_error err = {0};
        (void)vb_fail(&err, status, "no memory for the query of a request");
        vb_http_answer_error(exchange, &err);
    }
    vb_problems_done(&problems);
    return status == VB_OK;
}
