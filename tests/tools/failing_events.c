/* Preloaded into a program under test: fails one event_add of libevent, the one that a test asks
 * for, as it does where the kernel watches no more descriptors or memory is short.
 *
 * The test steers by a file of `struct control` that FAILING_EVENTS names and both sides have
 * mapped. Any thread. Without that variable nothing ever fails.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

struct control {
    _Atomic uint64_t seen;    /* calls so far */
    _Atomic uint64_t fail_at; /* the one that fails; 0: none */
    _Atomic uint64_t place;   /* not 0: it has failed */
};

struct event;
typedef int add_function(struct event *event, const struct timeval *time);
int event_add(struct event *event, const struct timeval *time);

static struct control *control;
static add_function *real;

__attribute__((constructor)) static void begin(void)
{
    void *symbol = dlsym(RTLD_NEXT, "event_add");
    memcpy(&real, &symbol, sizeof real); /* ISO C has no cast from a data pointer to a function's */
    const char *path = getenv("FAILING_EVENTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        control = memory;
}

int event_add(struct event *event, const struct timeval *time)
{
    if (control && atomic_fetch_add(&control->seen, 1) + 1 == atomic_load(&control->fail_at)) {
        atomic_store(&control->place, 1);
        return -1;
    }
    return real(event, time);
}
