/* A plain connection to the source, for looks at its catalogue; the reader has sessions of its
 * own. */
#include "pg.h"

#include <string.h>

enum vb_status vb_pg_connect_source(const char *connection_string, const char *application_name,
                                    PGconn **ret_connection, struct vb_error *err)
{
    struct vb_pg_keywords keywords = vb_pg_keywords(connection_string, application_name);
    for (size_t i = 0; keywords.names[i]; i++)
        if (strcmp(keywords.names[i], "target_session_attrs") == 0)
            keywords.values[i] = "any";
    PGconn *connection = PQconnectdbParams(keywords.names, keywords.values, 1);
    if (connection && PQstatus(connection) == CONNECTION_OK) {
        *ret_connection = connection;
        return VB_OK;
    }
    enum vb_status status = vb_pg_fail(err, connection, NULL);
    PQfinish(connection);
    return status;
}
