/* Sheets of text cells; see xlsx.h.
 *
 * Texts stand in their cells (`inlineStr`) and not in a table of their own, which would have to be
 * kept until the end. Their number format is text ("@"), so that a cell stays a text when somebody
 * edits it. Content types are by extension first, so that they can be told before it is known how
 * many sheets there will be; the workbook, which lists the sheets, comes last.
 */
#include "verbatim/xlsx.h"

#include "package.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XML_FLUSH (64u * 1024u)
#define XML_CEILING (1024u * 1024u) /* a cell whose every character is escaped has 230 KiB */
#define NAMES (16u * 1024u)
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATIONS "http://schemas.openxmlformats.org/package/2006/relationships"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define TYPES "application/vnd.openxmlformats-officedocument.spreadsheetml."
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"

enum style { STYLE_TEXT = 1, STYLE_NAME }; /* by position in `styles`; 0 is a number's */

struct vb_xlsx {
    struct vb_package *package;
    struct vb_buffer xml; /* on its way to the package */
    uint64_t sheet_rows, sheet_bytes;
    uint64_t sheets, rows; /* begun; of the open sheet */
    char row[24];          /* its number */
    size_t row_length;
    const char *sheet;
    struct vb_buffer names; /* of the columns, one behind the other */
    size_t name_lengths[VB_XLSX_COLUMNS], columns;
};

static const char content_types[] =
    XML "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
        "<Default Extension=\"rels\" "
        "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
        "<Default Extension=\"xml\" ContentType=\"" TYPES "worksheet+xml\"/>"
        "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" TYPES "sheet.main+xml\"/>"
        "<Override PartName=\"/xl/styles.xml\" ContentType=\"" TYPES "styles+xml\"/></Types>";
static const char relations[] =
    XML "<Relationships xmlns=\"" RELATIONS "\"><Relationship Id=\"rId1\" Type=\"" OFFICE
        "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
static const char styles[] =
    XML "<styleSheet xmlns=\"" MAIN "\"><fonts count=\"2\">"
        "<font><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font>"
        "<font><b/><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>"
        "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
        "<fill><patternFill patternType=\"gray125\"/></fill></fills>"
        "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
        "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>"
        "</cellStyleXfs><cellXfs count=\"3\">"
        "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>"
        "<xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" "
        "applyNumberFormat=\"1\"/>"
        "<xf numFmtId=\"49\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" "
        "applyNumberFormat=\"1\" applyFont=\"1\"/></cellXfs><cellStyles count=\"1\">"
        "<cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";
/* The line of names stays in sight. */
static const char sheet_head[] =
    XML "<worksheet xmlns=\"" MAIN "\"><sheetViews><sheetView%s workbookViewId=\"0\">"
        "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>"
        "</sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>"
        "<col min=\"1\" max=\"%zu\" width=\"20\" customWidth=\"1\"/></cols><sheetData>\n";
/* Numbers as text are meant: no green corner in each cell. */
static const char sheet_foot[] =
    "</sheetData><ignoredErrors><ignoredError sqref=\"A1:XFD1048576\" numberStoredAsText=\"1\"/>"
    "</ignoredErrors></worksheet>";

enum vb_status vb_xlsx_new(uint64_t sheet_rows, uint64_t sheet_bytes, struct vb_xlsx **ret_xlsx,
                           struct vb_error *err)
{
    struct vb_xlsx *xlsx = calloc(1, sizeof *xlsx);
    if (!xlsx)
        return vb_fail(err, VB_NO_MEMORY, "no memory for a workbook");
    vb_buffer_init(&xlsx->xml, XML_CEILING);
    vb_buffer_init(&xlsx->names, NAMES);
    xlsx->sheet_rows = sheet_rows > 0 ? sheet_rows : VB_XLSX_ROWS;
    xlsx->sheet_bytes = sheet_bytes > 0 ? sheet_bytes : VB_XLSX_BYTES;
    enum vb_status status = vb_package_new(&xlsx->package, err);
    if (status == VB_OK)
        *ret_xlsx = xlsx;
    else
        vb_xlsx_free(xlsx);
    return status;
}

void vb_xlsx_free(struct vb_xlsx *xlsx)
{
    if (!xlsx)
        return;
    vb_package_free(xlsx->package);
    vb_buffer_done(&xlsx->xml);
    vb_buffer_done(&xlsx->names);
    free(xlsx);
}

