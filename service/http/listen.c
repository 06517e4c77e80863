/* Listening sockets: one a loop, all on the same address by SO_REUSEPORT, so the kernel spreads
 * connections. Only the first address that a name has is taken. */
#include "server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Clients that wait to be accepted while a loop is busy. */
#define BACKLOG 1024

/* ADDRESS:PORT or [ADDRESS]:PORT into its two halves; an empty address means all. */
static bool cut_address(const char *listen, char host[128], char port[8])
{
    const char *colon = strrchr(listen, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
        return false;
    size_t length = (size_t)(colon - listen);
    if (length >= 2 && listen[0] == '[' && listen[length - 1] == ']') {
        listen++;
        length -= 2;
    }
    if (length >= 128)
        return false;
    memcpy(host, listen, length);
    host[length] = '\0';
    (void)snprintf(port, 8, "%s", colon + 1);
    return true;
}

/* -1 with errno, also after the close. */
static int open_socket(const struct addrinfo *address, bool shared)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
         (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
         bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

/* SO_REUSEPORT would let a second process take half of the connections without a word; a socket
 * without it tells whether anybody is there. */
static enum vb_status probe(const struct addrinfo *address, const char *listen,
                            struct vb_error *err)
{
    int fd = open_socket(address, false);
    if (fd < 0)
        return vb_fail_system(err, VB_IO, errno, "cannot listen on %s", listen);
    close(fd);
    return VB_OK;
}

static enum vb_status listen_all(const struct addrinfo *address, const char *listen, int *fds,
                                 size_t count, struct vb_error *err)
{
    enum vb_status status = probe(address, listen, err);
    struct sockaddr_storage bound;
    struct addrinfo again = *address;
    for (size_t i = 0; i < count && status == VB_OK; i++) {
        fds[i] = open_socket(&again, true);
        socklen_t length = sizeof(bound);
        /* Port 0: the others take the port the first was given. */
        if (fds[i] < 0 || getsockname(fds[i], (struct sockaddr *)&bound, &length) != 0)
            status = vb_fail_system(err, VB_IO, errno, "cannot listen on %s", listen);
        again.ai_addr = (struct sockaddr *)&bound;
        again.ai_addrlen = length;
    }
    return status;
}

enum vb_status vb_http_listen(const char *address, int *ret_fds, size_t count, struct vb_error *err)
{
    char host[128], port[8];
    for (size_t i = 0; i < count; i++)
        ret_fds[i] = -1;
    if (!cut_address(address, host, port))
        return vb_fail(err, VB_INVALID, "listen: %s is not ADDRESS:PORT", address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (code != 0)
        return vb_fail(err, VB_INVALID, "listen: %s: %s", address, gai_strerror(code));
    enum vb_status status = listen_all(found, address, ret_fds, count, err);
    freeaddrinfo(found);
    if (status != VB_OK)
        for (size_t i = 0; i < count; i++)
            if (ret_fds[i] >= 0)
                close(ret_fds[i]);
    return status;
}
