/**
 * Times, sizes, counts and spans as the reader's language writes them.
 *
 * The API writes instants without a zone in UTC; here they are shown in the viewer's zone with its
 * short name, and zoneWords() writes the zone out once a page. Formatters are made once a language.
 */
import {language, t} from "./texts.js";
import {el} from "./dom.js";

const made = new Map();

function formatter(kind, name, options) {
    const key = `${language}/${name}`;
    if (!made.has(key))
        made.set(key, new Intl[kind](language, options));
    return made.get(key);
}

/** The instant of an API's text; it is UTC where no zone is said. NaN inside for what is none. */
export function instant(text) {
    return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : text + "Z");
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "Europe/Berlin (Central European Standard Time)". A zone that the browser does not know stays a name. */
export function zoneWords(name = zone(), at = new Date()) {
    try {
        const parts = new Intl.DateTimeFormat(language, {timeZone: name, timeZoneName: "long"}).formatToParts(at);
        const long = parts.find(part => part.type === "timeZoneName").value;
        return long === name ? name : `${name} (${long})`;
    } catch {
        return name;
    }
}

const MOMENT = {year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit"};

/** "29 Nov 2026, 22:15 GMT+1" */
export function moment(date, timeZone = undefined) {
    return formatter("DateTimeFormat", `moment ${timeZone}`, {...MOMENT, timeZone, timeZoneName: "short"}).format(date);
}

function precise(date) {
    return formatter("DateTimeFormat", "precise",
                     {...MOMENT, month: "long", second: "2-digit", timeZoneName: "long"}).format(date);
}

/** A <time> in words with its exact instant; seconds and the zone in full as its title. */
export function time(text, {seconds = false} = {}) {
    const date = instant(text);
    if (Number.isNaN(date.getTime()))
        return el("span", {}, text);
    return el("time", {datetime: date.toISOString(), title: precise(date)}, seconds ? precise(date) : moment(date));
}

/** A calendar day of the API ("2026-11-29"), which is of no zone. */
export function day(text) {
    const date = new Date(`${text}T00:00:00Z`);
    if (Number.isNaN(date.getTime()))
        return text;
    return formatter("DateTimeFormat", "day",
                     {year: "numeric", month: "short", day: "numeric", timeZone: "UTC"}).format(date);
}

export const count = number => formatter("NumberFormat", "count", {}).format(number);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** 1,234,567 -> "1.2 MB"; powers of 1,000, as file managers and stores count. */
export function size(bytes) {
    let unit = 0;
    let number = bytes;
    while (number >= 999.5 && unit < UNITS.length - 1) {
        number /= 1000;
        unit += 1;
    }
    const digits = unit > 0 && number < 99.95 ? 1 : 0;
    return formatter("NumberFormat", `size ${unit} ${digits}`,
                     {style: "unit", unit: UNITS[unit], unitDisplay: unit ? "short" : "long",
                      maximumFractionDigits: digits}).format(number);
}

/** A span for people: the largest unit that fits, rounded up, for nobody minds being early. */
export function span(seconds) {
    if (seconds < 60)
        return t("span.seconds", {n: Math.max(1, Math.ceil(seconds))});
    if (seconds < 3600)
        return t("span.minutes", {n: Math.ceil(seconds / 60)});
    if (seconds < 48 * 3600)
        return t("span.hours", {n: Math.ceil(seconds / 3600)});
    return t("span.days", {n: Math.ceil(seconds / 86400)});
}
