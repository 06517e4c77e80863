/* Prints the statements of the front end to Verbatim's own database, so that a test can ask for
 * their plans: name and number of parameters in a line, then the text, then a line with a dot. */
#include "api/sql.h"

#include <stdio.h>

int main(void)
{
    struct vb_pg_statement_set sets[VB_PG_STATEMENT_SETS];
    vb_api_sql_sets(sets);
    for (size_t i = 0; i < VB_PG_STATEMENT_SETS && sets[i].statements; i++)
        for (size_t k = 0; k < sets[i].count; k++)
            printf("%s %d\n%s\n.\n", sets[i].statements[k].name, sets[i].statements[k].count,
                   sets[i].statements[k].sql);
    return 0;
}
