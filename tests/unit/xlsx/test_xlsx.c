/* Workbooks: their parts as libzip reads them, texts in XML, what is continued, where sheets
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "verbatim/xlsx.h"

#define TEXT(literal) ((struct vb_xlsx_cell){VB_XLSX_TEXT, VB_VIEW(literal)})
#define NUMBER(literal) ((struct vb_xlsx_cell){VB_XLSX_NUMBER, VB_VIEW(literal)})
#define NOTHING ((struct vb_xlsx_cell){VB_XLSX_NOTHING, {NULL, 0}})

static const struct vb_xlsx_cell names[] = {
    {VB_XLSX_TEXT, {"id", 2}}, {VB_XLSX_TEXT, {"text", 4}}, {VB_XLSX_TEXT, {"n", 1}}};

static struct vb_xlsx *make(uint64_t rows, uint64_t bytes)
{
    struct vb_xlsx *xlsx = NULL;
    assert_int_equal(vb_xlsx_new(rows, bytes, &xlsx, NULL), VB_OK);
    return xlsx;
}

/* A whole file of these rows, three cells each; `draining`: the output is emptied after each
 * call. */
static struct vb_buffer write_file(struct vb_xlsx *xlsx, const struct vb_xlsx_cell *rows,
                                   size_t count, bool draining)
{
    struct vb_buffer out, whole;
    struct vb_error err = {0};
    vb_buffer_init(&out, 1u << 26);
    vb_buffer_init(&whole, 1u << 26);
    assert_int_equal(vb_xlsx_begin(xlsx, "messages", names, 3, &out, &err), VB_OK);
    for (size_t i = 0; i <= count; i++) {
        if (draining) {
            assert_int_equal(vb_buffer_append(&whole, out.data, out.length), VB_OK);
            vb_buffer_reset(&out);
        }
        assert_int_equal(i < count ? vb_xlsx_row(xlsx, rows + 3 * i, 3, &out, &err)
                                   : vb_xlsx_end(xlsx, &out, &err),
                         VB_OK);
    }
    assert_int_equal(vb_buffer_append(&whole, out.data, out.length), VB_OK);
    vb_buffer_done(&out);
    return whole;
}

/* A part's text; the caller's to free. NULL: there is none. */
static char *part_of(const struct vb_buffer *file, const char *name)
{
    zip_error_t error;
    zip_stat_t stat;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(file->data, file->length, 0, &error);
    zip_t *zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    assert_non_null(zip);
    char *text = NULL;
    if (zip_stat(zip, name, 0, &stat) == 0) {
        text = malloc(stat.size + 1);
        zip_file_t *part = zip_fopen(zip, name, 0);
        assert_true(text && part);
        assert_int_equal(zip_fread(part, text, stat.size), stat.size);
        assert_int_equal(zip_fclose(part), 0); /* judges the CRC */
        text[stat.size] = '\0';
    }
    zip_discard(zip);
    return text;
}

static void expect_in(const struct vb_buffer *file, const char *name, const char *expected)
{
    char *text = part_of(file, name);
    assert_non_null(text);
    if (!strstr(text, expected))
        fail_msg("%s has no %.2000s in %.2000s", name, expected, text);
    free(text);
}

#define SHEET "xl/worksheets/sheet1.xml"

/* The XML of one text cell in row 2, column B. */
static void expect_text(struct vb_view text, const char *attribute, const char *expected)
{
    char cell[2000];
    struct vb_xlsx *xlsx = make(0, 0);
    const struct vb_xlsx_cell row[] = {NOTHING, {VB_XLSX_TEXT, text}, NOTHING};
    struct vb_buffer file = write_file(xlsx, row, 1, false);
    snprintf(cell, sizeof cell,
             "<row r=\"2\"><c r=\"B2\" s=\"1\" t=\"inlineStr\"><is><t%s>%s</t></is></c></row>\n",
             attribute, expected);
    expect_in(&file, SHEET, cell);
    vb_buffer_done(&file);
    vb_xlsx_free(xlsx);
}

