/* The program: finds the command, reads the options, runs it, and turns its status into the exit
 * status.
 *
 * Exit statuses are a contract with scripts: 0 done, 1 it failed, 2 wrong usage or configuration.
 * Errors go to standard error as one line, results to standard output. Help that was asked for is a
 * result; a wrong line is answered by a hint at the help and not by all of it.
 */
#include "command.h"
#include "settings/process.h"
#include "verbatim/version.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the longest help, which lists all options. */
#define HELP_CEILING 65536
enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

/* Of the command, or where it is NULL of those that begin with the word, or of all. */
static int print_help(const struct vb_command *command, const char *word)
{
    struct vb_buffer text;
    struct vb_error err = {.text = "no memory for the help"};
    vb_buffer_init(&text, HELP_CEILING);
    enum vb_status status =
        command ? vb_command_help(command, &text) : vb_command_overview(word, &text);
    if (status == VB_OK)
        status = vb_command_print(text.data, &err);
    if (status != VB_OK)
        fprintf(stderr, "verbatim: %s\n", err.text);
    vb_buffer_done(&text);
    return status == VB_OK ? EXIT_DONE : EXIT_FAILED;
}

static bool is_one_of(const char *text, const char *const words[])
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

/* Anywhere in the line, also where it would be a value: who types --help wants it. */
static bool asks_for_help(int argc, char *const argv[])
{
    static const char *const words[] = {"--help", "-h", NULL};
    for (int i = 0; i < argc; i++)
        if (is_one_of(argv[i], words))
            return true;
    return false;
}

/* One line; the second word is the number alone, for scripts. */
static int print_version(void)
{
    struct vb_error err;
    char text[128];
    bool has_revision = *vb_version_revision != '\0';
    snprintf(text, sizeof text, "verbatim %s%s%s%s\n", vb_version_number, has_revision ? " (" : "",
             vb_version_revision, has_revision ? ")" : "");
    if (vb_command_print(text, &err) == VB_OK)
        return EXIT_DONE;
    fprintf(stderr, "verbatim: %s\n", err.text);
    return EXIT_FAILED;
}

/* On standard error in one form, whatever was wrong with the line. */
static int fail_usage(const char *text, const char *command)
{
    fprintf(stderr, "verbatim: %s\nverbatim %s%s--help tells more\n", text, command,
            *command ? " " : "");
    return EXIT_USAGE;
}

/* A service logs its end like everything else; a command tells it plainly. */
static int report(const struct vb_command *command, const struct vb_error *err)
{
    if (command->is_service)
        vb_error_log("%s", err->text);
    else
        fprintf(stderr, "verbatim: %s\n", err->text);
    return err->status == VB_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Logging is set up before the command runs; what goes wrong before is told plainly. The options
 * are freed before the report, whose text owes them nothing. */
static int run(const struct vb_command *command, int argc, char *const argv[])
{
    struct vb_arguments arguments;
    struct vb_error err = {.status = VB_OK};
    if (vb_command_parse(command, argc, argv, environ, &arguments, &err) != VB_OK)
        return fail_usage(err.text, command->name);
    if (!command->reads_options)
        vb_log_setup(arguments.options.log_level, arguments.options.log_format);
    enum vb_status status = command->run(&arguments, &err);
    vb_arguments_done(&arguments);
    return status == VB_OK ? EXIT_DONE : report(command, &err);
}

/* The line names no command: a group alone, as in `verbatim key`, is told how it may go on. */
static int fail_unknown(int argc, char *const argv[])
{
    char text[256];
    struct vb_buffer seconds;
    vb_buffer_init(&seconds, sizeof text / 2);
    if (vb_command_seconds(argv[1], &seconds) != VB_OK || seconds.length == 0)
        snprintf(text, sizeof text, "there is no command \"%.90s\"", argv[1]);
    else if (argc > 2 && argv[2][0] != '-')
        snprintf(text, sizeof text, "there is no command \"%.40s %.40s\"; %.40s has: %s", argv[1],
                 argv[2], argv[1], seconds.data);
    else
        snprintf(text, sizeof text, "%.40s needs a second word: %s", argv[1], seconds.data);
    int result = fail_usage(text, seconds.length > 0 ? argv[1] : "");
    vb_buffer_done(&seconds);
    return result;
}

/* "key --help", "help key". */
static int print_overview(int argc, char *const argv[])
{
    struct vb_buffer seconds;
    const char *word = argc > 1 ? argv[1] : "";
    vb_buffer_init(&seconds, HELP_CEILING);
    bool is_group = vb_command_seconds(word, &seconds) == VB_OK && seconds.length > 0;
    vb_buffer_done(&seconds);
    return print_help(NULL, is_group ? word : NULL);
}

int main(int argc, char *argv[])
{
    static const char *const help_words[] = {"--help", "-h", "help", NULL};
    static const char *const version_words[] = {"--version", "-V", "version", NULL};
    int words = 0;
    vb_process_guard();
    if (argc < 2)
        return fail_usage("a command is missing", "");
    const struct vb_command *command = vb_command_find(argc - 1, argv + 1, &words);
    if (command && asks_for_help(argc - 1 - words, argv + 1 + words))
        return print_help(command, NULL);
    if (command)
        return run(command, argc - 1 - words, argv + 1 + words);
    if (is_one_of(argv[1], version_words))
        return print_version();
    if (!is_one_of(argv[1], help_words))
        return asks_for_help(argc - 1, argv + 1) ? print_overview(argc, argv)
                                                 : fail_unknown(argc, argv);
    command = vb_command_find(argc - 2, argv + 2, &words);
    return command ? print_help(command, NULL) : print_overview(argc - 1, argv + 1);
}
