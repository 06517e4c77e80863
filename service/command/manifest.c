/* verbatim manifest key, keys: the public keys of archives' manifests.
 *
 * What is printed is what openssl(1) and `verbatim verify --key` read, so an archive can be checked
 * years later, where nothing of this installation is left but the file with the key.
 */
#include "command.h"

#include "output/table.h"
#include "queue/manifest_key.h"

#define KEY_CEILING 4096u

enum { MAKE_NEW };
enum { AS_JSON };

static enum vb_status print_key(struct vb_pg *pg, const char *id, struct vb_error *err)
{
    unsigned char key[VB_ED25519_KEY];
    struct vb_buffer text;
    vb_buffer_init(&text, KEY_CEILING);
    enum vb_status status = vb_manifest_key_public(pg, id, key, err);
    if (status == VB_OK)
        status = vb_ed25519_write(&text, key, err);
    if (status == VB_OK)
        status = vb_command_print(text.data, err);
    vb_buffer_done(&text);
    return status;
}

enum vb_status vb_command_manifest_key(const struct vb_arguments *arguments, struct vb_error *err)
{
    char id[VB_ED25519_ID];
    struct vb_pg *pg = NULL;
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_argument(arguments, MAKE_NEW) ? vb_manifest_key_make(pg, id, err)
                                                  : vb_manifest_key_now(pg, id, err);
    if (status == VB_OK)
        status = print_key(pg, id, err);
    vb_pg_free(pg);
    return status;
}

static enum vb_status add_key(void *context, const char *id, const char *created_at,
                              const unsigned char *key, struct vb_error *err)
{
    struct vb_table *table = context;
    struct vb_buffer text;
    vb_buffer_init(&text, KEY_CEILING);
    enum vb_status status = vb_ed25519_write(&text, key, err);
    const char *const cells[] = {id, created_at, text.data};
    if (status == VB_OK && (status = vb_table_add(table, cells)) != VB_OK)
        vb_fail(err, status, "no room for the keys");
    vb_buffer_done(&text);
    return status;
}

enum vb_status vb_command_manifest_keys(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "id"},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
        {.name = "public_key", .may_shrink = true, .label = "public key"},
    };
    struct vb_pg *pg = NULL;
    struct vb_table table;
    vb_table_init(&table, columns, sizeof columns / sizeof *columns);
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = vb_manifest_key_each(pg, add_key, &table, err);
    if (status == VB_OK)
        status = vb_table_print(&table, vb_argument(arguments, AS_JSON) != NULL, err);
    vb_table_done(&table);
    vb_pg_free(pg);
    return status;
}