static void a_workbook_has_its_parts(void **state)
{
    (void)state;
    struct vb_xlsx *xlsx = make(0, 0);
    const struct vb_xlsx_cell rows[] = {TEXT("00123"), TEXT("=1+1"), NUMBER("-5"),
                                        TEXT(""),      NOTHING,      NOTHING};
    struct vb_buffer file = write_file(xlsx, rows, 2, false);
    assert_memory_equal(file.data, "PK\3\4", 4);
    assert_memory_equal(file.data + 30, "[Content_Types].xml", 19);
    expect_in(&file, "[Content_Types].xml", "PartName=\"/xl/workbook.xml\"");
    expect_in(&file, "_rels/.rels", "Target=\"xl/workbook.xml\"");
    expect_in(&file, "xl/workbook.xml",
              "<sheets><sheet name=\"messages\" sheetId=\"1\" r:id=\"rId1\"/></sheets>");
    expect_in(&file, "xl/_rels/workbook.xml.rels", "Id=\"rId1\"");
    expect_in(&file, "xl/styles.xml", "numFmtId=\"49\"");
    expect_in(&file, SHEET,
              "<row r=\"1\"><c r=\"A1\" s=\"2\" t=\"inlineStr\"><is><t>id</t></is></c>"
              "<c r=\"B1\" s=\"2\" t=\"inlineStr\"><is><t>text</t></is></c>"
              "<c r=\"C1\" s=\"2\" t=\"inlineStr\"><is><t>n</t></is></c>"
              "<c r=\"D1\" s=\"2\" t=\"inlineStr\"><is><t>continued</t></is></c></row>\n"
              "<row r=\"2\"><c r=\"A2\" s=\"1\" t=\"inlineStr\"><is><t>00123</t></is></c>"
              "<c r=\"B2\" s=\"1\" t=\"inlineStr\"><is><t>=1+1</t></is></c>"
              "<c r=\"C2\"><v>-5</v></c></row>\n"
              "<row r=\"3\"><c r=\"A3\" s=\"1\" t=\"inlineStr\"><is><t></t></is></c></row>\n"
              "</sheetData>");
    vb_buffer_done(&file);
    vb_xlsx_free(xlsx);
}

