/**
 * People: finding a contact by e-mail, phone or name, and exporting everything of that person (Article 15 GDPR).
 *
 * "Everything" is every conversation over all channels of the contact and, by choice, of all contacts with the same
 * e-mail address or phone number. What was searched for is in the address.
 */
import {button, el, fill, said} from "../lib/dom.js";
import {get, isAbort, path, post} from "../lib/api.js";
import {openDialog} from "../lib/dialog.js";
import {estimateWords} from "../lib/export_words.js";
import {checkBox, radioGroup, textField} from "../lib/fields.js";
import {announce, tell} from "../lib/notice.js";
import {boxGroup, facts} from "../lib/parts.js";
import {href, setQuery} from "../lib/router.js";
import {RequestKey, sendOnce} from "../lib/sending.js";
import {session} from "../lib/session.js";
import {empty, errorWords, heading, load} from "../lib/states.js";
import {t, word} from "../lib/texts.js";

const MOST = 20;
const FORMATS = ["html", "pdf", "json", "csv"];
const INCLUDE = ["messages", "customer", "tags", "notes", "events", "skills", "citations", "media", "participants", "reactions",
                 "revisions", "deleted"];
const DEFAULT = ["messages", "customer", "tags"];

const nameOf = contact => contact.name || contact.email || contact.phone || contact.id;

/* One person's export. The Idempotency-Key belongs to what is asked: sent twice it is one export. */
class PersonExport {
    constructor(contact, signal) {
        this.contact = contact;
        this.signal = signal;
        this.key = new RequestKey();
        this.formats = FORMATS.filter(format => session.formats.includes(format));
        this.dialog = openDialog({title: t("people.exportTitle"), isForm: true, onClose: () => this.counting?.abort()});
        signal.addEventListener("abort", () => this.dialog.node.isConnected && this.dialog.close());
        this.draw();
        this.count();
    }

    draw() {
        const {contact} = this;
        this.format = radioGroup({name: "format", legend: t("order.format"), value: this.formats[0],
                                  onChange: () => this.showInclude(),
                                  choices: this.formats.map(value => ({value, label: word("format", value), hint: t(`order.format.${value}`)}))});
        this.include = boxGroup({legend: t("order.include"), hint: t("order.includeHint"), choices: INCLUDE.slice(1).map(value => ({
            value, label: word("include", value), hint: t(`people.include.${value}`), checked: DEFAULT.includes(value)}))});
        this.same = checkBox({label: t("people.same"), hint: t("people.sameHint"), checked: true, onchange: () => this.count()});
        this.estimate = el("p", {class: "estimate"});
        this.problem = el("div", {role: "alert"});
        this.submit = button(t("people.start"), {type: "submit", kind: "primary"});
        this.dialog.body.append(
            facts([[t("people.person"), said(nameOf(contact))], [t("people.email"), contact.email && said(contact.email)],
                   [t("people.phone"), contact.phone && said(contact.phone)]]),
            el("p", {}, t("people.exportText")), this.same.node, this.format.node, this.include.node);
        this.dialog.foot.append(el("div", {class: "foot-words"}, this.problem, this.estimate),
                                button(t("dialog.cancel"), {onclick: () => this.dialog.close()}), this.submit);
        this.dialog.inside.addEventListener("submit", event => {
            event.preventDefault();
            this.send();
        });
        this.showInclude();
        this.dialog.node.querySelector("h2").focus();
    }

    /* A table has its own columns. */
    showInclude() {
        this.include.node.hidden = this.format.value === "csv";
    }

    order() {
        const format = this.format.value;
        return {select: {contact_id: this.contact.id, match: this.same.input.checked ? "identity" : "id"}, format,
                ...(format === "csv" ? {layout: "messages"} : {include: ["messages", ...this.include.values()]})};
    }

    async count() {
        this.counting?.abort();
        this.counting = new AbortController();
        this.estimate.textContent = t("order.counting");
        try {
            const found = await post(path("exports", "preview"), this.order(), {signal: this.counting.signal});
            this.estimate.textContent = found.conversations === 0 ? t("people.nothing") : estimateWords(found);
        } catch (error) {
            if (isAbort(error))
                return;
            this.estimate.textContent = t("order.notCounted", {why: errorWords(error)});
        }
        announce(this.estimate.textContent);
    }

    async send() {
        const item = await sendOnce(this, () => {
            const body = this.order();
            const key = this.key.of(JSON.stringify(body));
            return post(path("exports"), body, {headers: {"Idempotency-Key": key}});
        }, error => fill(this.problem, el("p", {class: "callout bad"}, errorWords(error))));
        if (!item)
            return;
        this.dialog.close();
        tell(t("people.started", {name: nameOf(this.contact)}), el("a", {href: href("exports", item.export_id)}, t("people.toExport")));
    }
}

function row(contact, signal) {
    const name = nameOf(contact);
    const known = [contact.email, contact.phone, contact.company].filter(text => text && text !== name);
    return el("li", {class: "row"},
        el("div", {class: "row-words"}, el("h2", {}, said(name)),
           el("p", {class: "meta"}, known.map(text => said(text, "span")))),
        el("div", {class: "actions", role: "group", "aria-label": t("row.actions", {name})},
           button(t("people.export"), {picture: "download", "data-key": `person-${contact.id}`,
                                       onclick: () => new PersonExport(contact, signal)})));
}

class Search {
    constructor(route, signal) {
        this.route = route;
        this.signal = signal;
        this.place = el("div", {class: "list"});
        this.field = textField({label: t("people.search"), hint: t("people.searchHint"), type: "search", name: "q",
                                value: route.query.get("q") || "", autocomplete: "off", spellcheck: "false",
                                beside: button(t("people.find"), {type: "submit", picture: "search"})});
        this.form = el("form", {class: "search", role: "search", novalidate: true, onsubmit: event => {
            event.preventDefault();
            this.find();
        }}, this.field.node);
    }

    async draw(text) {
        const {contacts, more} = await get(path("contacts"), {q: text, limit: MOST}, this.signal);
        announce(t("people.found", {n: contacts.length}));
        if (contacts.length === 0)
            return [empty(t("people.none"), t("people.noneText"))];
        return [el("ul", {class: "rows"}, contacts.map(contact => row(contact, this.signal))),
                more && el("p", {class: "fine"}, t("people.more", {n: contacts.length}))];
    }

    async find() {
        const text = this.field.input.value.trim();
        this.field.fail(text ? null : t("people.missing"));
        setQuery(this.route, {q: text});
        if (!text) {
            fill(this.place);
            this.field.input.focus();
            return;
        }
        await load(this.place, () => this.draw(text), this.signal);
    }
}

export async function show({root, route, signal}) {
    const search = new Search(route, signal);
    root.append(heading(t("nav.people")), el("p", {class: "fine intro"}, t("people.intro")), search.form, search.place);
    if (route.query.get("q"))
        await search.find();
}
