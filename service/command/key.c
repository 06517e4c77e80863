/* verbatim key create, list, revoke. Keys are looked up in the database at each request, so a
 * revocation holds at once.
 *
 * A key is shown once, here, and stored as its hash. Whoever may run commands against the database
 * may make keys for any workspace: the database login is the authority, there is no other. Revoking
 * is for ever: a key has no way back, only a successor.
 */
#include "jobs.h"

#include "api/access.h"
#include "database/array.h"
#include "output/table.h"
#include "rules/key.h"
#include "rules/mail_address.h"
#include "verbatim/text.h"

#include <stdio.h>
#include <string.h>

/* Positions of the command's flags in command.c. Ceilings are in bytes. */
enum { WORKSPACE, NAME, SCOPE, ROLE, USER, AUDIENCE };
enum { LIST_WORKSPACE, LIST_JSON };
#define SCOPES_CEILING 4096
#define AUDIENCE_CEILING 65536

/* The scopes as an array literal of PostgreSQL; known names hold no character that would need
 * quoting. Without any the key opens exports. */
static enum vb_status write_scopes(const struct vb_arguments *arguments, struct vb_buffer *out,
                                   struct vb_error *err)
{
    enum vb_status status = vb_buffer_append_byte(out, '{');
    for (size_t i = 0; i < arguments->flags[SCOPE].count && status == VB_OK; i++) {
        const char *name = arguments->flags[SCOPE].values[i];
        if (!vb_scope_known(vb_view_of(name)))
            return vb_fail(err, VB_INVALID, "--scope \"%s\": must be %s or %s", name,
                           VB_SCOPE_EXPORT, VB_SCOPE_METRICS);
        status = vb_buffer_printf(out, "%s%s", i > 0 ? "," : "", name);
    }
    if (status == VB_OK && arguments->flags[SCOPE].count == 0)
        status = vb_buffer_append_text(out, VB_SCOPE_EXPORT);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '}');
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no room for the scopes");
}

/* Keys are listed line by line with tabs: a name must not break that. Escape sequences for
 * terminals are controls too. */
static enum vb_status check_name(const char *name, struct vb_error *err)
{
    return vb_utf8_is_line(vb_view_of(name))
               ? VB_OK
               : vb_fail(err, VB_INVALID, "--name: must be UTF-8 text without control characters");
}

/* A key without --role is an owner's and may do everything. */
static const char *role_of(const struct vb_arguments *arguments)
{
    const char *role = vb_argument(arguments, ROLE);
    return role ? role : "owner";
}

/* The audience narrows what an editor sees; for the other roles it would promise what nobody
 * holds. */
static enum vb_status check_holder(const struct vb_arguments *arguments, struct vb_error *err)
{
    const char *role = role_of(arguments), *user = vb_argument(arguments, USER);
    enum vb_role known;
    if (!vb_role_find(vb_view_of(role), &known))
        return vb_fail(err, VB_INVALID, "--role \"%.60s\": must be owner, admin, editor or viewer",
                       role);
    if (user && !vb_mail_address_valid(vb_view_of(user)))
        return vb_fail(err, VB_INVALID, "--user \"%.200s\": must be an e-mail address", user);
    if (arguments->flags[AUDIENCE].count > 0 && known != VB_ROLE_EDITOR)
        return vb_fail(err, VB_INVALID,
                       "--audience limits an editor; the role %s sees every conversation", role);
    return VB_OK;
}

/* Tags are free text of the platform's, so they are quoted by the array's own rules. */
static enum vb_status write_audience(const struct vb_arguments *arguments, struct vb_buffer *out,
                                     struct vb_error *err)
{
    size_t count = arguments->flags[AUDIENCE].count;
    for (size_t i = 0; i < count; i++) {
        const char *tag = arguments->flags[AUDIENCE].values[i];
        if (!vb_key_tag_valid(vb_view_of(tag)))
            return vb_fail(err, VB_INVALID,
                           "--audience: must be 1 to %u bytes of UTF-8 text without control"
                           " characters",
                           VB_KEY_TAG_BYTES);
    }
    enum vb_status status = vb_pg_array_put(out, arguments->flags[AUDIENCE].values, count);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no room for the audience");
}

/* Allowed, since tags may follow with another key, but hardly what was meant. A warning and no
 * error, so scripts go on. */
static void warn_of_nothing(const struct vb_arguments *arguments)
{
    if (strcmp(role_of(arguments), "editor") == 0 && arguments->flags[AUDIENCE].count == 0)
        fprintf(stderr, "verbatim: this editor has no --audience and will see no conversation\n");
}

/* No default: a key of the wrong workspace would show its conversations to strangers. */
static enum vb_status require_workspace(const struct vb_arguments *arguments, struct vb_error *err)
{
    if (vb_argument(arguments, WORKSPACE))
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--workspace ID is required");
}

