/* A SELECT list and the names of its columns from one table, so that the two cannot part: a column
 * may be added anywhere in it.
 *
 *     #define FRUIT(FIRST, NEXT) FIRST(FRUIT_ID, "f.id") NEXT(FRUIT_NAME, "f.name")
 *     #define FRUIT_LIST VB_COLUMN_LIST(FRUIT)
 *     enum { VB_COLUMN_NAMES(FRUIT) FRUIT_COLUMNS };
 *     "SELECT " FRUIT_LIST " FROM fruit AS f"
 *
 * The names count from 0; what stands before the list in a statement is added to them. Macros
 * alone: nothing is owned, and nothing can fail.
 */
#ifndef VERBATIM_COLUMNS_H
#define VERBATIM_COLUMNS_H

#define VB_COLUMN_NAMES(table) table(VB_COLUMN_NAME, VB_COLUMN_NAME)
#define VB_COLUMN_LIST(table) table(VB_COLUMN_FIRST, VB_COLUMN_NEXT)

/* For tables that take parameters of their own. */
#define VB_COLUMN_NAME(name, sql) name,
#define VB_COLUMN_FIRST(name, sql) sql
#define VB_COLUMN_NEXT(name, sql) ", " sql

#endif
