/* The option table and its value parsers, shared by the files of the options.
 *
 * Static and constant data; a text that is stored is a copy which the options own. Loading happens
 * on one thread; checks are pure but for the text that they are given. VB_INVALID where a value
 * breaks its option's rule, VB_NO_MEMORY; the member is as it was then. The table lives as long as
 * the program.
 */
#ifndef VERBATIM_SETTINGS_OPTIONS_TABLE_H
#define VERBATIM_SETTINGS_OPTIONS_TABLE_H

#include "options.h"

enum vb_option_kind {
    VB_OPTION_TEXT,     /* char * */
    VB_OPTION_DURATION, /* int64_t, microseconds */
    VB_OPTION_SIZE,     /* uint64_t, bytes */
    VB_OPTION_NUMBER,   /* int64_t */
    VB_OPTION_CHOICE    /* int, from choices; on and off go into a bool */
};

struct vb_option {
    const char *name;
    size_t offset;             /* of its member in struct vb_options */
    const char *default_value; /* NULL: none, or worked out from others */
    const char *default_words; /* the same for people, where default_value does not say it */
    const char *meaning;
    const char *allowed;        /* completes "must be ..." */
    const char *const *choices; /* of VB_OPTION_CHOICE; NULL ends; NULL: off and on */
    int64_t least, most;        /* of numbers, durations and sizes */
    bool (*check)(char *text);  /* of VB_OPTION_TEXT; may trim; NULL: anything */
    /* The same where it takes memory: VB_INVALID, VB_NO_MEMORY. */
    enum vb_status (*parse)(const char *text);
    const char *example; /* a value that it might have, where there is no default_value */
    enum vb_option_kind kind;
    bool secret;  /* never shown; also as NAME_file */
    bool reloads; /* SIGHUP takes a new value over (settings/reload.h) */
};

extern const struct vb_option vb_option_table[];
extern const size_t vb_option_count;

/* Parses `text` (not empty) into the option's member. Text members take over a copy and free what
 * was there. VB_INVALID when it breaks the option's rule. */
enum vb_status vb_option_store(const struct vb_option *option, const char *text,
                               struct vb_options *options) vb_must_check;

/* Its name as a flag: two dashes, and dashes for underscores. Errors are the buffer's. */
enum vb_status vb_option_flag(struct vb_buffer *out, const struct vb_option *option) vb_must_check;
/* Whether both have the same value of it. */
bool vb_option_same(const struct vb_option *option, const struct vb_options *one,
                    const struct vb_options *other);
/* The member of a VB_OPTION_TEXT. */
const char *vb_option_text(const struct vb_option *option, const struct vb_options *options);

/* Checks of text members: true if it may be so. They may shorten the text in place, never lengthen
 * it. */
enum vb_status vb_option_parse_connection(const char *text);
bool vb_option_is_identifier(char *text);
bool vb_option_is_zone(char *text);
bool vb_option_is_listen(char *text);
bool vb_option_is_web_address(char *text);
bool vb_option_is_storage(char *text);
bool vb_option_trim(char *text); /* false where nothing is left */
bool vb_option_is_folder(char *text);
bool vb_option_is_region(char *text);
bool vb_option_is_key_id(char *text);
bool vb_option_is_host(char *text);
bool vb_option_is_token(char *text);
bool vb_option_is_sender(char *text);
bool vb_option_is_time_of_day(char *text);
enum vb_status vb_option_parse_smtp(const char *text);
enum vb_status vb_option_parse_media_allow(const char *text);
enum vb_status vb_option_parse_networks(const char *text);
enum vb_status vb_option_parse_origins(const char *text);

/* show.c: its value as text, with passwords masked. *ret_is_set: it has one; else nothing is
 * appended. Errors are the buffer's. */
enum vb_status vb_option_show(const struct vb_option *option, const struct vb_options *options,
                              struct vb_buffer *out, bool *ret_is_set) vb_must_check;

#endif
