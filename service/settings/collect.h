/* What was given for the options, and by whom, before any value is judged. Private to this folder.
 *
 * Flags, variables and the file are collected each by itself; of one option the greater source
 * wins, and the same source twice is a mistake. Names are checked here, so that a misspelt one is
 * found even where its value would lose.
 *
 * A collection is its loader's, on the heap for its size, owns its texts, and is emptied by
 * vb_collection_done. One thread. VB_INVALID names the place and the rule, unless the report takes
 * mistakes: then they are told and counted, and the collecting goes on. VB_NO_MEMORY.
 */
#ifndef VERBATIM_SETTINGS_COLLECT_H
#define VERBATIM_SETTINGS_COLLECT_H

#include "options_table.h"

/* The table may grow up to this; an assertion at the start says when it is too small. */
#define VB_OPTIONS_MOST 96
/* Of the configuration and of a secret's file. */
#define VB_CONFIG_CEILING 65536

enum vb_given_by { VB_GIVEN_NOWHERE, VB_GIVEN_IN_FILE, VB_GIVEN_IN_ENVIRONMENT, VB_GIVEN_AS_FLAG };

/* What was given for one option. */
struct vb_given {
    char *text;   /* owned */
    bool is_path; /* the value is in the file of this name */
    enum vb_given_by source;
    /* "flag --lease", "variable VERBATIM_LEASE", "verbatim.conf line 3" */
    char origin[VB_ORIGIN_SIZE];
};

struct vb_collection {
    struct vb_given given[VB_OPTIONS_MOST]; /* by position in the table */
    char *config;                           /* owned: the file of --config */
    struct vb_options_report *report;       /* NULL: the first mistake ends the loading */
};

/* All three sources. `argv` from index 1. */
enum vb_status vb_collect(struct vb_collection *all, int argc, char *const argv[],
                          char *const environment[], struct vb_error *err) vb_must_check;
/* Puts the contents of a secret's file in the place of its name. */
enum vb_status vb_collect_secret(const struct vb_option *option, struct vb_given *given,
                                 struct vb_error *err) vb_must_check;
/* A mistake that was told is over with: VB_OK. */
enum vb_status vb_collect_settle(struct vb_collection *all, enum vb_status status,
                                 const struct vb_error *err) vb_must_check;
void vb_collection_done(struct vb_collection *all);

#endif