static enum vb_status flush(struct vb_xlsx *xlsx, size_t below, struct vb_buffer *out,
                            struct vb_error *err)
{
    const struct vb_view piece = {xlsx->xml.data, xlsx->xml.length};
    if (piece.length <= below)
        return VB_OK;
    enum vb_status status = vb_package_write(xlsx->package, piece, out, err);
    vb_buffer_reset(&xlsx->xml);
    return status;
}

/* --- cells --- */

/* "A", "AB": bijective, base 26. Returns the length. */
static size_t column_name(size_t column, char *name)
{
    char reversed[8];
    size_t length = 0;
    for (size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26)
        reversed[length++] = (char)('A' + (rest - 1) % 26);
    for (size_t i = 0; i < length; i++)
        name[i] = reversed[length - 1 - i];
    return length;
}

/* Blanks at an end are dropped by some readers unless they are told. */
static bool has_outer_blank(struct vb_view text)
{
    return text.length > 0 &&
           ((unsigned char)text.data[0] <= ' ' || (unsigned char)text.data[text.length - 1] <= ' ');
}

/* "<c r=" and the cell's place, in quotes. */
static enum vb_status put_place(struct vb_xlsx *xlsx, size_t column)
{
    char place[48] = "<c r=\"";
    size_t length = 6 + column_name(column, place + 6);
    memcpy(place + length, xlsx->row, xlsx->row_length);
    length += xlsx->row_length;
    place[length++] = '"';
    return vb_buffer_append(&xlsx->xml, place, length);
}

static enum vb_status put_text(struct vb_xlsx *xlsx, size_t column, enum style style,
                               struct vb_view text)
{
    static const char *const openings[] = {
        [STYLE_TEXT] = " s=\"1\" t=\"inlineStr\"><is><t",
        [STYLE_NAME] = " s=\"2\" t=\"inlineStr\"><is><t",
    };
    struct vb_buffer *xml = &xlsx->xml;
    enum vb_status status = put_place(xlsx, column);
    if (status == VB_OK)
        status = vb_buffer_append_text(xml, openings[style]);
    if (status == VB_OK)
        status =
            vb_buffer_append_text(xml, has_outer_blank(text) ? " xml:space=\"preserve\">" : ">");
    if (status == VB_OK)
        status = vb_xlsx_append_text(xml, text);
    return status == VB_OK ? vb_buffer_append_text(xml, "</t></is></c>") : status;
}

static enum vb_status put_number(struct vb_xlsx *xlsx, size_t column, struct vb_view digits)
{
    enum vb_status status = put_place(xlsx, column);
    if (status == VB_OK)
        status = vb_buffer_append_text(&xlsx->xml, "><v>");
    if (status == VB_OK)
        status = vb_buffer_append(&xlsx->xml, digits.data, digits.length);
    return status == VB_OK ? vb_buffer_append_text(&xlsx->xml, "</v></c>") : status;
}

/* Takes a cell's worth off the front. A text that has another cell to come leaves VB_XLSX_UNITS, or
 * one less where a surrogate pair would be cut; so that this can be told from a text that ends
 * there, one of that length has another cell to come too, an empty one. */
static struct vb_view take_piece(struct vb_view *rest, bool *ret_more)
{
    struct vb_view piece = *rest;
    size_t at = 0, units = 0;
    *ret_more = false;
    if (rest->length < VB_XLSX_UNITS - 1) /* no more units than bytes */
        return piece;
    while (at < rest->length) {
        unsigned char c = (unsigned char)rest->data[at];
        size_t width = c >= 0xF0 ? 2 : 1;
        if (units + width > VB_XLSX_UNITS)
            break;
        units += width;
        at += c < 0x80 ? 1u : c < 0xE0 ? 2u : c < 0xF0 ? 3u : 4u;
    }
    if (units < VB_XLSX_UNITS - 1)
        return piece;
    *ret_more = true;
    piece.length = at;
    rest->data += at;
    rest->length -= at;
    return piece;
}

/* What is left of the row's texts, in the order of their columns. */
static enum vb_status put_rest(struct vb_xlsx *xlsx, struct vb_view rest, size_t *column,
                               struct vb_buffer *out, struct vb_error *err)
{
    bool more = true;
    enum vb_status status = VB_OK;
    while (more && status == VB_OK) {
        struct vb_view piece = take_piece(&rest, &more);
        status = put_text(xlsx, (*column)++, STYLE_TEXT, piece);
        if (status == VB_OK)
            status = flush(xlsx, XML_FLUSH, out, err);
    }
    return status;
}

