/* Reloading: see settings/reload.h.
 *
 * The running options are never written, since threads read them. What takes effect is applied
 * where it lives: the level in the log, texts in their table. `latest` is what was applied last, so
 * that the log names what has changed since then and not since the start.
 */
#include "reload.h"

#include "options_table.h"
#include "supervisor.h"

#include "verbatim/log.h"
#include "verbatim/renewed.h"

#include <string.h>

#define RELOADS 8
#define NAMES 2048 /* bytes of a list of options in the log */

static struct {
    struct vb_reload_words words;
    const struct vb_options *running;
    struct vb_options latest; /* owned; empty before the first reload */
    bool has_latest;
    struct vb_reload reloads[RELOADS];
    size_t count;
    const char *state; /* told to the service manager; NULL: not ready yet */
} all;

void vb_reload_start(const struct vb_reload_words *words, const struct vb_options *running)
{
    all.words = *words;
    all.running = running;
}

enum vb_status vb_reload_register(const struct vb_reload *reload, struct vb_error *err)
{
    if (all.count == RELOADS)
        return vb_fail(err, VB_LIMIT, "too many parts want to reload");
    all.reloads[all.count++] = *reload;
    return VB_OK;
}

void vb_reload_ready(const char *state)
{
    all.state = state;
    vb_supervisor_ready(state);
}

void vb_reload_unregister(const void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++)
        if (all.reloads[i].context != context)
            all.reloads[kept++] = all.reloads[i];
    all.count = kept;
}

/* A list that is cut is still a line of the log. */
static void name(struct vb_buffer *list, const char *word)
{
    if (vb_buffer_printf(list, "%s%s", list->length > 0 ? ", " : "", word) != VB_OK)
        vb_debug("%s is not named: the list is full", word);
}

/* Values that cannot take effect while it runs. NULL and a text are two values as well. */
static bool is_stuck(const struct vb_option *option, const struct vb_options *fresh)
{
    return !vb_option_same(option, all.running, fresh) &&
           (!option->reloads ||
            (option->kind == VB_OPTION_TEXT && option->secret &&
             (!vb_option_text(option, all.running) || !vb_option_text(option, fresh))));
}

/* Those of a registered part are the part's. */
static enum vb_status apply(const struct vb_option *option, const struct vb_options *fresh,
                            struct vb_error *err)
{
    if (option->secret)
        return vb_renewed_put(vb_option_text(option, all.running), vb_option_text(option, fresh),
                              err);
    if (option->offset == offsetof(struct vb_options, log_level))
        vb_log_set_level(fresh->log_level);
    return VB_OK;
}

static void apply_options(const struct vb_options *fresh, struct vb_buffer *done,
                          struct vb_buffer *stuck)
{
    const struct vb_options *before = all.has_latest ? &all.latest : all.running;
    for (size_t i = 0; i < vb_option_count; i++) {
        const struct vb_option *option = &vb_option_table[i];
        struct vb_error err;
        if (is_stuck(option, fresh))
            name(stuck, option->name);
        else if (!option->reloads || vb_option_same(option, before, fresh))
            continue;
        else if (apply(option, fresh, &err) == VB_OK)
            name(done, option->name);
        else
            vb_error_log("SIGHUP: %s stays as it is: %s", option->name, err.text);
    }
}

static void run_registered(const struct vb_options *fresh, struct vb_buffer *done)
{
    for (size_t i = 0; i < all.count; i++) {
        const struct vb_reload *reload = &all.reloads[i];
        bool has_changed = false;
        struct vb_error err;
        if (reload->run(reload->context, fresh, &has_changed, &err) != VB_OK)
            vb_error_log("SIGHUP: %s stay as they are: %s", reload->what, err.text);
        else if (has_changed)
            name(done, reload->what);
    }
}

static void reload(void)
{
    struct vb_options fresh;
    struct vb_error err;
    if (vb_options_load(all.words.count, all.words.words, all.words.environment, &fresh, &err) !=
        VB_OK) {
        vb_error_log("SIGHUP: nothing is reloaded: %s", err.text);
        return;
    }
    struct vb_buffer done, stuck;
    vb_buffer_init(&done, NAMES);
    vb_buffer_init(&stuck, NAMES);
    apply_options(&fresh, &done, &stuck);
    run_registered(&fresh, &done);
    if (done.length > 0)
        vb_info("SIGHUP: reloaded: %s", done.data);
    else
        vb_info("SIGHUP: nothing to reload has changed");
    if (stuck.length > 0)
        vb_warn("SIGHUP: changed, and taken at a restart only: %s", stuck.data);
    vb_buffer_done(&done);
    vb_buffer_done(&stuck);
    if (all.has_latest)
        vb_options_done(&all.latest);
    all.latest = fresh;
    all.has_latest = true;
}

void vb_reload_run(void)
{
    if (!all.running)
        return;
    if (all.state)
        vb_supervisor_reloading();
    reload();
    if (all.state)
        vb_supervisor_ready(all.state);
}

void vb_reload_done(void)
{
    if (all.has_latest)
        vb_options_done(&all.latest);
    all.has_latest = false;
    all.running = NULL;
    all.state = NULL;
    all.count = 0;
    vb_renewed_done();
}
