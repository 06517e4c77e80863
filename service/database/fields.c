/* Fields of binary results, as the HTTP handlers read them. Pure; views live as long as the
 * result. */
#include "pool.h"

#include <endian.h>
#include <string.h>

bool vb_pg_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) == 1;
}

struct vb_view vb_pg_view(const PGresult *result, int row, int column)
{
    if (vb_pg_null(result, row, column))
        return (struct vb_view){NULL, 0};
    return (struct vb_view){PQgetvalue(result, row, column),
                            (size_t)PQgetlength(result, row, column)};
}

int64_t vb_pg_integer(const PGresult *result, int row, int column)
{
    struct vb_view bytes = vb_pg_view(result, row, column);
    int64_t value = 0;
    if (bytes.length == 8) {
        uint64_t wide;
        memcpy(&wide, bytes.data, sizeof(wide));
        value = (int64_t)be64toh(wide);
    } else if (bytes.length == 4) {
        uint32_t narrow;
        memcpy(&narrow, bytes.data, sizeof(narrow));
        value = (int32_t)be32toh(narrow);
    } else if (bytes.length == 2) {
        uint16_t narrow;
        memcpy(&narrow, bytes.data, sizeof(narrow));
        value = (int16_t)be16toh(narrow);
    }
    return value;
}

bool vb_pg_boolean(const PGresult *result, int row, int column)
{
    struct vb_view bytes = vb_pg_view(result, row, column);
    return bytes.length == 1 && bytes.data[0] == 1;
}
