/* Progress on standard error. See progress.h. */
#include "progress.h"

#include "verbatim/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR 24u
#define LINE_EVERY (10 * VB_SECOND)
#define LINE 256

void vb_progress_begin(struct vb_progress *progress)
{
    struct winsize size = {0};
    *progress = (struct vb_progress){.is_terminal = isatty(STDERR_FILENO) == 1};
    if (progress->is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
        progress->width = size.ws_col;
}

static void write_bar(char bar[BAR + 16], uint64_t done, uint64_t total)
{
    if (total == 0) {
        bar[0] = '\0';
        return;
    }
    double part = done < total ? (double)done / (double)total : 1;
    unsigned full = (unsigned)(part * BAR);
    bar[0] = '[';
    for (unsigned i = 0; i < BAR; i++)
        bar[1 + i] = i < full ? '#' : '.';
    snprintf(bar + 1 + BAR, 15, "] %3.0f%%  ", part * 100);
}

/* Elsewhere a line for each new thing and every so often: logs are read by people. */
void vb_progress_tell(struct vb_progress *progress, const char *doing, const char *more,
                      uint64_t done, uint64_t total)
{
    char bar[BAR + 16], line[LINE];
    int64_t now = vb_clock_monotonic();
    bool is_new = strcmp(progress->told, doing) != 0;
    if (!progress->is_terminal && !is_new && now - progress->told_at < LINE_EVERY)
        return;
    snprintf(progress->told, sizeof progress->told, "%s", doing);
    progress->told_at = now;
    if (!progress->is_terminal) {
        fprintf(stderr, "%s%s%s\n", doing, *more ? ": " : "", more);
        return;
    }
    write_bar(bar, done, total);
    snprintf(line, sizeof line, "%s%s%s%s", bar, doing, *more ? ": " : "", more);
    if (progress->width > 1 && strlen(line) >= progress->width)
        line[progress->width - 1] = '\0';
    fprintf(stderr, "\r\033[K%s", line); /* the rest of the line is wiped */
    fflush(stderr);
    progress->is_open = true;
}

void vb_progress_end(struct vb_progress *progress)
{
    if (progress->is_open)
        fprintf(stderr, "\n");
    progress->is_open = false;
}
