/* What an entry holds, judged as its bytes go by in pieces of any length.
 *
 * A content is its maker's, of fixed size, and owns nothing: begin, feed, end. The first thing that
 * is wrong stays in `problem`, and what follows is counted no further. Pure; any thread with
 * contents of its own. No errors: a problem is a finding.
 */
#ifndef VERBATIM_EXPORT_VERIFY_CONTENT_H
#define VERBATIM_EXPORT_VERIFY_CONTENT_H

#include "verbatim/buffer.h"

enum vb_content_kind {
    VB_CONTENT_CSV,
    VB_CONTENT_JSON,
    VB_CONTENT_NDJSON,
    VB_CONTENT_HTML,
    VB_CONTENT_PDF,
    VB_CONTENT_XLSX,
    VB_CONTENT_TEXT,
    VB_CONTENT_MEDIUM,    /* anything */
    VB_CONTENT_SIGNATURE, /* of the manifest; likewise */
    VB_CONTENT_UNKNOWN    /* likewise, and nobody knows why it is here */
};

/* RFC 3629, byte by byte. */
struct vb_utf8_feed {
    unsigned char left, low, high; /* bytes to come of a character, and what the next may be */
};
/* RFC 8259, byte by byte. Depth beyond VB_JSON_DEPTH is refused: no export is that deep. */
#define VB_JSON_DEPTH 64u
struct vb_json_feed {
    int state;
    unsigned depth, hex;
    uint64_t arrays;      /* bit d: what is open at depth d is a list */
    bool is_key, is_list; /* the open string is a member's name; the outermost value is a list */
    const char *literal;  /* what has to follow */
    uint64_t elements;    /* of the outermost list or object, begun */
};
void vb_json_feed_begin(struct vb_json_feed *feed);
bool vb_json_feed(struct vb_json_feed *feed, unsigned char byte);
/* A whole value, and blanks behind it. */
bool vb_json_feed_end(const struct vb_json_feed *feed);

/* RFC 4180, with CRLF alone and the delimiter that the header shows. */
struct vb_csv_feed {
    int state;
    char delimiter; /* 0: not seen yet */
    uint64_t rows, columns, header_columns;
};
/* NULL, or what is wrong: static, or in `text`. */
const char *vb_csv_feed(struct vb_csv_feed *feed, unsigned char byte, char text[100]);
const char *vb_csv_feed_end(const struct vb_csv_feed *feed);

#define VB_CONTENT_EDGE 24u
struct vb_content {
    enum vb_content_kind kind;
    char problem[160]; /* "" while there is none */
    uint64_t size;
    uint64_t items; /* rows of CSV below the header, conversations of JSON and NDJSON */
    bool in_line;   /* of NDJSON */
    struct vb_utf8_feed utf8;
    struct vb_json_feed json;
    struct vb_csv_feed csv;
    char head[VB_CONTENT_EDGE], tail[VB_CONTENT_EDGE]; /* the first bytes, the last ones */
};
void vb_content_begin(struct vb_content *content, enum vb_content_kind kind);
void vb_content_feed(struct vb_content *content, const void *data, size_t length);
void vb_content_end(struct vb_content *content);

/* By where an entry stands and how its name ends. */
enum vb_content_kind vb_content_kind_of(struct vb_view name);

/* "" or what is wrong with an entry's name, wherever it might be unpacked. */
void vb_entry_name_judge(struct vb_view name, char problem[160]);

#endif
