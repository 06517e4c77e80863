// From POST to download by the client that openapi-generator's typescript-fetch made: both doors, then a refusal.
import {
  Configuration, ConversationExportApi, ExportFormat, ExportStatus, ExportsApi, ResponseError,
} from "./typescript_fetch/index";
import { env, save, sleep } from "./shared";

const key = (name: string) => (name === "X-API-Key" ? env("KEY") : "");
const configuration = new Configuration({ basePath: env("BASE"), apiKey: key });
const exports = new ExportsApi(configuration);
const workspaceId = env("WORKSPACE");

let exported = await exports.createExport({
  workspaceId, specification: { select: { all: true }, format: ExportFormat.Ndjson },
});
const exportId = exported.exportId;
while (exported.status !== ExportStatus.Finished)
  exported = await exports.readExport({ workspaceId, exportId, prefer: "wait=20" });
await save("native", await (await exports.downloadExport({ workspaceId, exportId })).arrayBuffer());

const jobs = new ConversationExportApi(configuration);
const job = await jobs.createConversationExport({
  workspaceId,
  conversationExportRequest: {
    channelId: env("CHANNEL"), startDate: new Date("2026-01-01"), endDate: new Date("2026-06-30"),
  },
});
for (;;) {
  const polled = await jobs.readConversationExport({ workspaceId, exportJobId: job.exportJobId });
  if (polled.status === "finished" && polled.presignedUrl) {
    await save("main", await (await fetch(polled.presignedUrl)).arrayBuffer());
    break;
  }
  await sleep(50);
}

try {
  await exports.createExport({ workspaceId, specification: { select: {} } });
} catch (error) {
  if (error instanceof ResponseError) {
    const body = (await error.response.json()) as { detail: { loc: string[] }[] };
    console.log(error.response.status, body.detail[0]?.loc[1]);
  }
}
