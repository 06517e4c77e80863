/* Media and citations of a message, as lists behind its text; see html.h.
 *
 * Where the archive holds the media, pictures are shown and sound can be played from the entry
 * beside the file, and all else is a link to it; the address that it came from stays a link, since
 * an entry that could not be had is told of in media/errors.csv alone. Addresses are links only
 * where they are http or https.
 */
#include "html.h"

#include "verbatim/names.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool begins_with(struct vb_view text, const char *start)
{
    size_t length = strlen(start);
    return text.length >= length && strncasecmp(text.data, start, length) == 0;
}

/* A link, or the bare text of what may not be one. */
static enum vb_status append_link(struct vb_buffer *out, struct vb_view url, struct vb_view words)
{
    if (!vb_html_is_link(url))
        return vb_html_element(out, "<span", words, "</span>");
    enum vb_status status = vb_html_append_quoted(out, "<a rel=noreferrer href=", url);
    return status == VB_OK ? vb_html_element(out, "", words, "</a>") : status;
}

/* Entries lie in folders beside the file. Names may hold what an address may not. */
static enum vb_status append_entry(struct vb_buffer *out, const char *lead, const char *entry)
{
    enum vb_status status = vb_buffer_append_text(out, lead);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '"');
    if (status == VB_OK)
        status = vb_percent_encode(out, vb_view_of(entry), true);
    return status == VB_OK ? vb_buffer_append_byte(out, '"') : status;
}

/* How a medium is shown. An SVG is a document with a life of its own, and stays a link. */
enum shown { LINK, PICTURE, SOUND, FILM };

/* By the content type, and where there is none by the entry's extension. */
static enum shown how_shown(struct vb_view type, const char *entry)
{
    static const struct {
        const char *extensions;
        enum shown shown;
    } known[] = {{".jpg .jpeg .png .gif .webp ", PICTURE},
                 {".wav .mp3 .ogg .oga .opus .m4a .aac .amr ", SOUND},
                 {".mp4 .webm .mov .3gp ", FILM}};
    const char *dot = strrchr(entry, '.');
    char word[8];
    if (type.length > 0)
        return begins_with(type, "audio/")      ? SOUND
               : begins_with(type, "video/")    ? FILM
               : begins_with(type, "image/svg") ? LINK
               : begins_with(type, "image/")    ? PICTURE
                                                : LINK;
    if (!dot || strlen(dot) > sizeof word - 2)
        return LINK;
    snprintf(word, sizeof word, "%s ", dot);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasestr(known[i].extensions, word))
            return known[i].shown;
    return LINK;
}

static enum vb_status append_shown(struct vb_buffer *out, enum shown shown,
                                   struct vb_view file_name, const char *entry)
{
    if (shown == LINK)
        return VB_OK;
    if (shown == PICTURE) {
        enum vb_status status = append_entry(out, "<img loading=lazy src=", entry);
        if (status == VB_OK)
            status = vb_html_append_quoted(out, " alt=", file_name);
        return status == VB_OK ? vb_buffer_append_byte(out, '>') : status;
    }
    enum vb_status status = append_entry(out,
                                         shown == SOUND ? "<audio controls preload=none src="
                                                        : "<video controls preload=none src=",
                                         entry);
    return status == VB_OK ? vb_buffer_append_text(out, shown == SOUND ? "></audio>" : "></video>")
                           : status;
}

static enum vb_status append_attachment(const struct vb_conversation *c, const struct vb_view v[4],
                                        struct vb_buffer *out)
{
    char entry[VB_MEDIA_NAME_BYTES + 1];
    struct vb_view name = v[2].length > 0 ? v[2] : VB_VIEW("file");
    enum vb_status status = vb_media_entry_name(c->id, v[0], v[2], v[3], entry);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "<li>");
    if (status == VB_OK)
        status = append_shown(out, how_shown(v[3], entry), name, entry);
    if (status == VB_OK)
        status = append_entry(out, "<a href=", entry);
    if (status == VB_OK)
        status = vb_html_element(out, "", name, "</a> ");
    return status == VB_OK ? append_link(out, v[1], VB_VIEW("(source)")) : status;
}

/* Before the first element of a list its beginning. */
static enum vb_status begin_element(struct vb_buffer *out, bool *open, const char *opening)
{
    enum vb_status status = *open ? VB_OK : vb_buffer_append_text(out, opening);
    *open = true;
    return status;
}

enum vb_status vb_html_media(const struct vb_render_context *context,
                             const struct vb_conversation *conversation,
                             const struct vb_message *message, struct vb_buffer *out)
{
    static const char opening[] = "<ul class=media>";
    bool has_entries = vb_row_includes(context, VB_INCLUDE_MEDIA);
    struct vb_text_list attachments = message->attachments, urls = message->media_urls;
    struct vb_view v[4], url;
    enum vb_status status = VB_OK;
    bool open = false;
    while (has_entries && status == VB_OK && vb_text_list_next_group(&attachments, v, 4)) {
        status = begin_element(out, &open, opening);
        if (status == VB_OK)
            status = append_attachment(conversation, v, out);
    }
    while (status == VB_OK && vb_text_list_next(&urls, &url)) {
        if (has_entries && vb_row_is_attached(message, url))
            continue;
        status = begin_element(out, &open, opening);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "<li>");
        if (status == VB_OK)
            status = append_link(out, url, url);
    }
    return status == VB_OK && open ? vb_buffer_append_text(out, "</ul>") : status;
}

enum vb_status vb_html_citations(const struct vb_message *message, struct vb_buffer *out)
{
    struct vb_text_list list = message->citations;
    struct vb_view v[3];
    enum vb_status status = VB_OK;
    bool open = false;
    while (status == VB_OK && vb_text_list_next_group(&list, v, 3)) {
        status = begin_element(out, &open, "<ul class=cites>");
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "<li>");
        if (status == VB_OK)
            status = append_link(out, v[1], v[0].length > 0 ? v[0] : v[1]);
        if (status == VB_OK && v[2].length > 0)
            status = vb_html_element(out, " <q", v[2], "</q>");
    }
    return status == VB_OK && open ? vb_buffer_append_text(out, "</ul>") : status;
}