static void texts_become_xml(void **state)
{
    (void)state;
    expect_text(VB_VIEW("a<b>&\"c\" ]]>"), "", "a&lt;b&gt;&amp;\"c\" ]]&gt;");
    expect_text(VB_VIEW("Gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "",
                "Gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
    expect_text(VB_VIEW(" a"), " xml:space=\"preserve\"", " a");
    expect_text(VB_VIEW("a\n"), " xml:space=\"preserve\"", "a\n");
    expect_text(VB_VIEW("a\tb\r\nc"), "", "a\tb&#13;\nc");
    expect_text(VB_VIEW("a\1\x1F\b"), " xml:space=\"preserve\"", "a_x0001__x001F__x0008_");
    expect_text(VB_VIEW("_x0041_ _xd83D_ _x004_ _X0041_ _x00G1_ _x0041"), "",
                "_x005F_x0041_ _x005F_xd83D_ _x004_ _X0041_ _x00G1_ _x0041");
    expect_text(VB_VIEW("__x0041__x0042_"), "", "__x005F_x0041__x005F_x0042_");
    expect_text(VB_VIEW("\xEF\xBF\xBD\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBB\xBF"), "",
                "\xEF\xBF\xBD_xFFFE__xFFFF_\xEF\xBB\xBF");
    expect_text(VB_VIEW("\xC2\x85\xE2\x80\xA8\x7F"), "", "\xC2\x85\xE2\x80\xA8\x7F");
}

/* `lengths`: of the pieces in characters; 0 ends. Pieces are told by their runs of x. */
static void expect_pieces(const char *sheet, const char *const *cells, const size_t *lengths)
{
    for (size_t i = 0; cells[i]; i++) {
        char opening[100];
        snprintf(opening, sizeof opening, "<c r=\"%s\" s=\"1\" t=\"inlineStr\"><is><t>", cells[i]);
        const char *at = strstr(sheet, opening);
        assert_non_null(at);
        at += strlen(opening);
        assert_int_equal(strcspn(at, "<"), lengths[i]);
    }
}

static void long_texts_are_continued(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *cells[5];
        size_t lengths[5];
        const char *absent;
    } cases[] = {
        {32765, {"B2"}, {32765}, "D2"},
        {32766, {"B2", "D2"}, {32766, 0}, "E2"},
        {32767, {"B2", "D2"}, {32767, 0}, "E2"},
        {32768, {"B2", "D2"}, {32767, 1}, "E2"},
        {100000, {"B2", "D2", "E2", "F2"}, {32767, 32767, 32767, 1699}, "G2"},
    };
    char *text = malloc(100000);
    memset(text, 'x', 100000);
    struct vb_xlsx *xlsx = make(0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct vb_xlsx_cell row[] = {
            TEXT("1"), {VB_XLSX_TEXT, {text, cases[i].length}}, NUMBER("2")};
        struct vb_buffer file = write_file(xlsx, row, 1, false);
        char *sheet = part_of(&file, SHEET), absent[20];
        expect_pieces(sheet, cases[i].cells, cases[i].lengths);
        snprintf(absent, sizeof absent, "r=\"%s\"", cases[i].absent);
        assert_null(strstr(sheet, absent));
        free(sheet);
        vb_buffer_done(&file);
    }
    const struct vb_xlsx_cell both[] = {
        {VB_XLSX_TEXT, {text, 40000}}, {VB_XLSX_TEXT, {text, 70000}}, NOTHING};
    struct vb_buffer file = write_file(xlsx, both, 1, false);
    char *sheet = part_of(&file, SHEET);
    expect_pieces(sheet, (const char *const[]){"A2", "B2", "D2", "E2", "F2", NULL},
                  (const size_t[]){32767, 32767, 7233, 32767, 4466});
    free(sheet);
    vb_buffer_done(&file);
    vb_xlsx_free(xlsx);
    free(text);
}

/* A pair of surrogates counts as two and stays whole. */
static void characters_are_not_cut(void **state)
{
    (void)state;
    static const char face[] = {'\xF0', '\x9F', '\x98', '\x80'};
    char *text = malloc(4 * 20000 + 1);
    text[0] = 'x';
    for (size_t i = 0; i < 20000; i++)
        memcpy(text + 1 + 4 * i, face, sizeof face);
    struct vb_xlsx *xlsx = make(0, 0);
    for (size_t skip = 0; skip < 2; skip++) {
        const struct vb_xlsx_cell row[] = {
            NOTHING, {VB_XLSX_TEXT, {text + skip, 4 * 20000 + 1 - skip}}, NOTHING};
        struct vb_buffer file = write_file(xlsx, row, 1, false);
        char *sheet = part_of(&file, SHEET);
        expect_pieces(sheet, (const char *const[]){"B2", "D2", NULL},
                      skip ? (const size_t[]){4 * 16383, 4 * 3617}
                           : (const size_t[]){1 + 4 * 16383, 4 * 3617});
        free(sheet);
        vb_buffer_done(&file);
    }
    vb_xlsx_free(xlsx);
    free(text);
}

#define ROWS 7
static void fill(struct vb_xlsx_cell rows[3 * ROWS])
{
    for (size_t i = 0; i < ROWS; i++) {
        rows[3 * i] = TEXT("row");
        rows[3 * i + 1] = TEXT("a text that is the same in all");
        rows[3 * i + 2] = NUMBER("7");
    }
}

static void full_sheets_are_followed_by_others(void **state)
{
    (void)state;
    struct vb_xlsx_cell rows[3 * ROWS];
    fill(rows);
    struct vb_xlsx *xlsx = make(3, 0); /* the names and two */
    struct vb_buffer file = write_file(xlsx, rows, ROWS, false);
    expect_in(&file, "xl/workbook.xml",
              "<sheet name=\"messages\" sheetId=\"1\" r:id=\"rId1\"/>"
              "<sheet name=\"messages 2\" sheetId=\"2\" r:id=\"rId2\"/>"
              "<sheet name=\"messages 3\" sheetId=\"3\" r:id=\"rId3\"/>"
              "<sheet name=\"messages 4\" sheetId=\"4\" r:id=\"rId4\"/></sheets>");
    expect_in(&file, "xl/_rels/workbook.xml.rels", "Target=\"worksheets/sheet4.xml\"");
    expect_in(&file, "xl/worksheets/sheet2.xml", "<row r=\"3\"><c r=\"A3\"");
    char *second = part_of(&file, "xl/worksheets/sheet2.xml");
    assert_null(strstr(second, "<row r=\"4\">"));
    assert_null(strstr(second, "tabSelected"));
    assert_non_null(strstr(second, "<t>continued</t>"));
    free(second);
    vb_buffer_done(&file);
    file = write_file(xlsx, rows, 2, false); /* exactly full: no empty sheet behind it */
    char *none = part_of(&file, "xl/worksheets/sheet2.xml");
    assert_null(none);
    vb_buffer_done(&file);
    vb_xlsx_free(xlsx);

    xlsx = make(0, 1); /* by its bytes, whatever they are: a row each */
    file = write_file(xlsx, rows, 1, false);
    none = part_of(&file, "xl/worksheets/sheet3.xml");
    assert_null(none);
    vb_buffer_done(&file);
    vb_xlsx_free(xlsx);
}

static void the_same_rows_are_the_same_bytes(void **state)
{
    (void)state;
    struct vb_xlsx_cell rows[3 * ROWS];
    fill(rows);
    struct vb_xlsx *xlsx = make(4, 0), *other = make(4, 0);
    struct vb_buffer first = write_file(xlsx, rows, ROWS, false);
    struct vb_buffer again = write_file(xlsx, rows, ROWS, true);
    struct vb_buffer out;
    struct vb_error err = {0};
    vb_buffer_init(&out, 1u << 20);
    /* One that was left in the middle leaves no trace. */
    assert_int_equal(vb_xlsx_begin(other, "leads", names, 2, &out, &err), VB_OK);
    assert_int_equal(vb_xlsx_row(other, rows, 2, &out, &err), VB_OK);
    struct vb_buffer third = write_file(other, rows, ROWS, true);
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    assert_int_equal(first.length, third.length);
    assert_memory_equal(first.data, third.data, first.length);
    vb_buffer_done(&first);
    vb_buffer_done(&again);
    vb_buffer_done(&third);
    vb_buffer_done(&out);
    vb_xlsx_free(xlsx);
    vb_xlsx_free(other);
}

static void what_has_no_room_is_refused(void **state)
{
    (void)state;
    struct vb_xlsx_cell rows[3 * ROWS];
    struct vb_error err = {0};
    struct vb_buffer out;
    fill(rows);
    struct vb_xlsx *xlsx = make(0, 0);
    vb_buffer_init(&out, 100);
    assert_int_equal(vb_xlsx_begin(xlsx, "messages", names, 3, &out, &err), VB_LIMIT);
    assert_non_null(strstr(err.text, "workbook"));
    vb_buffer_done(&out);
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_xlsx_begin(xlsx, "messages", names, 2, &out, &err), VB_OK);
    assert_int_equal(vb_xlsx_row(xlsx, rows, 3, &out, &err), VB_LIMIT);
    vb_buffer_done(&out);
    vb_xlsx_free(xlsx);
    vb_xlsx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workbook_has_its_parts),
        cmocka_unit_test(texts_become_xml),
        cmocka_unit_test(long_texts_are_continued),
        cmocka_unit_test(characters_are_not_cut),
        cmocka_unit_test(full_sheets_are_followed_by_others),
        cmocka_unit_test(the_same_rows_are_the_same_bytes),
        cmocka_unit_test(what_has_no_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