/* As the API makes one, but by nobody's key. */
static enum vb_status insert_key(struct vb_pg *pg, const struct vb_arguments *arguments,
                                 const char *scopes, const char *audience, char *key,
                                 struct vb_error *err)
{
    static const char sql[] = "SELECT verbatim.key_insert($1, $2, $3, decode($4, 'hex'),"
                              " $5::text[], $6, $7, $8::text[])";
    const char *workspace = vb_argument(arguments, WORKSPACE), *name = vb_argument(arguments, NAME);
    struct vb_key_id id;
    unsigned char hash[VB_SHA256];
    char hex[VB_SHA256_HEX];
    PGresult *made = NULL;
    vb_key_make(key, &id, hash);
    vb_hex_encode(hash, sizeof hash, hex);
    const char *const parameters[] = {id.text,
                                      workspace,
                                      name ? name : "",
                                      hex,
                                      scopes,
                                      role_of(arguments),
                                      vb_argument(arguments, USER),
                                      audience};
    enum vb_status status = vb_pg_query(pg, sql, 8, parameters, &made, err);
    if (status == VB_OK && strcmp(vb_pg_value(made, 0, 0), "t") != 0)
        status = vb_workspace_missing(workspace, err);
    PQclear(made);
    return status;
}

/* Before anything is connected to, so that wrong usage does not need a database. */
static enum vb_status check_arguments(const struct vb_arguments *arguments, struct vb_error *err)
{
    const char *name = vb_argument(arguments, NAME);
    enum vb_status status = require_workspace(arguments, err);
    if (status == VB_OK && name)
        status = check_name(name, err);
    if (status == VB_OK)
        status = check_holder(arguments, err);
    return status;
}

/* If it cannot be printed the key is lost, but stays in the table: it is listed and can be
 * revoked. */
enum vb_status vb_command_key_create(const struct vb_arguments *arguments, struct vb_error *err)
{
    char key[VB_KEY_LENGTH + 2];
    struct vb_pg *pg = NULL;
    struct vb_buffer scopes, audience;
    vb_buffer_init(&scopes, SCOPES_CEILING);
    vb_buffer_init(&audience, AUDIENCE_CEILING);
    enum vb_status status = check_arguments(arguments, err);
    if (status == VB_OK)
        status = write_scopes(arguments, &scopes, err);
    if (status == VB_OK)
        status = write_audience(arguments, &audience, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = insert_key(pg, arguments, scopes.data, audience.data, key, err);
    if (status == VB_OK) {
        warn_of_nothing(arguments);
        memcpy(key + VB_KEY_LENGTH, "\n", 2);
        status = vb_command_print(key, err);
    }
    explicit_bzero(key, sizeof key);
    vb_pg_free(pg);
    vb_buffer_done(&scopes);
    vb_buffer_done(&audience);
    return status;
}

/* An unknown workspace is told apart from one without keys. */
enum vb_status vb_command_key_list(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "id"},
        {.name = "name", .may_shrink = true},
        {.name = "scopes", .kind = VB_CELL_LIST, .may_shrink = true},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
        {.name = "last_used_at", .kind = VB_CELL_TIME, .label = "last used"},
        {.name = "revoked_at", .kind = VB_CELL_TIME, .label = "revoked"},
        {.name = "role"},
        {.name = "user"},
        {.name = "audience", .kind = VB_CELL_LIST, .may_shrink = true},
    };
    static const char sql[] =
        "SELECT k.key_id, k.name, to_json(k.scopes), k.created_at, k.last_used_at, k.revoked_at,"
        " k.role, k.user_email, to_json(k.audience)"
        " FROM verbatim.api_key AS k WHERE k.workspace_id = $1 ORDER BY k.created_at, k.key_id";
    struct vb_pg *pg = NULL;
    PGresult *result = NULL;
    const char *workspace = vb_argument(arguments, WORKSPACE);
    enum vb_status status = require_workspace(arguments, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_workspace_find(pg, workspace, err);
    if (status == VB_OK)
        status = vb_pg_query(pg, sql, 1, &workspace, &result, err);
    if (status == VB_OK)
        status = vb_rows_print(result, columns, sizeof columns / sizeof *columns,
                               vb_argument(arguments, LIST_JSON) != NULL, err);
    PQclear(result);
    vb_pg_free(pg);
    return status;
}

/* Revoking twice keeps the first time. */
enum vb_status vb_command_key_revoke(const struct vb_arguments *arguments, struct vb_error *err)
{
    /* Who pastes the whole key means its id. */
    struct vb_key_id parsed;
    const char *id = arguments->word;
    if (vb_key_parse(vb_view_of(id), &parsed) == VB_OK)
        id = parsed.text;
    struct vb_pg *pg;
    uint64_t rows = 0;
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status != VB_OK)
        return status;
    status = vb_pg_exec(pg,
                        "UPDATE verbatim.api_key SET revoked_at = coalesce(revoked_at, now())"
                        " WHERE key_id = $1",
                        1, &id, &rows, err);
    if (status == VB_OK && rows == 0)
        status = vb_fail(err, VB_NOT_FOUND, "there is no key with the id \"%.60s\"", id);
    vb_pg_free(pg);
    return status;
}
