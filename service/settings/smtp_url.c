/* See smtp_url.h. Copies of the login are wiped when they are let go. */
#include "smtp_url.h"

#include "verbatim/text.h"

#include <stdlib.h>
#include <string.h>

#define LOGIN_MOST 4096u

/* HOST[:PORT] without blanks, controls and what ends an authority. No path: libcurl would take it
 * for the name that is said in EHLO. */
static bool is_host(struct vb_view host)
{
    if (host.length == 0 || host.data[0] == ':')
        return false;
    for (size_t i = 0; i < host.length; i++) {
        unsigned char c = (unsigned char)host.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("/@?#\\\"", c))
            return false;
    }
    return true;
}

static enum vb_status decode(struct vb_view text, char **ret_text)
{
    struct vb_buffer out;
    vb_buffer_init_secret(&out, LOGIN_MOST);
    enum vb_status status = vb_percent_decode(&out, text);
    if (status == VB_OK &&
        (out.length == 0 || !vb_utf8_is_line((struct vb_view){out.data, out.length})))
        status = VB_INVALID;
    if (status == VB_OK)
        *ret_text = vb_buffer_take(&out);
    vb_buffer_done(&out);
    return status == VB_LIMIT ? VB_INVALID : status;
}

static enum vb_status parse_login(struct vb_view login, struct vb_smtp_url *url)
{
    const char *colon = memchr(login.data, ':', login.length);
    size_t user = colon ? (size_t)(colon - login.data) : login.length;
    enum vb_status status = decode((struct vb_view){login.data, user}, &url->user);
    if (status == VB_OK && colon)
        status = decode((struct vb_view){colon + 1, login.length - user - 1}, &url->password);
    return status;
}

static enum vb_status parse(const char *text, struct vb_smtp_url *url)
{
    size_t scheme = strncmp(text, "smtp://", 7) == 0    ? 7
                    : strncmp(text, "smtps://", 8) == 0 ? 8
                                                        : 0;
    const char *login = text + scheme, *at = strrchr(login, '@');
    struct vb_view host = vb_view_of(at ? at + 1 : login);
    while (host.length > 0 && host.data[host.length - 1] == '/')
        host.length--;
    if (scheme == 0 || !is_host(host))
        return VB_INVALID;
    url->server = calloc(1, scheme + host.length + 1);
    if (!url->server)
        return VB_NO_MEMORY;
    memcpy(url->server, text, scheme);
    memcpy(url->server + scheme, host.data, host.length);
    return at ? parse_login((struct vb_view){login, (size_t)(at - login)}, url) : VB_OK;
}

enum vb_status vb_smtp_url_parse(const char *text, struct vb_smtp_url *ret_url,
                                 struct vb_error *err)
{
    struct vb_smtp_url url = {0};
    enum vb_status status = parse(text, &url);
    if (status == VB_OK)
        *ret_url = url;
    else
        vb_smtp_url_done(&url);
    return status == VB_NO_MEMORY ? vb_fail(err, status, "no memory for the options")
           : status != VB_OK      ? vb_fail(err, status, "no address of a mail server")
                                  : VB_OK;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void vb_smtp_url_done(struct vb_smtp_url *url)
{
    free(url->server);
    wipe(url->user);
    wipe(url->password);
    *url = (struct vb_smtp_url){0};
}

/* A login in smtp_url becomes the options that it could have been given by. */
enum vb_status vb_smtp_url_derive(struct vb_options *options, struct vb_error *err)
{
    struct vb_smtp_url url;
    if (!options->smtp_url)
        return VB_OK;
    enum vb_status status = vb_smtp_url_parse(options->smtp_url, &url, err);
    if (status != VB_OK)
        return status;
    bool twice = (url.user && options->smtp_user) || (url.password && options->smtp_password);
    if (!twice) {
        explicit_bzero(options->smtp_url, strlen(options->smtp_url));
        free(options->smtp_url);
        options->smtp_url = url.server;
        options->smtp_user = url.user ? url.user : options->smtp_user;
        options->smtp_password = url.password ? url.password : options->smtp_password;
        return VB_OK;
    }
    vb_smtp_url_done(&url);
    return vb_fail(err, VB_INVALID,
                   "options smtp_url, smtp_user and smtp_password: user and password must be given "
                   "in one place, in smtp_url or by the other two");
}
