/* From where an address of the options can be reached, as far as the address itself tells.
 *
 * A plain value of a text; nothing is looked up, so a name other than localhost is taken for one
 * that others know. Any thread: pure. No errors.
 */
#ifndef VERBATIM_SETTINGS_REACH_H
#define VERBATIM_SETTINGS_REACH_H

enum vb_reach {
    VB_REACH_OTHERS,  /* as far as is known */
    VB_REACH_MACHINE, /* loopback: whoever follows it finds himself */
    VB_REACH_NOBODY   /* 0.0.0.0 and [::]: to listen on, never to go to */
};

/* `address`: ADDRESS:PORT, [ADDRESS]:PORT, or a web address, perhaps with a path. */
enum vb_reach vb_reach_of(const char *address);

#endif
