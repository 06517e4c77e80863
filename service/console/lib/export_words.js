/**
 * An export in words: what it holds, how it stands, how far it is. Pure; the resource is the API's.
 */
import {count, day, instant, moment, size, span} from "./format.js";
import {hasText, t, word} from "./texts.js";

export const isActive = item => item.status === "queued" || item.status === "started";

/** Whether its file has gone: nothing can be downloaded any more, and only asking again helps. */
export function isExpired(item, now = Date.now()) {
    const isOver = Boolean(item.expires_at) && instant(item.expires_at).getTime() <= now;
    return item.status === "finished" && (isOver || item.files.length === 0);
}

/** Whether the file is there. */
export const hasFile = item => item.status === "finished" && !isExpired(item);

/** The link to hand on: Verbatim's own, null when it was revoked; where there are none, that of the storage. */
export const linkOf = item => "link" in item ? item.link : item.download_url;

/** The status that people see: the API's five, and "expired". */
export const standing = item => isExpired(item) ? "expired" : item.status;

/** The name of its file, or what it will be of. */
export const nameOf = item => item.name || item.files[0]?.name || t("export.unnamed", {id: item.export_id.slice(0, 8)});

/** Bytes of all its files; null while there are none. */
export const sizeOf = item => item.files.length ? item.files.reduce((sum, file) => sum + file.size, 0) : null;

/** {kind, name}: kind is a word for the badge ("Assistant"), name is of people, or null. */
export function subjectOf(item) {
    const select = item.specification.select;
    if (select.all)
        return {kind: t("what.all"), name: null};
    if (select.conversation_ids)
        return {kind: t("what.ids", {n: select.conversation_ids.length}), name: null};
    const member = ["assistant_id", "channel_id", "contact_id", "phone_number"].find(each => each in select);
    return {kind: t(`what.${member}`), name: item.subject || select[member]};
}

/** "1 Feb 2026 to 28 Feb 2026"; instants are shown in the viewer's zone. */
export function rangeWords(filter = {}) {
    const one = text => text.includes("T") ? moment(instant(text)) : day(text);
    if (filter.from && filter.to)
        return t("range.both", {from: one(filter.from), to: one(filter.to)});
    if (filter.from)
        return t("range.from", {from: one(filter.from)});
    return filter.to ? t("range.to", {to: one(filter.to)}) : t("range.none");
}

/** "CSV, a row a message": format and layout. */
export function formatWords(specification) {
    const format = word("format", specification.format);
    const {layout} = specification;
    return layout && hasText(`layout.${layout}`) ? `${format}, ${t(`layout.${layout}`)}` : format;
}

/** "3,120 of 40,000 conversations, about 2 s left": as much of it as is known. */
export function progressWords(item) {
    if (item.status === "queued")
        return t(hasText(`waiting.${item.waiting_for}`) ? `waiting.${item.waiting_for}` : "waiting.turn");
    const {conversations_done: done, conversations_total: total} = item.progress;
    const {eta_seconds: eta, bytes_written: bytes} = item.progress;
    const words = total ? t("progress.of", {done, n: total}) : t("progress.done", {n: done});
    const left = eta !== null && eta !== undefined ? t("progress.left", {span: span(eta)}) : null;
    return [words, left || (bytes ? t("progress.bytes", {size: size(bytes)}) : null)].filter(Boolean).join(", ");
}

/** Part of the whole between 0 and 1, or null when the whole is not counted yet. */
export function progressPart(item) {
    const {conversations_done: done, conversations_total: total} = item.progress;
    return item.status === "started" && total ? Math.min(1, done / total) : null;
}

/** "1,250 conversations, 9,120 messages" of a finished one. */
export function amountWords(item) {
    const {conversations_done: conversations, messages_done: messages} = item.progress;
    return t("amount", {conversations: t("amount.conversations", {n: conversations}),
                        messages: t("amount.messages", {n: messages})});
}

/** What a preview says of an export before it is made: how much it is, and how long it takes where that is known. */
export function estimateWords({conversations, messages, estimated_bytes: bytes, estimated_seconds: seconds}) {
    const words = t("order.estimate", {conversations: t("amount.conversations", {n: conversations}),
                                       messages: t("amount.messages", {n: messages}), size: size(bytes)});
    return seconds ? `${words} ${t("order.estimateTime", {span: span(seconds)})}` : words;
}

/* What a failure's words point at, and the advice that helps with it. The first that fits counts. */
const ADVICE = [
    [/storage|bucket|upload|s3|access ?denied|disk|space/i, "storage"],
    [/source|database|connect|server closed|timeout|timed out/i, "source"],
    [/too (large|big|many)|limit|at most/i, "large"],
];

/** What a person can do about a failure, in a sentence. */
export function adviceFor(message) {
    const [, name] = ADVICE.find(([pattern]) => pattern.test(message || "")) || [null, "other"];
    return t(`advice.${name}`);
}

export const attemptsWords = item => t("export.attempts", {n: item.attempts, count: count(item.attempts)});
