// From POST to download by the client that openapi-ts made: both doors, then a refusal.
import { createClient } from "./hey/client";
import { createConversationExport, createExport, downloadExport, readConversationExport, readExport } from "./hey";
import { env, save, sleep } from "./shared";

const key = (auth: { name?: string }) => (auth.name === "X-API-Key" ? env("KEY") : undefined);
const client = createClient({ baseUrl: env("BASE"), auth: key });
const path = { workspace_id: env("WORKSPACE") };

const created = await createExport({
  client, path, body: { select: { all: true }, format: "ndjson" }, throwOnError: true,
});
let exported = created.data;
const one = { ...path, export_id: exported.export_id };
while (exported.status !== "finished")
  exported = (await readExport({ client, path: one, headers: { Prefer: "wait=20" }, throwOnError: true })).data;
const file = await downloadExport({ client, path: one, parseAs: "blob", throwOnError: true });
await save("native", await file.data.arrayBuffer());

const job = await createConversationExport({
  client, path, throwOnError: true,
  body: { channel_id: env("CHANNEL"), start_date: "2026-01-01", end_date: "2026-06-30" },
});
for (;;) {
  const polled = await readConversationExport({
    client, path: { ...path, export_job_id: job.data.export_job_id }, throwOnError: true,
  });
  if (polled.data.status === "finished" && polled.data.presigned_url) {
    await save("main", await (await fetch(polled.data.presigned_url)).arrayBuffer());
    break;
  }
  await sleep(50);
}

const refused = await createExport({ client, path, body: { select: {} } });
if (refused.error && Array.isArray(refused.error.detail))
  console.log(refused.response.status, refused.error.detail[0]?.loc[1]);
