/**
 * Settings of the workspace, and what one's own key allows.
 *
 * Everybody may look; owners and admins may change. Only what was changed is sent, and what the service refuses
 * stands beside its field.
 */
import {button, el, said} from "../lib/dom.js";
import {get, patch, path} from "../lib/api.js";
import {focusFirst, selectField, textField} from "../lib/fields.js";
import {time, zone, zoneWords} from "../lib/format.js";
import {tell} from "../lib/notice.js";
import {facts, panel, saidList, spanField} from "../lib/parts.js";
import {sendOnce, tellRefused} from "../lib/sending.js";
import {may, session} from "../lib/session.js";
import {heading, load} from "../lib/states.js";
import {t, word} from "../lib/texts.js";
import {CSV_WORDS} from "../lib/order.js";

const PROFILES = ["safe", "excel", "raw"];
const RIGHTS = ["look", "export", "download", "manage", "own_door", "audit", "admin"];
const MOST_RUNNING = 10000;
const MARKS = [null, true, false];

function spanWords(text) {
    const [, n, unit] = /^(\d+)([smhd])$/.exec(text || "") || [];
    return n ? t(`span.words.${unit}`, {n: Number(n)}) : text;
}

/* What is set for the workspace, or what then holds of the service. */
const orService = (own, service) => own ?? t("settings.asService", {value: service});

function zones(id) {
    const known = Intl.supportedValuesOf?.("timeZone") || [];
    return el("datalist", {id}, ["UTC", ...known].map(value => el("option", {value})));
}

function readOnly(settings) {
    return panel(t("settings.workspace"), facts([
        [t("settings.name"), said(settings.name || session.workspace.id)],
        [t("settings.timeZone"), zoneWords(settings.time_zone)],
        [t("settings.retention"), orService(spanWords(settings.retention), spanWords(settings.service.retention))],
        [t("settings.linkTtl"), orService(spanWords(settings.link_ttl), spanWords(settings.service.link_ttl))],
        [t("settings.delimiter"), settings.delimiter && t(`order.delimiter.${CSV_WORDS[settings.delimiter]}`)],
        [t("settings.csvQuote"), settings.csv_quote && t(`order.csv_quote.${settings.csv_quote}`)],
        [t("settings.mark"), t(`settings.mark.${settings.byte_order_mark ?? "profile"}`)],
        [t("settings.csvProfile"), settings.csv_profile && t(`order.csv_profile.${settings.csv_profile}`)],
        [t("settings.maxRunning"), orService(settings.max_running, settings.service.max_running)],
    ]), el("p", {class: "callout"}, t("denied.admin"), " ", t("settings.askThem")));
}

class Form {
    constructor(settings, signal) {
        this.signal = signal;
        this.kept = settings;
        const text = (name, more = {}) => textField({label: t(`settings.${more.key || name}`), name, autocomplete: "off",
                                                     value: settings[name] ?? "", ...more, key: null});
        this.fields = {
            name: text("name", {maxlength: 200, hint: t("settings.nameHint")}),
            time_zone: text("time_zone", {key: "timeZone", list: "zones", spellcheck: "false",
                                          hint: t("settings.timeZoneHint", {zone: zone()})}),
            retention: spanField({label: t("settings.retention"), hint: t("settings.retentionHint", {value: spanWords(settings.service.retention)}), name: "retention",
                                  value: settings.retention}),
            link_ttl: spanField({label: t("settings.linkTtl"), hint: t("settings.linkTtlHint", {value: spanWords(settings.service.link_ttl)}), name: "link_ttl",
                                 value: settings.link_ttl}),
            csv_profile: selectField({label: t("settings.csvProfile"), hint: t("settings.csvProfileHint"), name: "csv_profile",
                                      value: settings.csv_profile || "safe",
                                      options: PROFILES.map(value => [value, t(`order.csv_profile.${value}`)])}),
            delimiter: selectField({label: t("settings.delimiter"), name: "delimiter", value: settings.delimiter || ",",
                                    options: Object.entries(CSV_WORDS).map(([value, name]) => [value, t(`order.delimiter.${name}`)])}),
            csv_quote: selectField({label: t("settings.csvQuote"), name: "csv_quote", value: settings.csv_quote || "minimal",
                                    options: ["minimal", "all"].map(value => [value, t(`order.csv_quote.${value}`)])}),
            byte_order_mark: selectField({label: t("settings.mark"), name: "byte_order_mark", value: MARKS.indexOf(settings.byte_order_mark ?? null),
                                          options: MARKS.map((value, place) => [place, t(`settings.mark.${value ?? "profile"}`)])}),
            max_running: text("max_running", {key: "maxRunning", inputmode: "numeric", hint: t("settings.maxRunningHint", {value: settings.service.max_running})}),
        };
        this.problem = el("div", {role: "alert"});
        this.submit = button(t("settings.save"), {type: "submit", kind: "primary"});
        this.node = el("form", {class: "settings", novalidate: true, onsubmit: event => {
            event.preventDefault();
            this.send();
        }}, panel(t("settings.workspace"), zones("zones"), Object.values(this.fields).map(field => field.node), this.problem,
                  el("div", {class: "actions"}, this.submit)));
    }

