/* What few platforms have, put into the demo's tables: statements, run behind the rows.
 *
 * Constant texts, nothing to own, any thread, no errors of their own. Each is one or several
 * statements of the transaction that has made the tables; the same rows give the same marks.
 */
#ifndef VERBATIM_COMMAND_DEMO_RARE_H
#define VERBATIM_COMMAND_DEMO_RARE_H

/* Behind the rows, before their keys and indexes: `message` is made anew with its marks, and the
 * relations participant, reaction and revision are made and filled. */
extern const char vb_demo_rare_rows[];
/* Behind the keys and indexes. */
extern const char vb_demo_rare_indexes[];

#endif
