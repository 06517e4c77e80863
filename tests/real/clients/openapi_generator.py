"""From POST to download by the client that openapi-generator's python made: both doors, then a refusal."""

import datetime
import json
import os
import pathlib
import time
import urllib.request

import verbatim_client as verbatim

WORKSPACE = os.environ["WORKSPACE"]
configuration = verbatim.Configuration(host=os.environ["BASE"], api_key={"apiKey": os.environ["KEY"]})
with verbatim.ApiClient(configuration) as client:
    exports = verbatim.ExportsApi(client)
    wanted = verbatim.Specification(select=verbatim.Selection(all=True), format=verbatim.ExportFormat.NDJSON)
    export = exports.create_export(WORKSPACE, wanted)
    while export.status != verbatim.ExportStatus.FINISHED:
        export = exports.read_export(WORKSPACE, str(export.export_id), prefer="wait=20")
    pathlib.Path("native").write_bytes(exports.download_export(WORKSPACE, str(export.export_id)))

    jobs = verbatim.ConversationExportApi(client)
    job = jobs.create_conversation_export(WORKSPACE, verbatim.ConversationExportRequest(
        channel_id=os.environ["CHANNEL"], start_date=datetime.date(2026, 1, 1), end_date=datetime.date(2026, 6, 30)))
    while True:
        polled = jobs.read_conversation_export(WORKSPACE, str(job.export_job_id))
        if polled.status == verbatim.ExportJobStatus.FINISHED:
            break
        time.sleep(0.05)
    with urllib.request.urlopen(polled.presigned_url) as answer:
        pathlib.Path("main").write_bytes(answer.read())

    try:
        exports.create_export(WORKSPACE, verbatim.Specification(select=verbatim.Selection()))
    except verbatim.ApiException as error:
        print(error.status, json.loads(error.body)["detail"][0]["loc"][1])
