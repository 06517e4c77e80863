/* Preloaded into a program under test: fails one allocation of the program's own code, the one that
 * a test asks for.
 *
 * Only calls from the executable itself count, told by their return address: libraries that end the
 * process when memory is short (and libc's own needs) are not the matter. The test steers by a file
 * of `struct control` that FAILING_ALLOCATIONS names and both sides have mapped. Any thread.
 * Without that variable nothing ever fails.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    _Atomic uint64_t seen;    /* allocations so far */
    _Atomic uint64_t fail_at; /* the one that fails; 0: none */
    _Atomic uint64_t place; /* where it was asked for, as an offset in the executable; 0: not yet */
};

static struct control *control;
static uintptr_t text_first, text_last, base;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* The first object is the executable. */
static int find_text(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)) {
            text_first = base + segment->p_vaddr;
            text_last = text_first + segment->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAILING_ALLOCATIONS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    dl_iterate_phdr(find_text, NULL);
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        control = memory;
}

static int is_to_fail(const void *caller)
{
    uintptr_t place = (uintptr_t)caller;
    if (!control || place < text_first || place >= text_last)
        return 0;
    if (atomic_fetch_add(&control->seen, 1) + 1 != atomic_load(&control->fail_at))
        return 0;
    atomic_store(&control->place, place - base);
    errno = ENOMEM;
    return 1;
}

#define IS_TO_FAIL() is_to_fail(__builtin_return_address(0))

void *malloc(size_t size)
{
    return IS_TO_FAIL() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return IS_TO_FAIL() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return IS_TO_FAIL() ? NULL : __libc_realloc(memory, size);
}

/* libc's own would call malloc from where nobody counts. */
static char *copy_of(const char *text, size_t length)
{
    char *copy = __libc_malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return IS_TO_FAIL() ? NULL : copy_of(text, strlen(text));
}

char *strndup(const char *text, size_t most)
{
    return IS_TO_FAIL() ? NULL : copy_of(text, strnlen(text, most));
}
