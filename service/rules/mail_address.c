/* The grammar of mail addresses (RFC 5321, 4.1.2, without its quoted and literal forms). Pure.
 *
 * Stricter than the RFC where a form is legal but nobody's: what is refused here is told to the
 * caller at once, while a relay would take it and send a bounce to an address that nobody reads.
 * What passes holds no blank, no control, no angle bracket and no quote, so it can stand in SMTP
 * commands and headers as it is.
 */
#include "mail_address.h"
#include "verbatim/text.h"

#include <string.h>
#include <strings.h>

#define LOCAL_MOST 64  /* RFC 5321, 4.5.3.1.1 */
#define LABEL_MOST 63  /* RFC 1035, 2.3.4 */
#define WHOLE_MOST 254 /* RFC 5321, 4.5.3.1.3: a path of 256 without its brackets */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* atext of RFC 5322. A NUL never matches: strchr would find the end of the list. */
static bool is_atom(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* dot-atom of RFC 5322, 3.2.3: atoms joined by single dots. */
static bool local_valid(struct vb_view local)
{
    if (local.length == 0 || local.length > LOCAL_MOST)
        return false;
    char before = '.'; /* no dot at the start, at the end, or after a dot */
    for (size_t i = 0; i < local.length; i++) {
        char c = local.data[i];
        if (c == '.' ? before == '.' : !is_atom(c))
            return false;
        before = c;
    }
    return before != '.';
}

/* Letters, digits and inner hyphens; an international domain comes in its xn-- form. */
static bool label_valid(struct vb_view label, bool *ret_digits_only)
{
    if (label.length == 0 || label.length > LABEL_MOST)
        return false;
    if (label.data[0] == '-' || label.data[label.length - 1] == '-')
        return false;
    bool digits_only = true;
    for (size_t i = 0; i < label.length; i++) {
        char c = label.data[i];
        if (!is_alphanumeric(c) && c != '-')
            return false;
        digits_only = digits_only && c >= '0' && c <= '9';
    }
    *ret_digits_only = digits_only;
    return true;
}

/* An all-digit last label would be read as an IPv4 address. */
static bool domain_valid(struct vb_view domain, size_t labels_least)
{
    size_t labels = 0;
    bool digits_only = true;
    while (true) {
        const char *dot = domain.length ? memchr(domain.data, '.', domain.length) : NULL;
        size_t length = dot ? (size_t)(dot - domain.data) : domain.length;
        if (!label_valid((struct vb_view){domain.data, length}, &digits_only))
            return false;
        labels++;
        if (!dot)
            break;
        domain.data += length + 1;
        domain.length -= length + 1;
    }
    return labels >= labels_least && !digits_only;
}

/* The first @: a local part without quotes holds none. */
static bool address_valid(struct vb_view address, size_t labels_least)
{
    if (address.length == 0 || address.length > WHOLE_MOST)
        return false;
    const char *at = memchr(address.data, '@', address.length);
    if (!at)
        return false;
    size_t local = (size_t)(at - address.data);
    return local_valid((struct vb_view){address.data, local}) &&
           domain_valid((struct vb_view){at + 1, address.length - local - 1}, labels_least);
}

bool vb_mail_address_valid(struct vb_view address)
{
    return address_valid(address, 2);
}

bool vb_mail_address_plausible(struct vb_view address)
{
    return address_valid(address, 1);
}

/* Behind its first @; a valid address has one. */
static struct vb_view domain_of(struct vb_view address)
{
    const char *at = memchr(address.data, '@', address.length);
    size_t before = (size_t)(at + 1 - address.data);
    return (struct vb_view){at + 1, address.length - before};
}

static bool is_same_domain(struct vb_view a, struct vb_view b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

bool vb_mail_recipient_valid(struct vb_view address, const char *sender)
{
    struct vb_view from = vb_view_of(sender);
    if (vb_mail_address_valid(address))
        return true;
    if (!address_valid(address, 1) || !address_valid(from, 1) || address_valid(from, 2))
        return false;
    return is_same_domain(domain_of(address), domain_of(from)) ||
           is_same_domain(domain_of(address), VB_VIEW("localhost"));
}

/* "NAME <ADDRESS>" into its two halves; an address alone has an empty name. */
static bool split_sender(struct vb_view whole, struct vb_view *ret_name,
                         struct vb_view *ret_address)
{
    if (whole.length == 0 || whole.data[whole.length - 1] != '>') {
        *ret_name = (struct vb_view){"", 0};
        *ret_address = whole;
        return true;
    }
    const char *open = memrchr(whole.data, '<', whole.length);
    if (!open)
        return false;
    size_t before = (size_t)(open - whole.data);
    *ret_name = vb_view_trim((struct vb_view){whole.data, before}, " ");
    *ret_address = (struct vb_view){open + 1, whole.length - before - 2};
    return true;
}

/* Quotes around the name are taken off; escapes inside them are not known. The name is encoded for
 * its header by whoever writes mails. */
enum vb_status vb_mail_sender_parse(const char *text, struct vb_mail_sender *ret_sender,
                                    struct vb_error *err)
{
    struct vb_view name, address;
    struct vb_mail_sender sender = {.name = ""};
    if (!split_sender(vb_view_trim(vb_view_of(text), " "), &name, &address) ||
        !address_valid(address, 1))
        return vb_fail(err, VB_INVALID, "mail_from '%s' is no mail address", text);
    if (name.length >= 2 && name.data[0] == '"' && name.data[name.length - 1] == '"') {
        name.data++;
        name.length -= 2;
    }
    if (name.length >= sizeof sender.name || !vb_utf8_is_line(name))
        return vb_fail(err, VB_INVALID, "the name in mail_from '%s' is too long or holds controls",
                       text);
    memcpy(sender.address, address.data, address.length);
    memcpy(sender.name, name.data, name.length);
    *ret_sender = sender;
    return VB_OK;
}

bool vb_mail_may_go_to(struct vb_view address, const char *mail_from)
{
    struct vb_mail_sender sender;
    bool has_sender = mail_from && vb_mail_sender_parse(mail_from, &sender, NULL) == VB_OK;
    return vb_mail_recipient_valid(address, has_sender ? sender.address : "");
}
