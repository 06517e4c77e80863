/* The source's contract with the clock of its times without zone, as the options have it.
 *
 * Takes the connection of the calling thread, to the source; the contract is the caller's, to free
 * by vb_contract_free. Errors: those of vb_contract_read; VB_INVALID names source_time_zone where
 * this machine or the source's server does not know the zone.
 */
#ifndef VERBATIM_QUEUE_SOURCE_CONTRACT_H
#define VERBATIM_QUEUE_SOURCE_CONTRACT_H

#include "verbatim/source.h"

/* `time_zone` is a name of the IANA database. */
enum vb_status vb_source_contract(PGconn *source, const char *schema, const char *time_zone,
                                  struct vb_contract **ret_contract,
                                  struct vb_error *err) vb_must_check;

#endif