static enum vb_status put_row(struct vb_xlsx *xlsx, const struct vb_xlsx_cell *cells, size_t count,
                              enum style style, struct vb_buffer *out, struct vb_error *err)
{
    struct vb_view rests[VB_XLSX_COLUMNS] = {{NULL, 0}};
    size_t behind = xlsx->columns;
    xlsx->rows++;
    xlsx->row_length = (size_t)snprintf(xlsx->row, sizeof xlsx->row, "%" PRIu64, xlsx->rows);
    enum vb_status status = vb_buffer_printf(&xlsx->xml, "<row r=\"%s\">", xlsx->row);
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        struct vb_view rest = cells[i].text;
        bool more = false;
        if (cells[i].kind == VB_XLSX_TEXT)
            status = put_text(xlsx, i, style, take_piece(&rest, &more));
        else if (cells[i].kind == VB_XLSX_NUMBER)
            status = put_number(xlsx, i, rest);
        if (more)
            rests[i] = rest;
        if (status == VB_OK)
            status = flush(xlsx, XML_FLUSH, out, err);
    }
    for (size_t i = 0; i < count && status == VB_OK; i++)
        if (rests[i].data)
            status = put_rest(xlsx, rests[i], &behind, out, err);
    return status == VB_OK ? vb_buffer_append_text(&xlsx->xml, "</row>\n") : status;
}

/* --- sheets --- */

/* Their names, and one more for what is continued. */
static enum vb_status put_names(struct vb_xlsx *xlsx, struct vb_buffer *out, struct vb_error *err)
{
    struct vb_xlsx_cell cells[VB_XLSX_COLUMNS];
    const char *at = xlsx->names.data;
    for (size_t i = 0; i < xlsx->columns; i++) {
        cells[i] = (struct vb_xlsx_cell){VB_XLSX_TEXT, {at, xlsx->name_lengths[i]}};
        at += xlsx->name_lengths[i];
    }
    cells[xlsx->columns] = (struct vb_xlsx_cell){VB_XLSX_TEXT, VB_VIEW("continued")};
    return put_row(xlsx, cells, xlsx->columns + 1, STYLE_NAME, out, err);
}

static enum vb_status begin_sheet(struct vb_xlsx *xlsx, struct vb_buffer *out, struct vb_error *err)
{
    char name[48];
    xlsx->sheets++;
    xlsx->rows = 0;
    vb_buffer_reset(&xlsx->xml);
    (void)snprintf(name, sizeof name, "xl/worksheets/sheet%" PRIu64 ".xml", xlsx->sheets);
    enum vb_status status = vb_package_part_begin(xlsx->package, name, out);
    if (status == VB_OK)
        status = vb_buffer_printf(&xlsx->xml, sheet_head,
                                  xlsx->sheets == 1 ? " tabSelected=\"1\"" : "", xlsx->columns + 1);
    return status == VB_OK ? put_names(xlsx, out, err) : status;
}

static enum vb_status end_sheet(struct vb_xlsx *xlsx, struct vb_buffer *out, struct vb_error *err)
{
    enum vb_status status = vb_buffer_append_text(&xlsx->xml, sheet_foot);
    if (status == VB_OK)
        status = flush(xlsx, 0, out, err);
    return status == VB_OK ? vb_package_part_end(xlsx->package, out, err) : status;
}

/* The status of what has no text of its own. */
static enum vb_status told(enum vb_status status, struct vb_error *err)
{
    if (status != VB_LIMIT && status != VB_NO_MEMORY)
        return status;
    return vb_fail(err, status, "no room for a workbook");
}

static enum vb_status keep_names(struct vb_xlsx *xlsx, const struct vb_xlsx_cell *names,
                                 size_t count)
{
    vb_buffer_reset(&xlsx->names);
    xlsx->columns = count;
    enum vb_status status = count < VB_XLSX_COLUMNS ? VB_OK : VB_LIMIT;
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        xlsx->name_lengths[i] = names[i].text.length;
        status = vb_buffer_append(&xlsx->names, names[i].text.data, names[i].text.length);
    }
    return status;
}

