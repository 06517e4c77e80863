/**
 * The audit: who exported what when, through which door, and who downloaded it. Filters are in the address.
 *
 * Pages by cursor, the newest first. "Download CSV" is all of what the filters leave, not only what is on the page.
 */
import {button, el, fill, icon, linkButton, said} from "../lib/dom.js";
import {get, isAbort, path, url} from "../lib/api.js";
import {formatWords, rangeWords, subjectOf} from "../lib/export_words.js";
import {selectField, textField} from "../lib/fields.js";
import {time, zoneWords} from "../lib/format.js";
import {announce, warn} from "../lib/notice.js";
import {hasIncludes} from "../lib/order.js";
import {facts, mark} from "../lib/parts.js";
import {href, setQuery} from "../lib/router.js";
import {session} from "../lib/session.js";
import {empty, errorWords, heading, load} from "../lib/states.js";
import {hasText, t, word} from "../lib/texts.js";

const PAGE = 50;
const NAMES = ["author", "kind", "door", "format", "from", "to"];
const DOORS = ["native", "console", "main", "app", "v1", "v3"];
const KINDS = ["job", "direct"];

function fieldsOf(query) {
    const choice = (name, label, values, words) => selectField({
        label, value: query.get(name) || "", options: [["", t("filter.any")], ...values.map(value => [value, words(value)])]});
    const text = (name, label, type) => textField({label, type, value: query.get(name) || "", spellcheck: "false",
                                                   autocapitalize: "off"});
    return {
        author: text("author", t("audit.author"), "text"),
        kind: choice("kind", t("audit.kind"), KINDS, value => t(`audit.kind.${value}`)),
        door: choice("door", t("audit.door"), DOORS, value => word("door", value)),
        format: choice("format", t("filter.format"), session.formats, value => word("format", value)),
        from: text("from", t("audit.from"), "date"),
        to: text("to", t("audit.to"), "date"),
    };
}

function filtersOf(query, changed) {
    const fields = fieldsOf(query);
    const values = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.input.value.trim()])
        .filter(([, value]) => value));
    const clear = button(t("filter.clear"), {kind: "quiet", onclick: () => {
        for (const field of Object.values(fields))
            field.input.value = "";
        apply();
        fields.author.input.focus();
    }});
    const apply = () => {
        clear.hidden = Object.keys(values()).length === 0;
        changed(values());
    };
    for (const field of Object.values(fields))
        field.input.addEventListener("change", apply);
    clear.hidden = Object.keys(values()).length === 0;
    const node = el("details", {class: "filters", open: NAMES.some(name => query.get(name))},
                    el("summary", {}, icon("search"), el("span", {}, t("filter.title"))),
                    el("form", {class: "filter-fields", onsubmit: event => event.preventDefault()},
                       Object.values(fields).map(field => field.node), clear));
    return {node, values, fields};
}

function what(entry) {
    const {kind, name} = subjectOf({specification: entry.specification, subject: entry.subject});
    return name ? [kind, ": ", said(name)] : kind;
}

function downloads(entry) {
    const list = entry.downloads || [];
    if (list.length === 0)
        return el("p", {class: "fine"}, t("audit.notDownloaded"));
    return el("details", {class: "downloads"}, el("summary", {}, t("audit.downloads", {n: list.length})),
              el("ul", {}, list.map(each => el("li", {class: "fine"}, time(each.at), " ",
                                               each.by ? [t("row.by"), " ", said(each.by)] : t("audit.byLink")))));
}

function row(entry) {
    const {specification: wanted} = entry;
    const include = wanted.include && hasIncludes(wanted) ? wanted.include.map(each => word("include", each)).join(", ") : null;
    return el("li", {class: "row stack"},
        el("div", {class: "row-head"}, el("h2", {}, what(entry)),
           entry.status && mark(entry.status, hasText(`status.${entry.status}`) ? word("status", entry.status) : entry.status)),
        facts([
            [t("audit.when"), time(entry.at)],
            [t("audit.author"), said(entry.author)],
            [t("audit.range"), wanted.select.conversation_ids ? null : rangeWords(wanted.filter)],
            [t("filter.format"), formatWords(wanted)],
            [t("audit.include"), include],
            [t("audit.door"), word("door", entry.door)],
            [t("audit.records"), entry.records === null || entry.records === undefined ? t("audit.recordsNone")
                : t("amount.conversations", {n: entry.records})],
        ]),
        downloads(entry),
        entry.deleted && el("p", {class: "fine"}, t("audit.deleted"), " ", time(entry.deleted.at),
                            entry.deleted.by && [" ", t("row.by"), " ", said(entry.deleted.by)]),
        entry.export_id && !entry.deleted && el("p", {}, el("a", {href: href("exports", entry.export_id)}, t("audit.toExport"))));
}

class Audit {
    constructor(filters, signal) {
        this.filters = filters;
        this.signal = signal;
        this.place = el("div", {class: "list"});
        this.csv = linkButton(t("audit.csv"), "", {picture: "download", download: true});
        this.list = el("ul", {class: "rows audit"});
        this.older = button(t("audit.older"), {onclick: () => this.loadOlder()});
        this.link();
    }

    link() {
        this.csv.href = url(path("audit.csv"), this.filters().values());
    }

    fetch(cursor = null) {
        return get(path("audit"), {...this.filters().values(), limit: PAGE, cursor}, this.signal);
    }

    /* The answer to an older question may come last: only that of the newest one is shown. */
    async draw() {
        const mine = this.asked = {};
        const page = await this.fetch();
        if (mine !== this.asked)
            return [...this.place.childNodes];
        this.cursor = page.next_cursor;
        this.older.hidden = !this.cursor;
        fill(this.list, page.entries.map(row));
        announce(t("audit.shown", {n: page.entries.length}));
        if (page.entries.length > 0)
            return [this.list, this.older];
        const isFiltered = Object.keys(this.filters().values()).length > 0;
        return [empty(t(isFiltered ? "list.nothing" : "audit.none"), t(isFiltered ? "list.nothingText" : "audit.noneText"))];
    }

    load() {
        this.link();
        return load(this.place, () => this.draw(), this.signal);
    }

    async loadOlder() {
        if (this.isLoading)
            return;
        this.isLoading = true;
        const mine = this.asked;
        try {
            const page = await this.fetch(this.cursor);
            if (mine !== this.asked)
                return;
            const rows = page.entries.map(row);
            this.cursor = page.next_cursor;
            this.list.append(...rows);
            this.older.hidden = !this.cursor;
            announce(t("audit.more", {n: rows.length}));
            if (this.older.hidden && rows.length > 0) {
                rows[0].tabIndex = -1;
                rows[0].focus();
            }
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        } finally {
            this.isLoading = false;
        }
    }
}

export async function show({root, route, signal}) {
    const filters = filtersOf(route.query, values => {
        setQuery(route, values);
        audit.load();
    });
    const audit = new Audit(() => filters, signal);
    root.append(heading(t("nav.audit"), audit.csv), el("p", {class: "fine intro"}, t("audit.intro")), filters.node, audit.place,
                el("p", {class: "fine zone"}, t("list.zone", {zone: zoneWords()}), " ",
                   t("audit.dayZone", {zone: session.workspace.time_zone})));
    await audit.load();
}
