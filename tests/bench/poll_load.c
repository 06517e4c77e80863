/* Load for polls.py: N keep-alive connections, each with one GET under way at a time, for some
 * seconds.
 *
 * Prints answers a second and the median and 99th percentile of their time in microseconds. Ends
 * with 1 at the first answer that is not a 200. One thread; it must cost little beside the server,
 * so it parses only what it needs.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 1024
#define SLOTS 100000 /* of the histogram: microseconds */

struct client {
    int fd;
    size_t held;
    int64_t sent_at;
    char bytes[65536]; /* a whole answer: a list is the longest */
};

static struct client clients[CLIENTS];
static uint32_t histogram[SLOTS];
static char request[2048];
static size_t request_length;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void fail(const char *what, const char *more)
{
    fprintf(stderr, "poll_load: %s: %s\n", what, more);
    exit(1);
}

static void ask(struct client *client)
{
    client->held = 0;
    client->sent_at = now();
    if (send(client->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
        fail("send", "the connection is gone");
}

/* Length of the whole answer that is held; 0 while it is not whole. */
static size_t answer_length(struct client *client)
{
    client->bytes[client->held] = '\0';
    const char *end = strstr(client->bytes, "\r\n\r\n");
    const char *length = strstr(client->bytes, "Content-Length: ");
    if (!end)
        return 0;
    if (!length || strncmp(client->bytes, "HTTP/1.1 200 ", 13) != 0)
        fail("answer", client->bytes);
    size_t whole = (size_t)(end + 4 - client->bytes) + strtoul(length + 16, NULL, 10);
    return client->held >= whole ? whole : 0;
}

static int read_answer(struct client *client)
{
    ssize_t count =
        recv(client->fd, client->bytes + client->held, sizeof(client->bytes) - 1 - client->held, 0);
    if (count <= 0)
        fail("recv", "the connection is gone");
    client->held += (size_t)count;
    if (answer_length(client) == 0)
        return 0;
    int64_t time = now() - client->sent_at;
    histogram[time < SLOTS ? time : SLOTS - 1]++;
    ask(client);
    return 1;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect", "nobody listens");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int percentile(uint64_t answers, double share)
{
    uint64_t seen = 0;
    for (int i = 0; i < SLOTS; i++)
        if ((seen += histogram[i]) >= (uint64_t)((double)answers * share))
            return i;
    return SLOTS;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("usage", "PORT CONNECTIONS SECONDS PATH KEY");
    int port = (int)strtol(argv[1], NULL, 10), count = (int)strtol(argv[2], NULL, 10);
    double seconds = strtod(argv[3], NULL);
    request_length = (size_t)snprintf(request, sizeof(request),
                                      "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\n\r\n",
                                      argv[4], argv[5]);
    if (count < 1 || count > CLIENTS || request_length >= sizeof(request))
        fail("usage", "too many connections, or too long a path");
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        clients[i].fd = connect_to(port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event);
        ask(&clients[i]);
    }
    int64_t begin = now(), end = begin + (int64_t)(seconds * 1e6);
    uint64_t answers = 0;
    while (now() < end) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll, events, 64, 100);
        for (int i = 0; i < ready; i++)
            answers += (uint64_t)read_answer(events[i].data.ptr);
    }
    printf("%.1f %d %d\n", (double)answers * 1e6 / (double)(now() - begin),
           percentile(answers, 0.5), percentile(answers, 0.99));
    return answers > 0 ? 0 : 1;
}
