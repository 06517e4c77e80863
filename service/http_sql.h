/* Every statement the HTTP front end sends, in one table. */
#ifndef VERBATIM_SERVICE_HTTP_SQL_H
#define VERBATIM_SERVICE_HTTP_SQL_H

#include "pg_pool.h"

/* To Verbatim's own database; results are binary. */
enum http_sql {
    HTTP_SQL_ENTER,       /* $1 workspace: the transaction is its and no other's */
    HTTP_SQL_ENTER_WRITE, /* the same, with limits on waiting for locks */
    HTTP_SQL_KEY,         /* $1 key id, $2 workspace, $3 scope */
    HTTP_SQL_WORKSPACE,   /* the same, and the workspace's settings */
    HTTP_SQL_JOB,         /* the same, and $4 the job */
    HTTP_SQL_CREATE,
    HTTP_SQL_ACTIVE,
    HTTP_SQL_TOUCH,
    HTTP_SQL_SECRETS,
    HTTP_SQL_PING,
    HTTP_SQL_AS_WORKER,
    HTTP_SQL_GAUGES,
    HTTP_SQL_COUNT
};
extern const struct pg_statement http_sql[HTTP_SQL_COUNT];

/* To the source; its statements come from the contract, results are text. */
enum http_source_sql { HTTP_SOURCE_BY_ID, HTTP_SOURCE_BY_PHONE, HTTP_SOURCE_COUNT };

/* Columns that HTTP_SQL_KEY, _WORKSPACE and _JOB begin with. */
enum { KEY_HOME, KEY_HASH, KEY_SCOPE, KEY_COLUMNS };
/* What follows in HTTP_SQL_WORKSPACE. */
enum { WORKSPACE_ZONE = KEY_COLUMNS, WORKSPACE_SOURCE, WORKSPACE_PROFILE };
/* What follows in HTTP_SQL_JOB. */
enum {
    JOB_STATUS = KEY_COLUMNS,
    JOB_CHANNEL,
    JOB_START,
    JOB_END,
    JOB_ERROR,
    JOB_CREATED,
    JOB_FINISHED,
    JOB_EXPIRES,
    JOB_KEY,
    JOB_DELETED
};

#endif
