/* The reader's session settings, the one place that has them: see source.h.
 *
 * Why each of them:
 * - read only: this side never writes, whatever a view's functions try.
 * - UTC: a timestamp without zone that a view casts to timestamptz means the same everywhere.
 * - jit and parallel workers cost more to start than a page costs to read, and workers give no
 *   order.
 * - custom plans: planning is half a millisecond for a page of thousands of rows; a generic plan
 *   that turned bad would stay for the connection's life.
 * - seqscan, bitmapscan: without fresh statistics the planner scans all messages once for each
 *   conversation. These only put a penalty on such nodes: a view over a small table without an
 *   index is still read, and right. Hash and merge joins stay as they are, since a view may be
 *   right to use them.
 * - incremental sort: by an index of created_at alone it promises the order's first half for
 *   nothing, and the planner then reads that index from its beginning once for each conversation,
 *   where a dozen rows looked up and sorted would do. Servers older than 13 have neither it nor
 *   the setting.
 * - whole sorts are left alone, however rarely a page needs one. A penalty on them falls on orders
 *   within a view too (ARRAY(SELECT ... ORDER BY id)), and then a primary key is read from end to
 *   end for each message rather than sort its two rows.
 * - standard_conforming_strings: literals are quoted for it, and a server may have it off.
 * - statement_timeout: a page is given up after VB_PAGE_STALL anyway; this one ends a stuck server.
 */
#include "verbatim/source.h"

/* As PQserverVersion counts: 13.0. */
#define HAS_INCREMENTAL_SORT 130000

#define SET(scope, name, value) "SET " scope name " = " value ";"
#define SETTINGS(scope)                                                                            \
    SET(scope, "TimeZone", "'UTC'")                                                                \
    SET(scope, "jit", "off")                                                                       \
    SET(scope, "max_parallel_workers_per_gather", "0")                                             \
    SET(scope, "plan_cache_mode", "force_custom_plan")                                             \
    SET(scope, "enable_seqscan", "off")                                                            \
    SET(scope, "enable_bitmapscan", "off")                                                         \
    SET(scope, "standard_conforming_strings", "on")                                                \
    SET(scope, "statement_timeout", "'120s'")
#define NO_INCREMENTAL_SORT(scope) SET(scope, "enable_incremental_sort", "off")
#define SESSION SETTINGS("SESSION ") SET("SESSION ", "default_transaction_read_only", "on")
#define TRANSACTION "BEGIN READ ONLY;" SETTINGS("LOCAL ")

const char *vb_source_settings(enum vb_source_scope scope, int server_version)
{
    static const char *const texts[][2] = {
        [VB_SOURCE_SESSION] = {SESSION, SESSION NO_INCREMENTAL_SORT("SESSION ")},
        [VB_SOURCE_TRANSACTION] = {TRANSACTION, TRANSACTION NO_INCREMENTAL_SORT("LOCAL ")},
    };
    return texts[scope][server_version >= HAS_INCREMENTAL_SORT];
}

/* The penalties are left out: how messages are joined is the planner's to say, since a count may be
 * of a few conversations or of all there are. pg_settings tells what a server of any age knows. */
const char *vb_source_count_settings(void)
{
    /* clang-format off */
    return "SELECT pg_catalog.set_config(s.name, v.value, true)"
           " FROM (VALUES ('TimeZone', 'UTC'),"
           " ('jit', 'off'),"
           " ('enable_incremental_sort', 'off')) v (name, value)"
           " JOIN pg_catalog.pg_settings s ON s.name = v.name";
    /* clang-format on */
}

/* With the penalties on reading a table from end to end all plans would cost the same in the
 * planner's eyes. A nested loop is what would read it once for each conversation, and that a
 * statistic may be wrong about. */
const char *vb_source_stretch_settings(void)
{
    return SET("LOCAL ", "enable_seqscan", "on") SET("LOCAL ", "enable_bitmapscan", "on")
        SET("LOCAL ", "enable_nestloop", "off") SET("LOCAL ", "statement_timeout", "'600s'");
}
