/* Preloaded into a program under test, or linked into a unit test: fails one allocation, the one
 * that a test asks for. See failing_allocations.h.
 *
 * Only calls from the executable itself count, told by their return address: libraries that end the
 * process when memory is short (and libc's own needs) are not the matter. A test of a whole program
 * steers by a file of `struct control` that FAILING_ALLOCATIONS names and both sides have mapped;
 * without that variable nothing fails by itself. A unit test hands its own struct over and may name
 * libraries whose allocations count as well.
 */
#include "failing_allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OBJECTS 8

static struct control *control;
static uintptr_t base; /* of the executable */

/* The code whose calls count; the executable's is the first. */
static struct {
    uintptr_t first, last;
} texts[OBJECTS];
static size_t text_count;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* The first object is the executable; `context` names the libraries that count, or is NULL. */
static int find_texts(struct dl_phdr_info *info, size_t size, void *context)
{
    const char *const *libraries = context;
    bool is_wanted = text_count == 0;
    (void)size;
    if (text_count == 0)
        base = info->dlpi_addr;
    for (; !is_wanted && libraries && *libraries; libraries++)
        is_wanted = strstr(info->dlpi_name, *libraries) != NULL;
    for (int i = 0; is_wanted && i < info->dlpi_phnum && text_count < OBJECTS; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)) {
            texts[text_count].first = info->dlpi_addr + segment->p_vaddr;
            texts[text_count++].last = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        }
    }
    return context == NULL; /* no further than the first */
}

void failing_allocations_steer(struct control *steering, const char *const *libraries)
{
    static const char *const none[] = {NULL};
    text_count = 0;
    dl_iterate_phdr(find_texts, (void *)(uintptr_t)(libraries ? libraries : none));
    control = steering;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAILING_ALLOCATIONS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    dl_iterate_phdr(find_texts, NULL);
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        control = memory;
}

static int is_to_fail(const void *caller)
{
    uintptr_t place = (uintptr_t)caller;
    bool counts = false;
    for (size_t i = 0; control && i < text_count && !counts; i++)
        counts = place >= texts[i].first && place < texts[i].last;
    if (!counts)
        return 0;
    if (atomic_fetch_add(&control->seen, 1) + 1 != atomic_load(&control->fail_at))
        return 0;
    atomic_store(&control->place, place - base);
    errno = ENOMEM;
    return 1;
}

#define IS_TO_FAIL() is_to_fail(__builtin_return_address(0))

/* In the place of the C library's.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
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
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
