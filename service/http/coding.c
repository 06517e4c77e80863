/* Content codings that a client takes (RFC 9110, 12.5.3). Pure.
 *
 * Refuses nothing: what cannot be understood is not named. Several lines of the header are one
 * list.
 */
#include "head.h"

/* "q=0", "q=0.0", "q=0.000"; any other parameter is no weight. */
static bool is_zero(struct vb_view parameter)
{
    if (!vb_http_same_word(vb_view_cut(&parameter, '='), "q"))
        return false;
    parameter = vb_view_trim(parameter, " \t");
    if (parameter.length == 0 || parameter.data[0] != '0')
        return false;
    for (size_t i = 1; i < parameter.length; i++)
        if (parameter.data[i] != '.' && parameter.data[i] != '0')
            return false;
    return true;
}

bool vb_http_accepts_coding(const struct vb_http_head *head, const char *coding)
{
    bool is_named = false, is_taken = false, any = false;
    for (size_t i = 0; i < head->header_count; i++) {
        struct vb_view list = head->headers[i].value;
        if (!vb_http_same_word(head->headers[i].name, "accept-encoding"))
            continue;
        while (list.length > 0) {
            struct vb_view parameters = vb_view_cut(&list, ',');
            struct vb_view name = vb_view_cut(&parameters, ';');
            bool is_good = true;
            while (parameters.length > 0)
                is_good = !is_zero(vb_view_cut(&parameters, ';')) && is_good;
            if (vb_http_same_word(name, coding)) {
                is_named = true;
                is_taken = is_good;
            } else if (vb_http_same_word(name, "*")) {
                any = is_good;
            }
        }
    }
    return is_named ? is_taken : any;
}