/* The types first, by which readers know what the file is. */
enum vb_status vb_xlsx_begin(struct vb_xlsx *xlsx, const char *sheet,
                             const struct vb_xlsx_cell *names, size_t count, struct vb_buffer *out,
                             struct vb_error *err)
{
    struct vb_package *package = xlsx->package;
    xlsx->sheet = sheet;
    xlsx->sheets = 0;
    vb_package_begin(package);
    enum vb_status status = keep_names(xlsx, names, count);
    if (status == VB_OK)
        status = vb_package_store(package, "[Content_Types].xml", vb_view_of(content_types), out);
    if (status == VB_OK)
        status = vb_package_store(package, "_rels/.rels", vb_view_of(relations), out);
    if (status == VB_OK)
        status = vb_package_store(package, "xl/styles.xml", vb_view_of(styles), out);
    return told(status == VB_OK ? begin_sheet(xlsx, out, err) : status, err);
}

static bool is_full(const struct vb_xlsx *xlsx)
{
    return xlsx->rows >= xlsx->sheet_rows ||
           vb_package_part_size(xlsx->package) >= xlsx->sheet_bytes;
}

enum vb_status vb_xlsx_row(struct vb_xlsx *xlsx, const struct vb_xlsx_cell *cells, size_t count,
                           struct vb_buffer *out, struct vb_error *err)
{
    enum vb_status status = count <= xlsx->columns ? VB_OK : VB_LIMIT;
    if (status == VB_OK && is_full(xlsx)) {
        status = end_sheet(xlsx, out, err);
        if (status == VB_OK)
            status = begin_sheet(xlsx, out, err);
    }
    return told(status == VB_OK ? put_row(xlsx, cells, count, STYLE_TEXT, out, err) : status, err);
}

/* --- the workbook --- */

static enum vb_status put_workbook(struct vb_xlsx *xlsx)
{
    struct vb_buffer *xml = &xlsx->xml;
    enum vb_status status =
        vb_buffer_append_text(xml, XML "<workbook xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\">"
                                       "<sheets>");
    for (uint64_t i = 1; i <= xlsx->sheets && status == VB_OK; i++) {
        char number[24] = "";
        if (i > 1)
            (void)snprintf(number, sizeof number, " %" PRIu64, i);
        status = vb_buffer_printf(
            xml, "<sheet name=\"%s%s\" sheetId=\"%" PRIu64 "\" r:id=\"rId%" PRIu64 "\"/>",
            xlsx->sheet, number, i, i);
    }
    return status == VB_OK ? vb_buffer_append_text(xml, "</sheets></workbook>") : status;
}

static enum vb_status put_relations(struct vb_xlsx *xlsx)
{
    struct vb_buffer *xml = &xlsx->xml;
    enum vb_status status =
        vb_buffer_append_text(xml, XML "<Relationships xmlns=\"" RELATIONS "\">");
    for (uint64_t i = 1; i <= xlsx->sheets && status == VB_OK; i++)
        status = vb_buffer_printf(xml,
                                  "<Relationship Id=\"rId%" PRIu64 "\" Type=\"" OFFICE
                                  "/worksheet\" Target=\"worksheets/sheet%" PRIu64 ".xml\"/>",
                                  i, i);
    if (status != VB_OK)
        return status;
    return vb_buffer_printf(xml,
                            "<Relationship Id=\"rId%" PRIu64 "\" Type=\"" OFFICE
                            "/styles\" Target=\"styles.xml\"/></Relationships>",
                            xlsx->sheets + 1);
}

static enum vb_status store_part(struct vb_xlsx *xlsx, const char *name, enum vb_status status,
                                 struct vb_buffer *out)
{
    const struct vb_view part = {xlsx->xml.data, xlsx->xml.length};
    if (status == VB_OK)
        status = vb_package_store(xlsx->package, name, part, out);
    vb_buffer_reset(&xlsx->xml);
    return status;
}

enum vb_status vb_xlsx_end(struct vb_xlsx *xlsx, struct vb_buffer *out, struct vb_error *err)
{
    enum vb_status status = end_sheet(xlsx, out, err);
    if (status == VB_OK)
        status = store_part(xlsx, "xl/workbook.xml", put_workbook(xlsx), out);
    if (status == VB_OK)
        status = store_part(xlsx, "xl/_rels/workbook.xml.rels", put_relations(xlsx), out);
    return told(status == VB_OK ? vb_package_end(xlsx->package, out) : status, err);
}
