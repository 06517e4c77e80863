/* JSON as a grammar alone, in a few words of memory: see content.h.
 *
 * A parser of a library keeps at least a whole string, and an archive may hold one that is larger
 * than the machine. Nothing is kept here but what is open.
 */
#include "content.h"

enum state {
    VALUE,          /* one has to begin */
    VALUE_OR_END,   /* behind '[' */
    KEY,            /* behind ',' in an object */
    KEY_OR_END,     /* behind '{' */
    COLON,          /* behind a member's name */
    AFTER,          /* behind a value */
    STRING,         /* inside one */
    ESCAPE,         /* behind its backslash */
    HEX,            /* of \u */
    LITERAL,        /* true, false, null */
    MINUS,          /* numbers: behind the sign, */
    ZERO,           /* a leading zero, */
    INTEGER,        /* other digits, */
    POINT,          /* the point, */
    FRACTION,       /* its digits, */
    EXPONENT,       /* the e, */
    EXPONENT_SIGN,  /* its sign, */
    EXPONENT_DIGITS /* its digits */
};

void vb_json_feed_begin(struct vb_json_feed *feed)
{
    *feed = (struct vb_json_feed){.state = VALUE};
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(unsigned char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool in_list(const struct vb_json_feed *feed)
{
    return feed->depth > 0 && (feed->arrays >> (feed->depth - 1) & 1) != 0;
}

static bool open(struct vb_json_feed *feed, bool is_list)
{
    if (feed->depth == VB_JSON_DEPTH)
        return false;
    if (feed->depth == 0)
        feed->is_list = is_list;
    feed->arrays &= ~(UINT64_C(1) << feed->depth);
    feed->arrays |= (uint64_t)is_list << feed->depth;
    feed->depth++;
    feed->state = is_list ? VALUE_OR_END : KEY_OR_END;
    return true;
}

static bool close(struct vb_json_feed *feed)
{
    feed->depth--;
    feed->state = AFTER;
    return true;
}

static bool begin_literal(struct vb_json_feed *feed, const char *rest)
{
    feed->literal = rest;
    feed->state = LITERAL;
    return true;
}

static bool begin_value(struct vb_json_feed *feed, unsigned char byte)
{
    feed->elements += feed->depth == 1;
    feed->is_key = false;
    switch (byte) {
    case '{':
        return open(feed, false);
    case '[':
        return open(feed, true);
    case '"':
        feed->state = STRING;
        return true;
    case '-':
        feed->state = MINUS;
        return true;
    case 't':
        return begin_literal(feed, "rue");
    case 'f':
        return begin_literal(feed, "alse");
    case 'n':
        return begin_literal(feed, "ull");
    default:
        feed->state = byte == '0' ? ZERO : INTEGER;
        return is_digit(byte);
    }
}

static bool begin_key(struct vb_json_feed *feed, unsigned char byte)
{
    feed->is_key = true;
    feed->state = STRING;
    return byte == '"';
}

/* Between tokens; blanks have been passed over. */
static bool between(struct vb_json_feed *feed, unsigned char byte)
{
    switch (feed->state) {
    case VALUE_OR_END:
        return byte == ']' ? close(feed) : begin_value(feed, byte);
    case KEY_OR_END:
        return byte == '}' ? close(feed) : begin_key(feed, byte);
    case KEY:
        return begin_key(feed, byte);
    case COLON:
        feed->state = VALUE;
        return byte == ':';
    case AFTER:
        if (feed->depth == 0)
            return false;
        if (byte == (in_list(feed) ? ']' : '}'))
            return close(feed);
        feed->state = in_list(feed) ? VALUE : KEY;
        return byte == ',';
    default:
        return begin_value(feed, byte);
    }
}

static bool in_string(struct vb_json_feed *feed, unsigned char byte)
{
    if (byte == '"')
        feed->state = feed->is_key ? COLON : AFTER;
    else if (byte == '\\')
        feed->state = ESCAPE;
    return byte >= 0x20;
}

static bool in_escape(struct vb_json_feed *feed, unsigned char byte)
{
    feed->state = byte == 'u' ? HEX : STRING;
    feed->hex = 0;
    switch (byte) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'u':
        return true;
    default:
        return false;
    }
}

static bool in_hex(struct vb_json_feed *feed, unsigned char byte)
{
    if (++feed->hex == 4)
        feed->state = STRING;
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool in_literal(struct vb_json_feed *feed, unsigned char byte)
{
    bool good = (unsigned char)*feed->literal++ == byte;
    if (*feed->literal == '\0')
        feed->state = AFTER;
    return good;
}

/* Whether a number may end where it stands. */
static bool is_number(int state)
{
    return state == ZERO || state == INTEGER || state == FRACTION || state == EXPONENT_DIGITS;
}

/* What a digit makes of a number; -1: none may stand here. */
static int after_digit(int state, unsigned char byte)
{
    switch (state) {
    case MINUS:
        return byte == '0' ? ZERO : INTEGER;
    case INTEGER:
        return INTEGER;
    case POINT:
    case FRACTION:
        return FRACTION;
    case ZERO:
        return -1;
    default:
        return EXPONENT_DIGITS;
    }
}

static bool in_number(struct vb_json_feed *feed, unsigned char byte)
{
    int state = feed->state, next = -1;
    if (is_digit(byte))
        next = after_digit(state, byte);
    else if (byte == '.' && (state == ZERO || state == INTEGER))
        next = POINT;
    else if ((byte == 'e' || byte == 'E') && is_number(state) && state != EXPONENT_DIGITS)
        next = EXPONENT;
    else if ((byte == '+' || byte == '-') && state == EXPONENT)
        next = EXPONENT_SIGN;
    if (next >= 0) {
        feed->state = next;
        return true;
    }
    if (!is_number(state))
        return false;
    feed->state = AFTER;
    return is_blank(byte) || between(feed, byte);
}

bool vb_json_feed(struct vb_json_feed *feed, unsigned char byte)
{
    switch (feed->state) {
    case STRING:
        return in_string(feed, byte);
    case ESCAPE:
        return in_escape(feed, byte);
    case HEX:
        return in_hex(feed, byte);
    case LITERAL:
        return in_literal(feed, byte);
    case MINUS:
    case ZERO:
    case INTEGER:
    case POINT:
    case FRACTION:
    case EXPONENT:
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
        return in_number(feed, byte);
    default:
        return is_blank(byte) || between(feed, byte);
    }
}

bool vb_json_feed_end(const struct vb_json_feed *feed)
{
    return feed->depth == 0 && (feed->state == AFTER || is_number(feed->state));
}