    values() {
        const {name, time_zone: zoneField, retention, link_ttl: link, csv_profile: profile, delimiter, csv_quote: quote,
               byte_order_mark: mark, max_running: running} = this.fields;
        const number = running.input.value.trim();
        return {name: name.input.value.trim() || null, time_zone: zoneField.input.value.trim(), retention: retention.text(),
                link_ttl: link.text(), csv_profile: profile.input.value, delimiter: delimiter.input.value, csv_quote: quote.input.value,
                byte_order_mark: MARKS[mark.input.value], max_running: number ? Number(number) : null};
    }

    isGood() {
        const {time_zone: zoneField, retention, link_ttl: link, max_running: running} = this.fields;
        const number = running.input.value.trim();
        zoneField.fail(zoneField.input.value.trim() ? null : t("settings.timeZoneMissing"));
        retention.fail(retention.isNumber() ? null : t("settings.wholeNumber"));
        link.fail(link.isNumber() ? null : t("settings.wholeNumber"));
        running.fail(!number || (/^\d+$/.test(number) && Number(number) >= 1 && Number(number) <= MOST_RUNNING) ? null
            : t("settings.maxRunningWrong", {most: MOST_RUNNING}));
        return !focusFirst(this.node);
    }

    changes() {
        return Object.fromEntries(Object.entries(this.values()).filter(([name, value]) => value !== (this.kept[name] ?? null)));
    }

    async send() {
        if (!this.isGood())
            return;
        const changes = this.changes();
        if (Object.keys(changes).length === 0) {
            tell(t("settings.same"));
            return;
        }
        const kept = await sendOnce(this, () => patch(path("settings"), changes, {signal: this.signal}),
                                    error => tellRefused(this, this.node, error));
        if (!kept)
            return;
        this.kept = kept;
        tell(t("settings.saved"));
    }
}

/* What one may and what not, and who could change that. */
function ownKey() {
    const list = words => el("ul", {class: "rights"}, words.map(each => el("li", {}, each)));
    const allowed = RIGHTS.filter(may);
    const denied = RIGHTS.filter(right => !may(right));
    return panel(t("settings.ownKey"),
        facts([
            [t("settings.key"), said(session.key_name || t("keys.unnamed"))],
            [t("settings.user"), session.user && said(session.user)],
            [t("keys.role"), word("role", session.role)],
            [t("settings.tags"), session.audience?.length ? saidList(session.audience) : null],
            [t("settings.sessionEnd"), time(session.expires_at)],
        ]),
        el("h3", {}, t("settings.mayDo")), list(allowed.map(right => t(`right.${right}`))),
        denied.length > 0 && [el("h3", {}, t("settings.mayNot")), list(denied.map(right => t(`denied.${right}`))), el("p", {class: "fine"}, t("settings.askThem"))]);
}

export async function show({root, signal}) {
    const place = el("div", {class: "settings-place"});
    root.append(heading(t("nav.settings")), el("div", {class: "panels"}, place, el("div", {}, ownKey())));
    await load(place, async () => {
        const settings = await get(path("settings"), {}, signal);
        return may("admin") ? new Form(settings, signal).node : readOnly(settings);
    }, signal);
}
