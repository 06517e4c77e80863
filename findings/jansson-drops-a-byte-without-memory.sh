#!/usr/bin/env bash
# Ground: libraries we link. Jansson parses a text while one allocation fails.
# Guess:  json_loadb() returns NULL with json_error_out_of_memory, as its documentation lists, or the right value.
# Seen:   jansson 2.14 (Debian 12's, 2.14-2): where the buffer of the token that is read cannot grow, the byte that it
#         could not take is dropped and reading goes on. The result is a value, no error, with a text one byte short;
#         for other allocations it says "invalid token" or another error of the text.
# So:     a service that turns such values into work, or such errors into 4xx, gives its moment without memory out as
#         the caller's: route jansson's allocations through functions of your own and look whether one of them failed.
# Needs:  Debian 12, gcc. Exit 0: seen as told; 1: it has changed; 2: could not be tried.
set -euo pipefail
version=2.14-2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "libjansson4=$version" "libjansson-dev=$version" || exit 2
for package in ./*.deb; do dpkg-deb -x "$package" root; done

cat >probe.c <<'C'
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long left = -1; /* allocations until the one that fails; -1: none does */

static void *give(size_t size)
{
    if (left == 0)
        return NULL;
    if (left > 0)
        left--;
    return malloc(size);
}

/* One failure, then memory again: a moment without it. */
static void *give_once(size_t size)
{
    void *memory = give(size);
    if (!memory)
        left = -1;
    return memory;
}

int main(void)
{
    static const char text[] = "{\"conversation_id\": \"a text that is rather longer than sixteen bytes\"}";
    int short_values = 0, other_errors = 0, told = 0;
    json_set_alloc_funcs(give_once, free);
    printf("jansson %s\n", jansson_version_str());
    for (long fail_at = 0; fail_at < 40; fail_at++) {
        json_error_t error;
        left = fail_at;
        json_t *value = json_loadb(text, sizeof text - 1, 0, &error);
        int failed = left == -1;
        left = -1;
        const char *read = json_string_value(json_object_get(value, "conversation_id"));
        if (failed && value && (!read || strcmp(read, "a text that is rather longer than sixteen bytes") != 0)) {
            printf("allocation %ld failed: no error, and the value is %s\n", fail_at, read ? read : "not there");
            short_values++;
        } else if (failed && !value && json_error_code(&error) == json_error_out_of_memory)
            told++;
        else if (failed && !value) {
            printf("allocation %ld failed: \"%s\"\n", fail_at, error.text);
            other_errors++;
        }
        json_decref(value);
    }
    printf("short values %d, told as another error %d, told as out of memory %d\n", short_values, other_errors, told);
    return short_values > 0 && other_errors > 0 ? 0 : 1;
}
C
library=$(dirname "$(find root -name libjansson.so.4 | head -n 1)")
gcc -o probe probe.c -I root/usr/include "$library/libjansson.so.4" -Wl,-rpath,"$folder/$library"
if ./probe; then echo "as told"; else
    echo CHANGED
    exit 1
fi
