/* The build's version, in an object of its own so that another number rebuilds nothing else. */
#include "verbatim/version.h"

const char vb_version_number[] = VB_VERSION;
const char vb_version_revision[] = VB_REVISION;
