/* Reading of S3's answers with expat. See xml.h. One thread a call.
 *
 * Answers come from a store that may be anybody's, so nothing here grows with them: the path and
 * the text have fixed rooms on the stack (about 9 KiB), and a document type, which could define
 * entities that expand without end or name files, is refused before it is read.
 */
#include "xml.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MOST (VB_XML_DEPTH * (VB_XML_NAME + 1))

struct parse {
    XML_Parser parser;
    const struct vb_xml_reader *reader;
    char path[PATH_MOST];
    size_t length; /* of the path */
    size_t depth;
    char text[VB_XML_TEXT];
    size_t text_length;
    bool refused;
};

/* No answer of a store has a document type; without one there are no entities to expand. */
static void refuse(struct parse *parse)
{
    parse->refused = true;
    XML_StopParser(parse->parser, XML_FALSE);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system, (void)public_id, (void)has_internal_subset;
    refuse(context);
}

/* Prefixes are dropped: some stores write "s3:Code". The path grows by a slash and a name, for
 * which depth and name have ceilings, so it cannot overflow. */
static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct parse *parse = context;
    const char *colon = strrchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    size_t width = strlen(local);
    (void)attributes;
    if (parse->depth == VB_XML_DEPTH || width >= VB_XML_NAME) {
        refuse(parse);
        return;
    }
    if (parse->length > 0)
        parse->path[parse->length++] = '/';
    memcpy(parse->path + parse->length, local, width + 1);
    parse->length += width;
    parse->depth++;
    parse->text_length = 0;
}

/* A text that is too long is marked by a full buffer and told as "": no field of ours is so
 * long. */
static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
    struct parse *parse = context;
    /* Text comes in pieces of expat's choice. */
    size_t room = VB_XML_TEXT - parse->text_length, width = (size_t)length;
    if (width < room)
        memcpy(parse->text + parse->text_length, text, width);
    parse->text_length += width < room ? width : room; /* full marks a text that was too long */
}

/* Text before and between children belongs to no field: an element that has children is told with
 * what follows the last of them. */
static void XMLCALL on_end(void *context, const XML_Char *name)
{
    struct parse *parse = context;
    (void)name;
    parse->text[parse->text_length < VB_XML_TEXT ? parse->text_length : 0] = '\0';
    parse->reader->element(parse->reader->context, parse->path, parse->text);
    char *slash = strrchr(parse->path, '/');
    parse->length = slash ? (size_t)(slash - parse->path) : 0;
    parse->path[parse->length] = '\0';
    parse->depth--;
    parse->text_length = 0;
}

/* The whole document at once: answers are small and lie in a buffer already. */
enum vb_status vb_xml_read(struct vb_view document, const struct vb_xml_reader *reader,
                           struct vb_error *err)
{
    struct parse parse = {.reader = reader};
    /* White space that kept a slow answer alive comes before the document. */
    while (document.length > 0 && strchr(" \t\r\n", *document.data) && *document.data) {
        document.data++;
        document.length--;
    }
    if (document.length == 0 || document.length > INT_MAX)
        return vb_fail(err, VB_INVALID, "the answer holds no document");
    parse.parser = XML_ParserCreate(NULL);
    if (!parse.parser)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a parser");
    XML_SetUserData(parse.parser, &parse);
    XML_SetElementHandler(parse.parser, on_start, on_end);
    XML_SetCharacterDataHandler(parse.parser, on_text);
    XML_SetStartDoctypeDeclHandler(parse.parser, on_doctype);
    enum XML_Status result = XML_Parse(parse.parser, document.data, (int)document.length, XML_TRUE);
    bool is_short = XML_GetErrorCode(parse.parser) == XML_ERROR_NO_MEMORY;
    XML_ParserFree(parse.parser);
    if (result != XML_STATUS_OK && is_short)
        return vb_fail(err, VB_NO_MEMORY, "no memory for an answer");
    if (parse.refused)
        return vb_fail(err, VB_INVALID, "the answer is not plain XML");
    if (result != XML_STATUS_OK)
        return vb_fail(err, VB_INVALID, "the answer is not well-formed XML");
    return VB_OK;
}

const char *vb_xml_below_root(const char *path)
{
    size_t root = strcspn(path, "/");
    if (root == 5 && memcmp(path, "Error", 5) == 0)
        return NULL;
    return path[root] ? path + root + 1 : path + root;
}
