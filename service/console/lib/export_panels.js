/**
 * The parts of one export's page, each drawn from its resource; what does not apply is null.
 */
import {button, el, said} from "./dom.js";
import {get, isAbort, path, post} from "./api.js";
import {ask} from "./dialog.js";
import {copy} from "./clipboard.js";
import {adviceFor, amountWords, attemptsWords, formatWords, hasFile, isActive, isExpired, linkOf, rangeWords,
        subjectOf} from "./export_words.js";
import {count, size, time} from "./format.js";
import {hasIncludes} from "./order.js";
import {tell, warn} from "./notice.js";
import {may} from "./session.js";
import {errorWords} from "./states.js";
import {hasText, t, word} from "./texts.js";

/* Rows of term and description; those without a description are left out. */
function facts(rows) {
    return el("dl", {class: "facts"}, rows.filter(([, what]) => what !== null && what !== undefined && what !== false)
        .map(([name, what]) => el("div", {}, el("dt", {}, name), el("dd", {}, what))));
}

function section(title, ...content) {
    return el("section", {class: "panel"}, el("h2", {}, title), content);
}

export function notesOf(item) {
    const notes = [];
    if (item.status === "failed")
        notes.push(el("div", {class: "callout bad"}, el("p", {}, said(item.error_message || t("export.noReason"))),
                      el("p", {}, adviceFor(item.error_message))));
    if (isExpired(item))
        notes.push(el("p", {class: "callout"}, t("export.expiredText")));
    if (item.incomplete)
        notes.push(el("p", {class: "callout warn"}, said(item.incomplete)));
    if (item.media_failed > 0)
        notes.push(el("p", {class: "callout warn"}, t("export.mediaFailed", {n: item.media_failed})));
    if (item.status === "finished" && item.progress.conversations_done === 0)
        notes.push(el("p", {class: "callout"}, t("export.nothing")));
    return notes;
}

function asJson(json) {
    return el("details", {class: "json"}, el("summary", {}, t("export.json")),
              el("pre", {tabindex: "0", dir: "ltr"}, json),
              button(t("export.copyJson"), {picture: "link", kind: "small",
                                            onclick: () => copy(json, t("export.jsonCopied"))}));
}

export function asked(item) {
    const {specification: wanted} = item;
    const {kind, name} = subjectOf(item);
    const included = wanted.include?.map(each => word("include", each)).join(", ");
    const json = JSON.stringify(wanted, null, 2);
    return section(t("export.asked"), facts([
        [t("export.what"), name ? [kind, ": ", said(name)] : kind],
        [t("export.range"), wanted.select.conversation_ids ? null : rangeWords(wanted.filter)],
        [t("export.narrowed"), wanted.filter?.completed_only ? t("export.completedOnly") : null],
        [t("export.narrowed"), wanted.filter?.activity ? t("export.activity") : null],
        [t("export.tags"), wanted.filter?.tags ? said(wanted.filter.tags.join(", ")) : null],
        [t("export.format"), formatWords(wanted)],
        [t("export.packaging"), word("order.files", wanted.files)],
        [t("export.include"), hasIncludes(wanted) ? included : null],
        [t("export.by"), said(item.requested_by)],
        [t("export.door"), item.door && word("door", item.door)],
        [t("export.asOf"), item.as_of && time(item.as_of)],
    ]), asJson(json));
}

export function files(item) {
    if (item.files.length === 0)
        return null;
    const list = item.files.map(file => el("li", {}, el("p", {class: "file-name"}, said(file.name)),
        el("p", {class: "meta"}, el("span", {}, size(file.size)), el("span", {}, file.content_type),
           file.crc32 && el("span", {}, `CRC-32 ${file.crc32}`))));
    return section(t("export.files"), el("ul", {class: "files"}, list), facts([
        [t("export.holds"), amountWords(item)],
        [t("export.keptUntil"), item.expires_at && time(item.expires_at)],
    ]));
}

export function work(item) {
    const {recorded, running, waiting} = item.segments;
    if (recorded + running + waiting < 2 && item.attempts === 0)
        return null;
    const parts = {recorded: count(recorded), running: count(running), waiting: count(waiting)};
    return section(t("export.work"), facts([
        [t("export.segments"), t("export.segmentWords", parts)],
        [t("export.repeated"), item.attempts > 0 ? attemptsWords(item) : null],
    ]));
}

export function mail(item) {
    const to = item.specification.notification_email;
    if (!to && !item.notification)
        return null;
    return section(t("export.mail"), facts([
        [t("export.mailTo"), to && said(to)],
        [t("export.mailState"), word("mail", item.notification || (isActive(item) ? "later" : "none"))]]));
}

export function link(item, handlers, signal) {
    if (!hasFile(item) || !may("download"))
        return null;
    const address = linkOf(item);
    const until = item.link ? item.link_expires_at : item.download_url_expires_at;
    const call = async (name, done) => {
        try {
            await post(path("exports", item.export_id, ...name), undefined, {signal});
            handlers.changed(await get(path("exports", item.export_id), {}, signal));
            tell(done);
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        }
    };
    const revoke = async () => {
        const isSure = await ask({title: t("link.revokeTitle"), text: t("link.revokeText"), action: t("link.revoke"),
                                  danger: true});
        if (isSure)
            await call(["links", "revoke"], t("link.revoked"));
    };
    const copyLink = () => copy(address, t("export.linkCopied"));
    const issue = () => call(["links"], t("link.issued"));
    return section(t("link.title"),
        el("p", {class: "hint"}, t(address ? "link.text" : "link.none")),
        address && el("p", {class: "link-line mono", dir: "ltr"}, address),
        facts([[t("link.until"), address && until && time(until)]]),
        el("div", {class: "actions"},
           address && button(t("action.copyLink"), {picture: "link", "data-key": "copy-link", onclick: copyLink}),
           may("manage") && button(t("link.issue"), {picture: "again", "data-key": "issue-link", onclick: issue}),
           may("manage") && address && button(t("link.revoke"), {picture: "stop", kind: "quiet-danger",
                                                                 "data-key": "revoke-link", onclick: revoke})));
}

/* The service may know kinds that this page has no words for. */
const eventWords = kind => hasText(`event.${kind}`) ? t(`event.${kind}`) : kind;

export function timeline(events) {
    const by = event => event.by && [" ", t("event.by"), " ", said(event.by)];
    const items = events.map(event => el("li", {class: `event ${event.kind}`},
        el("p", {}, eventWords(event.kind), by(event)), el("p", {class: "meta"}, time(event.at))));
    return section(t("export.timeline"), el("ol", {class: "timeline"}, items));
}

/* What is known of its life without a history. */
export function knownEvents(item) {
    const ends = {created: item.created_time, started: item.started_time, [item.status]: item.finished_time};
    return Object.entries(ends).filter(([, at]) => at)
        .map(([kind, at]) => ({kind, at, by: kind === "created" ? item.requested_by : null}));
}
