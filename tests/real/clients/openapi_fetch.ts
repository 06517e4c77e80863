// From POST to download by openapi-fetch with the types of openapi-typescript: both doors, then a refusal.
import createClient from "openapi-fetch";
import type { paths } from "./schema";
import { env, save, sleep } from "./shared";

const client = createClient<paths>({ baseUrl: env("BASE"), headers: { "X-API-Key": env("KEY") } });
const exports = "/api/v1/workspace/{workspace_id}/exports";
const path = { workspace_id: env("WORKSPACE") };

const created = await client.POST(exports, { params: { path }, body: { select: { all: true }, format: "ndjson" } });
let exported = created.data!;
const one = { ...path, export_id: exported.export_id };
while (exported.status !== "finished")
  exported = (await client.GET(`${exports}/{export_id}`, {
    params: { path: one, header: { Prefer: "wait=20" } },
  })).data!;
const file = await client.GET(`${exports}/{export_id}/download`, { params: { path: one }, parseAs: "arrayBuffer" });
await save("native", file.data!);

const jobs = "/api/v1/workspace/{workspace_id}/export-conversations";
const job = await client.POST(jobs, {
  params: { path }, body: { channel_id: env("CHANNEL"), start_date: "2026-01-01", end_date: "2026-06-30" },
});
for (;;) {
  const polled = await client.GET(`${jobs}/{export_job_id}`, {
    params: { path: { ...path, export_job_id: job.data!.export_job_id } },
  });
  if (polled.data?.status === "finished" && polled.data.presigned_url) {
    await save("main", await (await fetch(polled.data.presigned_url)).arrayBuffer());
    break;
  }
  await sleep(50);
}

const refused = await client.POST(exports, { params: { path }, body: { select: {} } });
if (refused.error && Array.isArray(refused.error.detail))
  console.log(refused.response.status, refused.error.detail[0]?.loc[1]);
