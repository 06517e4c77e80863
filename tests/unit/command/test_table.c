/* What commands print of a list: for a terminal, a pipe and a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/output/table.h"

#include <stdio.h>
#include <string.h>

static const struct vb_column columns[] = {
    {.name = "id", .kind = VB_CELL_TEXT},
    {.name = "file_size", .kind = VB_CELL_SIZE},
    {.name = "status", .kind = VB_CELL_STATE},
    {.name = "created", .kind = VB_CELL_TIME},
    {.name = "is_kept", .kind = VB_CELL_BOOLEAN},
    {.name = "tags", .kind = VB_CELL_LIST},
    {.name = "what", .kind = VB_CELL_TEXT, .may_shrink = true},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static const char *const first[] = {"a1",
                                    "1572864",
                                    "finished",
                                    "2026-02-01 03:04:05.678+00",
                                    "t",
                                    "[\"x\", \"\xC3\xA4 \\\"b\\\"\"]",
                                    "Gr\xC3\xB6\xC3\x9F\x65 \xE6\xBC\xA2\xE5\xAD\x97"};
static const char *const second[] = {"b22", NULL, "queued", NULL, "f", "[]", "red\033[31m\ttext"};

static void fill(struct vb_table *table)
{
    vb_table_init(table, columns, COLUMNS);
    assert_int_equal(vb_table_add(table, first), VB_OK);
    assert_int_equal(vb_table_add(table, second), VB_OK);
}

static void expect(const struct vb_look *look, bool is_one, const char *text)
{
    struct vb_table table;
    struct vb_buffer out;
    fill(&table);
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(is_one ? vb_table_render_one(&table, look, &out)
                            : vb_table_render(&table, look, &out),
                     VB_OK);
    assert_string_equal(out.data, text);
    vb_buffer_done(&out);
    vb_table_done(&table);
}

static void a_terminal_gets_columns(void **state)
{
    (void)state;
    expect(&(struct vb_look){.is_terminal = true}, false,
           "id   file size  status    created               is kept  tags     what\n"
           "a1     1.5 MiB  finished  2026-02-01 03:04:05Z  yes      x,\xC3\xA4 \"b\"  "
           "Gr\xC3\xB6\xC3\x9F\x65 \xE6\xBC\xA2\xE5\xAD\x97\n"
           "b22          -  queued    -                     no       -        red [31m text\n");
}

static void colours_say_what_a_state_means(void **state)
{
    (void)state;
    struct vb_table table;
    struct vb_buffer out;
    const struct vb_look look = {.is_terminal = true, .has_colours = true};
    fill(&table);
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_table_render(&table, &look, &out), VB_OK);
    assert_non_null(strstr(out.data, "\033[1mid\033[0m"));
    assert_non_null(strstr(out.data, "\033[32mfinished\033[0m  2026"));
    assert_null(strstr(out.data, "\033[31m"));
    vb_buffer_done(&out);
    vb_table_done(&table);
}

/* 80 columns: what may give way does, by whole characters, wide ones counted twice. */
static void a_narrow_terminal_cuts_what_may_shrink(void **state)
{
    static const struct vb_column two[] = {{.name = "id", .kind = VB_CELL_TEXT},
                                           {.name = "name", .may_shrink = true}};
    const char *const row[] = {"0123456789", "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97"
                                             "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97"};
    const struct vb_look look = {.is_terminal = true, .width = 24};
    struct vb_table table;
    struct vb_buffer out;
    (void)state;
    vb_table_init(&table, two, 2);
    assert_int_equal(vb_table_add(&table, row), VB_OK);
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_table_render(&table, &look, &out), VB_OK);
    assert_string_equal(out.data, "id          name\n0123456789  \xE6\xBC\xA2\xE5\xAD\x97"
                                  "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE2\x80\xA6\n");
    vb_buffer_done(&out);
    vb_table_done(&table);
}

static void a_pipe_gets_tabs_and_everything(void **state)
{
    (void)state;
    expect(&(struct vb_look){0}, false,
           "id\tfile size\tstatus\tcreated\tis kept\ttags\twhat\n"
           "a1\t1572864\tfinished\t2026-02-01T03:04:05Z\tyes\tx,\xC3\xA4 \"b\"\t"
           "Gr\xC3\xB6\xC3\x9F\x65 \xE6\xBC\xA2\xE5\xAD\x97\n"
           "b22\t-\tqueued\t-\tno\t-\tred [31m text\n");
}

static void programs_get_json(void **state)
{
    (void)state;
    static const char one[] = "{\"id\":\"a1\",\"file_size\":1572864,\"status\":\"finished\","
                              "\"created\":\"2026-02-01T03:04:05.678Z\",\"is_kept\":true,"
                              "\"tags\":[\"x\", \"\xC3\xA4 \\\"b\\\"\"],"
                              "\"what\":\"Gr\xC3\xB6\xC3\x9F\x65 \xE6\xBC\xA2\xE5\xAD\x97\"}";
    char all[1024];
    snprintf(all, sizeof all,
             "[%s,{\"id\":\"b22\",\"file_size\":null,\"status\":\"queued\",\"created\":null,"
             "\"is_kept\":false,\"tags\":[],\"what\":\"red\\u001b[31m\\ttext\"}]\n",
             one);
    expect(&(struct vb_look){.as_json = true, .is_terminal = true}, false, all);
    snprintf(all, sizeof all, "%s\n", one);
    expect(&(struct vb_look){.as_json = true}, true, all);
}

static void one_thing_is_a_line_a_column(void **state)
{
    (void)state;
    expect(&(struct vb_look){.is_terminal = true}, true,
           "id         a1\nfile size  1.5 MiB\nstatus     finished\n"
           "created    2026-02-01 03:04:05Z\nis kept    yes\ntags       x,\xC3\xA4 \"b\"\n"
           "what       Gr\xC3\xB6\xC3\x9F\x65 \xE6\xBC\xA2\xE5\xAD\x97\n");
    expect(&(struct vb_look){0}, true,
           "id\ta1\nfile size\t1572864\nstatus\tfinished\ncreated\t2026-02-01T03:04:05Z\n"
           "is kept\tyes\ntags\tx,\xC3\xA4 \"b\"\nwhat\tGr\xC3\xB6\xC3\x9F\x65 "
           "\xE6\xBC\xA2\xE5\xAD\x97\n");
}

static void an_empty_list_is_an_empty_list(void **state)
{
    (void)state;
    struct vb_table table;
    struct vb_buffer out;
    vb_table_init(&table, columns, COLUMNS);
    vb_buffer_init(&out, 1u << 20);
    assert_int_equal(vb_table_render(&table, &(struct vb_look){.as_json = true}, &out), VB_OK);
    assert_string_equal(out.data, "[]\n");
    vb_buffer_reset(&out);
    assert_int_equal(vb_table_render(&table, &(struct vb_look){.is_terminal = true}, &out), VB_OK);
    assert_string_equal(out.data, "id  file size  status  created  is kept  tags  what\n");
    vb_buffer_done(&out);
    vb_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_gets_columns),
        cmocka_unit_test(colours_say_what_a_state_means),
        cmocka_unit_test(a_narrow_terminal_cuts_what_may_shrink),
        cmocka_unit_test(a_pipe_gets_tabs_and_everything),
        cmocka_unit_test(programs_get_json),
        cmocka_unit_test(one_thing_is_a_line_a_column),
        cmocka_unit_test(an_empty_list_is_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
