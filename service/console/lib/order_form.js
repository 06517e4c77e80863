/**
 * The export dialog's form: what, range, format, what to include, mail. It writes into the state of lib/order.js.
 *
 * orderForm(state, changed) gives {node, fail(problems), today}; `changed()` is called after each change of the
 * state. Parts that do not apply to what is chosen are hidden, and keep what was typed.
 */
import {el, put} from "./dom.js";
import {get, path} from "./api.js";
import {checkBox, radioGroup, selectField, textField} from "./fields.js";
import {moment, zoneWords} from "./format.js";
import {CHOICES, CSV_FORM, CSV_WORDS, INCLUDES, MOST_IDS, dayIn, hasActivity, hasIncludes, hasLayouts, hasRange, idsOf,
        isAssistantExport} from "./order.js";
import {picker} from "./picker.js";
import {may, session} from "./session.js";
import {hasText, t, word} from "./texts.js";

const FORMATS = ["html", "pdf", "csv", "xlsx", "json", "ndjson"]; // for people first
const SUGGESTED = [7, 30, 90, 365];

/* What the service finds, as options. */
const find = (name, detail) => async (q, signal) => {
    const found = await get(path(name), {q, limit: 20}, signal);
    const nameOf = each => each.name || each.email || each.phone || each.id;
    return found[name].map(each => ({id: each.id, name: nameOf(each), detail: detail(each)}));
};
const listed = (...words) => words.filter(Boolean).join(", ");
const searches = {
    assistant_id: find("assistants", () => null),
    channel_id: find("channels", each => listed(word("channelType", each.type), each.phone_number)),
    contact_id: find("contacts", each => listed(each.email, each.phone, each.company)),
};

const daysAgo = days => new Date(Date.now() - days * 86400e3);

class OrderForm {
    constructor(state, changed) {
        this.state = state;
        this.told = changed;
        this.fields = {};
        this.today = dayIn(session.workspace.time_zone, new Date());
        this.node = el("div", {class: "order"}, this.what(), this.range(), this.format(), this.include(), this.more(),
                       this.mail());
        this.arrange();
    }

    set(name, value) {
        this.state[name] = value;
        this.fields[name]?.fail?.(null);
        this.arrange();
        this.told();
    }

    /* A field whose text is a member of the state. */
    bind(name, field) {
        this.fields[name] = field;
        field.input.addEventListener("input", () => this.set(name, field.input.value));
        return field.node;
    }

    what() {
        const isDenied = value => value === "contact_id" && !may("own_door");
        const choices = CHOICES.map(value => ({value, label: t(`order.what.${value}`), disabled: isDenied(value),
                                               hint: isDenied(value) ? t("order.contactNotYours") : null}));
        const group = radioGroup({name: "what", legend: t("order.what"), choices, value: this.state.what,
                                  kind: "inline", onChange: value => this.set("what", value)});
        this.pickers = Object.entries(searches).map(([name, search]) => {
            const one = picker({label: t(`what.${name}`), search, value: this.state[name],
                                onChange: value => this.set(name, value)});
            this.fields[name] = one;
            return [name, one.node];
        });
        this.ids = this.bind("conversation_ids", textField({
            label: t("order.ids"), hint: t("order.idsHint", {n: MOST_IDS}), multiline: true, rows: 5,
            spellcheck: "false", value: this.state.conversation_ids}));
        this.counted = el("p", {class: "hint"});
        this.ids.append(this.counted);
        return put(group.node, el("div", {class: "part"}, this.pickers.map(([, node]) => node), this.ids));
    }

    range() {
        const choices = ["days", "dates", "all"].map(value => ({value, label: t(`order.range.${value}`)}));
        const group = radioGroup({name: "range", legend: t("order.range"), choices, value: this.state.range,
                                  kind: "inline", onChange: value => this.set("range", value)});
        const days = textField({label: t("order.daysLabel"), hint: t("order.daysHint"), inputmode: "numeric",
                                name: "days", autocomplete: "off", value: this.state.days, beside: this.suggestions()});
        this.days = this.bind("days", days);
        days.node.classList.add("days");
        const date = name => this.bind(name, textField({label: t(`order.${name}`), type: "date", name,
                                                        value: this.state[name]}));
        this.dates = el("div", {class: "pair"}, date("from"), date("to"));
        this.resolved = el("p", {class: "hint"});
        this.completedAlways = el("p", {class: "hint"}, t("order.completedAlways"));
        this.rangePart = put(group.node, el("div", {class: "part"}, this.days, this.dates, this.resolved,
                                            this.completedAlways));
        return this.rangePart;
    }

    suggestions() {
        return SUGGESTED.map(n => el("button", {type: "button", class: "button small", onclick: () => {
            this.fields.days.input.value = String(n);
            this.set("days", String(n));
        }}, t("span.days", {n})));
    }

