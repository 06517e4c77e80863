/* PostgreSQL's binary values as text, instants and lists. Only the types that the source contract
 * admits.
 *
 * Nothing here allocates: texts and lists borrow the bytes given and live as long as those. Pure
 * functions, any thread. Errors: VB_SOURCE alone, for bytes that are no value of the type.
 *
 * Source: the send functions of the server's data types (uuid_send, int8send, timestamptz_send,
 * array_send); integers are big-endian.
 */
#ifndef VERBATIM_EXPORT_SOURCE_DECODE_H
#define VERBATIM_EXPORT_SOURCE_DECODE_H

#include "verbatim/conversation.h"

#include <libpq-fe.h>
#include <string.h>

/* Object ids of built-in types; fixed in every server (pg_type.dat). */
enum vb_type {
    VB_TYPE_NAME = 19,
    VB_TYPE_INT8 = 20,
    VB_TYPE_INT2 = 21,
    VB_TYPE_INT4 = 23,
    VB_TYPE_TEXT = 25,
    VB_TYPE_FLOAT4 = 700,
    VB_TYPE_FLOAT8 = 701,
    VB_TYPE_BPCHAR = 1042,
    VB_TYPE_VARCHAR = 1043,
    VB_TYPE_TIMESTAMP = 1114,
    VB_TYPE_TIMESTAMPTZ = 1184,
    VB_TYPE_NUMERIC = 1700,
    VB_TYPE_UUID = 2950,
    VB_TYPE_JSONB = 3802
};

/* Of exactly two, four and eight bytes, at any alignment; the caller has checked the length. */
static inline uint16_t vb_decode_uint16(const char *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap16(value);
}

static inline uint32_t vb_decode_uint32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap32(value);
}

static inline uint64_t vb_decode_uint64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap64(value);
}

/* The text form of an id of one of the four kinds. VB_SOURCE: wrong size, or a text longer than a
 * cursor can hold (VB_CURSOR_ID - 1). `*ret_length` may be NULL. */
enum vb_status vb_decode_id(Oid type, struct vb_view bytes, char id[VB_CURSOR_ID],
                            size_t *ret_length) vb_must_check;
/* timestamp and timestamptz alike. VB_SOURCE: infinite, or outside the years 1 to 9999. */
enum vb_status vb_decode_instant(struct vb_view bytes, vb_instant *ret_instant) vb_must_check;
/* 0001-01-01 and 9999-12-31: what lies before the one, or infinitely behind the other, is no
 * time. */
#define VB_TIME_FIRST (INT64_C(-62135596800) * VB_SECOND)
#define VB_TIME_LAST_DAY (INT64_C(253402214400) * VB_SECOND)
/* A time that a row need not have lies from the one on and before the other: else, and where it is
 * infinite, it stands for "none". So no zone writes it in a year of five digits, or before the year
 * 1. */
#define VB_OPTIONAL_FIRST (INT64_C(-62135510400) * VB_SECOND) /* 0001-01-02 */
#define VB_OPTIONAL_END (INT64_C(253402128000) * VB_SECOND)   /* 9999-12-30 */
/* The same as one value. */
struct vb_maybe_instant vb_decode_maybe_instant(struct vb_view bytes);
/* A text array of any dimensions, flattened. NULL bytes give the empty list. VB_SOURCE:
 * malformed. */
enum vb_status vb_decode_text_list(struct vb_view bytes,
                                   struct vb_text_list *ret_list) vb_must_check;

#endif
