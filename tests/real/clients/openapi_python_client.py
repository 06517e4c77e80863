"""From POST to download by the client that openapi-python-client made: both doors, then a refusal."""

import datetime
import os
import pathlib
import time
import urllib.request

from verbatim_client import AuthenticatedClient
from verbatim_client.api.conversation_export import create_conversation_export, read_conversation_export
from verbatim_client.api.exports import create_export, download_export, read_export
from verbatim_client.models import (ConversationExportRequest, ExportFormat, ExportJobStatus, ExportStatus, Selection,
                                    Specification)

WORKSPACE = os.environ["WORKSPACE"]
# httpx waits for 5 seconds unless told otherwise, and `Prefer: wait=20` for longer.
client = AuthenticatedClient(base_url=os.environ["BASE"], token=os.environ["KEY"], prefix="",
                             auth_header_name="X-API-Key", timeout=60)
export = create_export.sync(WORKSPACE, client=client, body=Specification(
    select=Selection(all_=True), format_=ExportFormat.NDJSON))
while export.status != ExportStatus.FINISHED:
    export = read_export.sync(WORKSPACE, str(export.export_id), client=client, prefer="wait=20")
file = download_export.sync(WORKSPACE, str(export.export_id), client=client)
pathlib.Path("native").write_bytes(file.payload.read())

job = create_conversation_export.sync(WORKSPACE, client=client, body=ConversationExportRequest(
    channel_id=os.environ["CHANNEL"], start_date=datetime.date(2026, 1, 1), end_date=datetime.date(2026, 6, 30)))
while True:
    polled = read_conversation_export.sync(WORKSPACE, str(job.export_job_id), client=client)
    if polled.status == ExportJobStatus.FINISHED:
        break
    time.sleep(0.05)
with urllib.request.urlopen(polled.presigned_url) as answer:
    pathlib.Path("main").write_bytes(answer.read())

refused = create_export.sync_detailed(WORKSPACE, client=client, body=Specification(select=Selection()))
print(refused.status_code.value, refused.parsed.detail[0].loc[1])
