/* The people, places and phrases of the demo data. Constant tables: nothing to own, any thread, no
 * errors, alive as long as the program. Texts are UTF-8 and hold no NUL; what they hold else is
 * chosen to be awkward. */
#ifndef VERBATIM_COMMAND_DEMO_WORLD_H
#define VERBATIM_COMMAND_DEMO_WORLD_H

#include <stddef.h>

struct vb_demo_channel {
    const char *name, *type, *phone; /* phone may be NULL */
};

#define VB_DEMO_PHRASES 8

/* What is said in one language, in the order of a conversation. */
struct vb_demo_language {
    const char *code;
    const char *customer[VB_DEMO_PHRASES];
    const char *bot[VB_DEMO_PHRASES];
    const char *agent[VB_DEMO_PHRASES];
};

extern const struct vb_demo_channel vb_demo_channels[];
extern const size_t vb_demo_channel_count;
extern const struct vb_demo_language vb_demo_languages[];
extern const size_t vb_demo_language_count;
/* Ordinary names, and one in ten that a file system, a spreadsheet or a reader may stumble over. */
extern const char *const vb_demo_names[];
extern const size_t vb_demo_name_count;
extern const char *const vb_demo_awkward_names[];
extern const size_t vb_demo_awkward_name_count;
extern const char *const vb_demo_agents[];
extern const size_t vb_demo_agent_count;
extern const char *const vb_demo_assistants[];
extern const size_t vb_demo_assistant_count;

#endif
