/* Who asks: the address of the client behind the proxies that are trusted.
 *
 * A proxy appends whom it was asked by to X-Forwarded-For (or to Forwarded, RFC 7239), and what
 * stands before that it took from the request. So the list is read from its end: each address is
 * believed as long as the one that told it is a trusted proxy's. Without trusted proxies it is the
 * address of the connection, whatever the headers say.
 *
 * Where both headers stand X-Forwarded-For is taken, since proxies that write one commonly let a
 * client's other one through. What cannot be read ends the list. Pure.
 */
#include "server.h"

#include <string.h>

/* The last element of a list; false: it is empty. Quoted texts hold no commas in what is read here:
 * names and addresses. */
static bool cut_last(struct vb_view *list, char mark, struct vb_view *ret_element)
{
    if (list->length == 0)
        return false;
    size_t from = list->length;
    while (from > 0 && list->data[from - 1] != mark)
        from--;
    *ret_element = vb_view_trim((struct vb_view){list->data + from, list->length - from}, " \t");
    list->length = from > 0 ? from - 1 : 0;
    return true;
}

/* `for=` of one element of Forwarded; empty where there is none. */
static struct vb_view forwarded_for(struct vb_view element)
{
    struct vb_view pair;
    while (cut_last(&element, ';', &pair)) {
        if (pair.length < 4 || !vb_http_same_word((struct vb_view){pair.data, 4}, "for="))
            continue;
        pair = (struct vb_view){pair.data + 4, pair.length - 4};
        return vb_view_trim(pair, "\"");
    }
    return (struct vb_view){NULL, 0};
}

/* Goes from the end of one line to its begin while proxies tell. False: the list ends here. */
static bool walk(const struct vb_networks *proxies, struct vb_view list, bool is_forwarded,
                 unsigned char address[VB_ADDRESS])
{
    struct vb_view element;
    unsigned char told[VB_ADDRESS];
    while (vb_networks_have(proxies, address) && cut_last(&list, ',', &element)) {
        if (is_forwarded)
            element = forwarded_for(element);
        if (!vb_address_parse(element, told))
            return false;
        memcpy(address, told, VB_ADDRESS);
    }
    return vb_networks_have(proxies, address);
}

/* Several lines are one list, in their order. */
static void find_client(const struct vb_http_exchange *exchange,
                        unsigned char ret_address[VB_ADDRESS])
{
    const struct vb_networks *proxies = exchange->loop->http->proxies;
    const struct vb_http_head *head = &exchange->head;
    memcpy(ret_address, exchange->connection->peer, VB_ADDRESS);
    if (!vb_networks_have(proxies, ret_address))
        return;
    size_t lines = 0;
    (void)vb_http_header_value(head, "x-forwarded-for", &lines);
    const char *name = lines > 0 ? "x-forwarded-for" : "forwarded";
    for (size_t i = head->header_count; i-- > 0;)
        if (vb_http_same_word(head->headers[i].name, name) &&
            !walk(proxies, head->headers[i].value, lines == 0, ret_address))
            return;
}

void vb_http_client_text(const struct vb_http_exchange *exchange, char ret_text[VB_ADDRESS_TEXT])
{
    unsigned char address[VB_ADDRESS];
    find_client(exchange, address);
    vb_address_format(address, ret_text);
}

unsigned vb_http_client_slot(const struct vb_http_exchange *exchange)
{
    unsigned char address[VB_ADDRESS];
    find_client(exchange, address);
    return vb_http_limits_slot(exchange->loop->http, address);
}
