/* Preloaded into a program under test: makes every file system one without hard links and modes, as
 * exFAT and many mounts of SMB are.
 *
 * WITHOUT_LINKS is the errno that is answered, in decimal; without it nothing changes. Any thread.
 * Nothing is kept.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refusal(void)
{
    const char *code = getenv("WITHOUT_LINKS");
    return code ? (int)strtol(code, NULL, 10) : 0;
}

/* In the place of the C library's.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
int linkat(int old_folder, const char *old_name, int new_folder, const char *new_name, int flags)
{
    int (*real)(int, const char *, int, const char *, int);
    void *symbol = dlsym(RTLD_NEXT, "linkat");
    memcpy(&real, &symbol, sizeof real);
    if (!refusal())
        return real(old_folder, old_name, new_folder, new_name, flags);
    errno = refusal();
    return -1;
}

int fchmod(int fd, mode_t mode)
{
    int (*real)(int, mode_t);
    void *symbol = dlsym(RTLD_NEXT, "fchmod");
    memcpy(&real, &symbol, sizeof real);
    if (!refusal())
        return real(fd, mode);
    errno = refusal();
    return -1;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
