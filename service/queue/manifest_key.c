/* Rows of verbatim.manifest_key; see manifest_key.h. Two processes that make the first key at once
 * make two, and both sign with whichever is newer: archives name the key they were signed by. */
#include "manifest_key.h"

#include "database/args.h"

#include "verbatim/hash.h"

#include <stdio.h>
#include <string.h>

static const char newest[] =
    "SELECT key_id FROM verbatim.manifest_key ORDER BY created_at DESC, key_id LIMIT 1";
static const char add[] = "INSERT INTO verbatim.manifest_key (key_id, private_key, public_key)"
                          " VALUES ($1, decode($2, 'hex'), decode($3, 'hex'))";

static enum vb_status insert_key(struct vb_pg *pg, const unsigned char private_key[VB_ED25519_KEY],
                                 const unsigned char public_key[VB_ED25519_KEY], const char *id,
                                 struct vb_error *err)
{
    char private_hex[2 * VB_ED25519_KEY + 1], public_hex[2 * VB_ED25519_KEY + 1];
    struct vb_pg_args args = {0};
    vb_hex_encode(private_key, VB_ED25519_KEY, private_hex);
    vb_hex_encode(public_key, VB_ED25519_KEY, public_hex);
    vb_args_text(&args, id);
    vb_args_text(&args, private_hex);
    vb_args_text(&args, public_hex);
    enum vb_status status = vb_args_exec(pg, add, &args, NULL, err);
    explicit_bzero(private_hex, sizeof private_hex);
    return status;
}

enum vb_status vb_manifest_key_make(struct vb_pg *pg, char ret_id[VB_ED25519_ID],
                                    struct vb_error *err)
{
    unsigned char private_key[VB_ED25519_KEY], public_key[VB_ED25519_KEY];
    char id[VB_ED25519_ID];
    vb_ed25519_make(private_key);
    enum vb_status status = vb_ed25519_public(private_key, public_key, err);
    if (status == VB_OK) {
        vb_ed25519_id(public_key, id);
        status = insert_key(pg, private_key, public_key, id, err);
    }
    explicit_bzero(private_key, sizeof private_key);
    if (status == VB_OK)
        memcpy(ret_id, id, sizeof id);
    return status;
}

enum vb_status vb_manifest_key_now(struct vb_pg *pg, char ret_id[VB_ED25519_ID],
                                   struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    enum vb_status status = vb_args_query(pg, newest, &args, &row, err);
    if (status != VB_OK)
        return status;
    bool found = PQntuples(row) == 1;
    if (found)
        (void)snprintf(ret_id, VB_ED25519_ID, "%s", vb_pg_value(row, 0, 0));
    PQclear(row);
    return found ? VB_OK : vb_manifest_key_make(pg, ret_id, err);
}

static enum vb_status decode(const char *hex, const char *id, unsigned char ret_key[VB_ED25519_KEY],
                             struct vb_error *err)
{
    return vb_hex_decode(vb_view_of(hex), ret_key, VB_ED25519_KEY) == VB_OK
               ? VB_OK
               : vb_fail(err, VB_CORRUPT, "the manifest key %.32s is none", id);
}

static enum vb_status read_key(struct vb_pg *pg, const char *sql, const char *id,
                               unsigned char ret_key[VB_ED25519_KEY], struct vb_error *err)
{
    struct vb_pg_args args = {0};
    PGresult *row = NULL;
    vb_args_text(&args, id);
    enum vb_status status = vb_args_query(pg, sql, &args, &row, err);
    if (status != VB_OK)
        return status;
    status = PQntuples(row) == 1 ? decode(vb_pg_value(row, 0, 0), id, ret_key, err)
                                 : vb_fail(err, VB_NOT_FOUND, "there is no manifest key %.32s", id);
    PQclear(row);
    return status;
}

enum vb_status vb_manifest_key_private(struct vb_pg *pg, const char *id,
                                       unsigned char ret_private[VB_ED25519_KEY],
                                       struct vb_error *err)
{
    return read_key(
        pg, "SELECT encode(private_key, 'hex') FROM verbatim.manifest_key WHERE key_id = $1", id,
        ret_private, err);
}

enum vb_status vb_manifest_key_public(struct vb_pg *pg, const char *id,
                                      unsigned char ret_public[VB_ED25519_KEY],
                                      struct vb_error *err)
{
    return read_key(pg,
                    "SELECT encode(public_key, 'hex') FROM verbatim.manifest_key WHERE key_id = $1",
                    id, ret_public, err);
}

enum vb_status vb_manifest_key_each(struct vb_pg *pg,
                                    enum vb_status (*tell)(void *context, const char *id,
                                                           const char *created_at,
                                                           const unsigned char *public_key,
                                                           struct vb_error *err),
                                    void *context, struct vb_error *err)
{
    static const char all[] = "SELECT key_id, created_at, encode(public_key, 'hex')"
                              " FROM verbatim.manifest_key ORDER BY created_at DESC, key_id";
    const struct vb_pg_args none = {0};
    PGresult *rows = NULL;
    enum vb_status status = vb_args_query(pg, all, &none, &rows, err);
    for (int i = 0; status == VB_OK && i < PQntuples(rows); i++) {
        unsigned char key[VB_ED25519_KEY];
        const char *id = vb_pg_value(rows, i, 0);
        status = decode(vb_pg_value(rows, i, 2), id, key, err);
        if (status == VB_OK)
            status = tell(context, id, vb_pg_value(rows, i, 1), key, err);
    }
    PQclear(rows);
    return status;
}
