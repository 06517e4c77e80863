/* Checks of the members of a JSON object, shared by all bodies: text by rule, lists of text, flags,
 * unknown names.
 *
 * Each call notes what is wrong with its member and goes on, so that one answer lists everything. A
 * null counts as absent, since clients of typed languages send it; only a required member may not
 * be null. Knows no member by name.
 *
 * The check is a value on the caller's stack that borrows document and problems; lists of words are
 * allocated and the caller's. One thread. Broken rules go into the problems; only want of memory is
 * a status, kept in `status` until the end. Texts live as long as the document.
 */
#ifndef VERBATIM_SPECIFICATION_BODY_CHECK_H
#define VERBATIM_SPECIFICATION_BODY_CHECK_H

#include "problems.h"
#include "verbatim/conversation.h"

#include <jansson.h>

struct vb_body_check {
    struct vb_problems *problems;
    const char *within; /* the member that `object` is; NULL: the body */
    const json_t *object;
    enum vb_status status; /* VB_NO_MEMORY, where a list could not be kept */
};

/* What a text has to be. */
struct vb_body_rule {
    bool (*holds)(struct vb_view text);
    const char *type, *message;
};
extern const struct vb_body_rule vb_body_any;
extern const struct vb_body_rule vb_body_date;
extern const struct vb_body_rule vb_body_phone;        /* ^\+[1-9]\d{1,14}$ */
extern const struct vb_body_rule vb_body_channel_type; /* coarse */
extern const struct vb_body_rule vb_body_mail;         /* whether mail goes there, its taker asks */
extern const struct vb_body_rule vb_body_csv_profile;
extern const struct vb_body_rule vb_body_delimiter;
extern const struct vb_body_rule vb_body_csv_quote;
extern const struct vb_body_rule vb_body_match; /* of a contact: id, identity */

/* The member, NULL where it is absent or null. */
const json_t *vb_body_member(const struct vb_body_check *check, const char *name);
/* `name` NULL: the object as a whole. */
void vb_body_problem(struct vb_body_check *check, const char *type, const char *name,
                     const char *message, const json_t *input);

/* Whether the object is one; noted where it is not. */
bool vb_body_is_object(struct vb_body_check *check);
/* NULL where it is absent or broken. Lives as long as the document. */
const char *vb_body_text(struct vb_body_check *check, const char *name,
                         const struct vb_body_rule *rule);
const char *vb_body_required_text(struct vb_body_check *check, const char *name,
                                  const struct vb_body_rule *rule);
/* 1 to 200 different texts, each by its rule; *ret_words is allocated (free `items`), or left
 * alone. */
void vb_body_words(struct vb_body_check *check, const char *name, const struct vb_body_rule *rule,
                   struct vb_words *ret_words);
/* A number without a fraction, also as 7.0, which JSON does not tell from 7. */
bool vb_body_whole(const json_t *value, int64_t *ret_number);
bool vb_body_flag(struct vb_body_check *check, const char *name);
void vb_body_unknown(struct vb_body_check *check, const char *const *names, size_t count);

/* The texts of an array without looking at them; items is never NULL on VB_OK. */
enum vb_status vb_body_words_of(const json_t *array, struct vb_words *ret_words) vb_must_check;
void vb_body_words_done(struct vb_words *words);

#endif