    format() {
        const known = FORMATS.filter(value => session.formats.includes(value));
        const others = session.formats.filter(value => !FORMATS.includes(value));
        const hint = key => hasText(key) && t(key);
        const choices = [...known, ...others].map(value => ({value, label: word("format", value),
                                                             hint: hint(`order.format.${value}`)}));
        return radioGroup({name: "format", legend: t("order.format"), choices, value: this.state.format,
                           onChange: value => this.set("format", value)}).node;
    }

    include() {
        const boxes = INCLUDES.map(name => checkBox({
            label: t(`include.${name}`), hint: hasText(`include.${name}.hint`) && t(`include.${name}.hint`), name,
            checked: this.state.include.includes(name), onchange: event => this.included(name, event.target.checked)}));
        this.includePart = el("fieldset", {class: "choices"}, el("legend", {}, t("order.include")),
                              el("p", {class: "hint"}, t("order.includeHint")),
                              el("div", {class: "boxes"}, boxes.map(box => box.node)));
        return this.includePart;
    }

    included(name, isIn) {
        const without = this.state.include.filter(each => each !== name);
        this.set("include", isIn ? [...without, name] : without);
    }

    more() {
        const choice = (name, values) => {
            const options = values.map(value => [value, t(`order.${name}.${CSV_WORDS[value] || value || "default"}`)]);
            const field = selectField({label: t(`order.${name}`), value: this.state[name], options});
            return this.bind(name, field);
        };
        this.layout = choice("layout", ["messages", "conversations", "leads"]);
        this.csvForm = el("div", {class: "part"}, choice("csv_profile", ["", "safe", "excel", "raw"]),
                          choice("delimiter", ["", ",", ";", "\t"]), choice("csv_quote", ["", "minimal", "all"]));
        this.files = choice("files", ["", "single", "per_conversation", "chunks"]);
        const completed = checkBox({
            label: t("order.completed"), hint: t("order.completedHint"), checked: this.state.completed_only,
            onchange: event => this.set("completed_only", event.target.checked)});
        const tags = this.bind("tags", textField({label: t("order.tags"), hint: t("order.tagsHint"),
                                                  value: this.state.tags}));
        this.completed = completed.node;
        const activity = checkBox({
            label: t("order.activity"), hint: t("order.activityHint"), checked: this.state.activity,
            onchange: event => this.set("activity", event.target.checked)});
        this.activity = activity.node;
        const isOpen = ["files", ...CSV_FORM, "tags", "completed_only", "activity"].some(name => this.state[name]);
        return el("details", {class: "more", open: Boolean(isOpen)}, el("summary", {}, t("order.more")),
                  el("div", {class: "part"}, this.layout, this.files, this.csvForm, tags, this.completed,
                     this.activity));
    }

    mail() {
        const field = textField({label: t("order.mailLabel"), type: "email", name: "notification_email",
                                 autocomplete: "email", hint: t(session.mail ? "order.mailHint" : "order.mailNot"),
                                 disabled: !session.mail,
                                 value: session.mail ? this.state.notification_email : ""});
        if (!session.mail)
            this.state.notification_email = "";
        return this.bind("notification_email", field);
    }

    /** Shows what applies to the state, and the range it comes to. */
    arrange() {
        const {state} = this;
        if (!this.node)
            return;
        for (const [name, node] of this.pickers)
            node.hidden = state.what !== name;
        this.ids.hidden = state.what !== "conversation_ids";
        this.counted.textContent = t("order.idsCount", {n: idsOf(state.conversation_ids).length, most: MOST_IDS});
        this.rangePart.hidden = !hasRange(state);
        this.days.hidden = state.range !== "days";
        this.dates.hidden = state.range !== "dates";
        this.resolved.textContent = this.rangeText();
        this.includePart.hidden = !hasIncludes(state);
        this.layout.hidden = !hasLayouts(state);
        this.csvForm.hidden = state.format !== "csv";
        this.completed.hidden = isAssistantExport(state);
        this.activity.hidden = !hasActivity(state);
        this.completedAlways.hidden = !isAssistantExport(state);
    }

    rangeText() {
        const zone = session.workspace.time_zone;
        const days = Number(this.state.days);
        if (this.state.range === "days" && days >= 1 && days <= 365)
            return t(this.state.activity ? "order.resolvedActivity" : "order.resolvedDays",
                     {from: moment(daysAgo(days), zone), zone: zoneWords(zone)});
        return this.state.range === "dates" ? t("order.resolvedDates", {zone: zoneWords(zone)}) : "";
    }

    /** Marks the fields of the problems and leads to the first. Those without a field are returned. */
    fail(problems) {
        for (const field of Object.values(this.fields))
            field.fail?.(null);
        const known = problems.filter(each => this.fields[each.field]);
        for (const each of known)
            this.fields[each.field].fail(each.text);
        if (known.some(each => this.node.querySelector(".more").contains(this.fields[each.field].input)))
            this.node.querySelector(".more").open = true;
        this.node.querySelector("[aria-invalid=true]")?.focus();
        return problems.filter(each => !this.fields[each.field]);
    }
}

export const orderForm = (state, changed) => new OrderForm(state, changed);
