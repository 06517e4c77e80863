/* What SIGHUP changes in a running process: the options are read again, from the same flags and
 * variables, and from the files as they are by then.
 *
 * Rows of the option table that say `reloads` take effect at once: log_level, and secrets, which
 * are read where they are used (verbatim/renewed.h). What else reads a file registers for it,
 * such as certificates. All that changed and takes a restart is named in one line of the log. A
 * mistake in any option leaves everything as it is, and is told as at the start.
 *
 * One of a process, static; the main thread's, registering included: before the first part starts,
 * or in the start of a part. It borrows the running options and the words of the command line,
 * which outlive it. Errors are lines in the log; vb_reload_start fails with none.
 */
#ifndef VERBATIM_SETTINGS_RELOAD_H
#define VERBATIM_SETTINGS_RELOAD_H

#include "options.h"

/* The command line of the options alone, as vb_options_load takes it. */
struct vb_reload_words {
    int count;
    char **words;
    char *const *environment;
};

/* `what` names it in the log: "certificates". `run` is called on the main thread while all others
 * work, with the options as they are by then; *ret_changed (false before) says whether anything is
 * another than before. After an error everything of it must be as it was. */
struct vb_reload {
    const char *what;
    enum vb_status (*run)(void *context, const struct vb_options *fresh, bool *ret_changed,
                          struct vb_error *err);
    void *context;
};

void vb_reload_start(const struct vb_reload_words *words, const struct vb_options *running);
/* Copies it. VB_LIMIT beyond 8. */
enum vb_status vb_reload_register(const struct vb_reload *reload,
                                  struct vb_error *err) vb_must_check;
/* The process is ready, as a service manager is told; so it is told of reloads as well. */
void vb_reload_ready(const char *state);
/* Takes off what was registered with this context; none is a no-op. */
void vb_reload_unregister(const void *context);
/* SIGHUP came. */
void vb_reload_run(void);
/* When all other threads have ended: secrets that were replaced are wiped. */
void vb_reload_done(void);

#endif
