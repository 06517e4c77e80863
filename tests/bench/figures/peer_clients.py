"""What other programs do with the same rows, run by peers.py in its virtual environment: one file in a bucket.

usage: peer_clients.py NAME; the environment says from where and whereto: PEER_HOST, PEER_PORT, PEER_DATABASE,
PEER_VIEW (of the joined rows), PEER_QUERY (the same in the export's order), PEER_ENDPOINT (HOST:PORT of the store),
PEER_BUCKET, PEER_FOLDER (a scratch one), AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
"""

import os
import pathlib
import sys

E = os.environ


def duckdb_to(name, how):
    import duckdb
    import duckdb_extension_httpfs
    import duckdb_extension_postgres
    connection = duckdb.connect()
    for package, extension in ((duckdb_extension_postgres, "postgres_scanner"), (duckdb_extension_httpfs, "httpfs")):
        [path] = pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension")
        named = pathlib.Path(E["PEER_FOLDER"], f"{extension}.duckdb_extension")  # LOAD takes its entry from the name
        named.unlink(missing_ok=True)
        named.symlink_to(path)
        connection.execute(f"LOAD '{named}'")
    connection.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{E['AWS_ACCESS_KEY_ID']}', "
                       f"SECRET '{E['AWS_SECRET_ACCESS_KEY']}', ENDPOINT '{E['PEER_ENDPOINT']}', URL_STYLE 'path', "
                       "USE_SSL false, REGION 'us-east-1')")
    connection.execute(f"ATTACH 'host={E['PEER_HOST']} port={E['PEER_PORT']} user=postgres dbname={E['PEER_DATABASE']}'"
                       " AS platform (TYPE postgres, READ_ONLY)")
    connection.execute(f"COPY (SELECT * FROM postgres_query('platform', $q${E['PEER_QUERY']}$q$)) "
                       f"TO 's3://{E['PEER_BUCKET']}/{name}' ({how})")


def chdb_csv():
    import chdb
    chdb.query(f"INSERT INTO FUNCTION s3('http://{E['PEER_ENDPOINT']}/{E['PEER_BUCKET']}/chdb.csv.gz', "
               f"'{E['AWS_ACCESS_KEY_ID']}', '{E['AWS_SECRET_ACCESS_KEY']}', 'CSV') "
               f"SELECT * FROM postgresql('{E['PEER_HOST']}:{E['PEER_PORT']}', '{E['PEER_DATABASE']}', "
               f"'{E['PEER_VIEW']}', 'postgres', '', 'chat') SETTINGS s3_truncate_on_insert = 1")


def adbc_csv():
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow
    from pyarrow import csv, fs
    store = fs.S3FileSystem(access_key=E["AWS_ACCESS_KEY_ID"], secret_key=E["AWS_SECRET_ACCESS_KEY"], scheme="http",
                            endpoint_override=E["PEER_ENDPOINT"], region="us-east-1")
    url = f"postgresql://postgres@{E['PEER_HOST']}:{E['PEER_PORT']}/{E['PEER_DATABASE']}"
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(E["PEER_QUERY"])
        batches = cursor.fetch_record_batch()
        with store.open_output_stream(f"{E['PEER_BUCKET']}/adbc.csv.gz", compression=None) as sink, \
                pyarrow.CompressedOutputStream(sink, "gzip") as packed, csv.CSVWriter(packed, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


CLIENTS = {"duckdb csv.gz": lambda: duckdb_to("duckdb.csv.gz", "FORMAT csv, COMPRESSION gzip"),
           "duckdb parquet": lambda: duckdb_to("duckdb.parquet", "FORMAT parquet"),
           "chdb csv.gz": chdb_csv, "adbc pyarrow csv.gz": adbc_csv}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]]()
