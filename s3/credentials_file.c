/* The shared credentials file: sections of `name = value` lines. See credentials.h.
 *
 * Reads AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials; the profile is AWS_PROFILE, else
 * "default". Profiles that assume roles or run programs are not followed. Thread-safe.
 *
 * Format: the AWS CLI's, as its guide "Configuration and credential file settings" has it. Lines of
 * '#' and ';' are comments, only at a line's beginning: a secret may hold both. Names are compared
 * with their case. The file is read anew at each fetch, and the memory that held it is wiped.
 */
#include "credentials.h"

#include "verbatim/file_read.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files of many profiles have some kilobytes. */
#define FILE_MOST (256u * 1024u)

/* A folder that is none is a place that is not set up, as a file that is not there. */
enum vb_status vb_s3_read_file(const char *path, struct vb_buffer *out, struct vb_error *err)
{
    struct vb_error own;
    enum vb_status status = vb_file_read(path, out, &own);
    if (status != VB_OK && err)
        *err = own;
    return status == VB_DENIED && own.system_code == ENOTDIR ? VB_NOT_FOUND : status;
}

/* HOME first and then the user's entry, as the SDKs do. False where there is no place to look, or
 * its name is too long: the chain goes on then. */
static bool file_path(char *to, size_t room)
{
    const char *given = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char space[2048];
    int length;
    if (given && *given) {
        length = snprintf(to, room, "%s", given);
        return length > 0 && (size_t)length < room;
    }
    if (!home || !*home)
        home = getpwuid_r(getuid(), &entry, space, sizeof space, &found) == 0 && found
                   ? found->pw_dir
                   : NULL;
    length = home ? snprintf(to, room, "%s/.aws/credentials", home) : 0;
    return length > 0 && (size_t)length < room;
}

/* True for "[profile]" of the wanted name; *ret_section tells whether the line is a section at all.
 * The configuration file's form "[profile NAME]" is another file's and is not known here. */
static bool opens(struct vb_view line, const char *profile, bool *ret_section)
{
    *ret_section = line.length >= 2 && line.data[0] == '[' && line.data[line.length - 1] == ']';
    if (!*ret_section)
        return false;
    struct vb_view name = vb_view_trim((struct vb_view){line.data + 1, line.length - 2}, " \t\r");
    return vb_view_equals(name, vb_view_of(profile));
}

/* Names that are no keys (region, role_arn, ...) are passed over. `line` is at least one byte
 * long. */
static enum vb_status take_line(struct vb_view line, struct vb_s3_keys *keys, struct vb_error *err)
{
    const char *equals = memchr(line.data, '=', line.length);
    char text[VB_S3_TOKEN_TEXT];
    const struct {
        const char *name;
        char *to;
        size_t room;
    } fields[] = {
        {"aws_access_key_id", keys->access_key_id, sizeof keys->access_key_id},
        {"aws_secret_access_key", keys->secret_access_key, sizeof keys->secret_access_key},
        {"aws_session_token", keys->session_token, sizeof keys->session_token},
    };
    if (!equals)
        return VB_OK;
    size_t name_length = (size_t)(equals - line.data);
    struct vb_view name = vb_view_trim((struct vb_view){line.data, name_length}, " \t\r");
    struct vb_view value =
        vb_view_trim((struct vb_view){equals + 1, line.length - name_length - 1}, " \t\r");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!vb_view_equals(name, vb_view_of(fields[i].name)))
            continue;
        if (value.length >= sizeof text)
            return vb_fail(err, VB_LIMIT, "%s is too long", fields[i].name);
        if (value.length > 0)
            memcpy(text, value.data, value.length);
        text[value.length] = '\0';
        enum vb_status status =
            vb_s3_keys_set(fields[i].to, fields[i].room, fields[i].name, text, err);
        OPENSSL_cleanse(text, sizeof text);
        return status;
    }
    return VB_OK;
}

/* Later lines win over earlier ones, as other readers of the file have it. */
static enum vb_status read_profile(struct vb_view text, const char *profile,
                                   struct vb_s3_keys *keys, bool *ret_found, struct vb_error *err)
{
    bool inside = false, section = false;
    enum vb_status status = VB_OK;
    while (text.length > 0 && status == VB_OK) {
        const char *end = memchr(text.data, '\n', text.length);
        size_t width = end ? (size_t)(end - text.data) : text.length;
        struct vb_view line = vb_view_trim((struct vb_view){text.data, width}, " \t\r");
        bool comment = line.length == 0 || line.data[0] == '#' || line.data[0] == ';';
        if (!comment) {
            bool opened = opens(line, profile, &section);
            if (section)
                inside = opened;
            else if (inside)
                status = take_line(line, keys, err);
            *ret_found = *ret_found || opened;
        }
        width += end ? 1 : 0;
        text.data += width;
        text.length -= width;
    }
    return status;
}

/* A profile that somebody asked for by name must exist; the default one need not. Half a pair is a
 * mistake, as in the environment. */
static enum vb_status check_profile(const struct vb_s3_keys *keys, bool found, bool asked_for,
                                    const char *profile, const char *path, struct vb_error *err)
{
    if (!found && asked_for)
        return vb_fail(err, VB_INVALID, "%s has no profile \"%s\"", path, profile);
    if (!*keys->access_key_id && !*keys->secret_access_key)
        return VB_NOT_FOUND;
    if (!*keys->access_key_id || !*keys->secret_access_key)
        return vb_fail(err, VB_INVALID, "profile \"%s\" of %s lacks one of its two keys", profile,
                       path);
    return VB_OK;
}

/* A file that is not there is a place that is not set up, also where AWS_SHARED_CREDENTIALS_FILE
 * names it. One that may not be read is a failure and ends the chain. */
enum vb_status vb_s3_fetch_shared_file(const struct vb_s3_lookup *lookup,
                                       struct vb_s3_keys *ret_keys, struct vb_error *err)
{
    char path[4096];
    const char *asked = getenv("AWS_PROFILE");
    bool asked_for = asked && *asked, found = false;
    const char *profile = asked_for ? asked : "default";
    struct vb_s3_keys keys = {0};
    struct vb_buffer text;
    (void)lookup;
    if (!file_path(path, sizeof path))
        return VB_NOT_FOUND;
    vb_buffer_init_secret(&text, FILE_MOST);
    enum vb_status status = vb_s3_read_file(path, &text, err);
    if (status == VB_OK)
        status =
            read_profile((struct vb_view){text.data, text.length}, profile, &keys, &found, err);
    if (status == VB_OK)
        status = check_profile(&keys, found, asked_for, profile, path, err);
    vb_buffer_done(&text);
    keys.temporary = *keys.session_token != '\0';
    if (status == VB_OK)
        *ret_keys = keys;
    vb_s3_keys_wipe(&keys);
    return status;
}
