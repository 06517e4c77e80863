/* A plain connection to the source, for looks at its catalogue; the reader has sessions of its
 * own. */
#include "pg.h"

enum vb_status vb_pg_connect_source(const char *connection_string, const char *application_name,
                                    PGconn **ret_connection, struct vb_error *err)
{
    const struct vb_postgres_recipe recipe = {.connection_string = connection_string,
                                              .application_name = application_name,
                                              .server = VB_POSTGRES_ANY};
    return vb_postgres_connect(&recipe, ret_connection, err);
}
