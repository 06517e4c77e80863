/**
 * The words of the page in the language of the browser or of the reader's choice.
 *
 * texts/LANGUAGE.js has those of the first view; texts/LANGUAGE_more.js and others are loaded with the first view
 * that needs them (`more` in lib/views.js). Languages have the same keys. A text is a string, or an object of plural
 * forms by Intl's categories that go by `n`.
 * `{name}` is replaced by a value: numbers are written as the language writes them, all else as it is.
 * A key without a text shows itself, so that a gap is seen and breaks nothing.
 */

export const LANGUAGES = {en: "English", de: "Deutsch"};
const KEPT = "verbatim.language";

let words = {};
const loaded = new Set();
let plural = null;
export let language = "en";

/** Storage may be forbidden or full: the page then forgets, and works. */
export function remember(key, value, store = "localStorage") {
    try {
        if (value === null)
            window[store].removeItem(key);
        else
            window[store].setItem(key, value);
    } catch { /* nothing depends on it */ }
}

export function recall(key, store = "localStorage") {
    try {
        return window[store].getItem(key);
    } catch {
        return null;
    }
}

function preferred() {
    const wanted = [recall(KEPT), ...(navigator.languages || [])];
    return wanted.map(tag => (tag || "").slice(0, 2).toLowerCase()).find(tag => LANGUAGES[tag]) || "en";
}

/** Loads the texts; to be awaited before anything is shown. */
export async function loadTexts(tag = preferred()) {
    const module = await import(`../texts/${tag}.js`);
    words = {...module.default};
    language = tag;
    plural = new Intl.PluralRules(tag);
    document.documentElement.lang = tag;
    await loadMore([...loaded]);
}

/** Loads texts that the first view can do without: the files texts/LANGUAGE_NAME.js. */
export async function loadMore(names) {
    for (const module of await Promise.all(names.map(name => import(`../texts/${language}_${name}.js`))))
        Object.assign(words, module.default);
    names.forEach(name => loaded.add(name));
}

/** Changes the language and keeps the choice. Whoever shows text has to show it anew. */
export async function chooseLanguage(tag) {
    await loadTexts(tag);
    remember(KEPT, tag);
}

function write(value) {
    return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : String(value);
}

export function hasText(key) {
    return Object.hasOwn(words, key);
}

/** The text of a key with its values: t("list.count", {n: 3}). */
export function t(key, values = {}) {
    let text = hasText(key) ? words[key] : key;
    if (typeof text === "object")
        text = text[plural.select(values.n)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (whole, name) => name in values ? write(values[name]) : whole);
}

/** A word for a value of the API, and the value itself where there is none. */
export function word(group, value) {
    return hasText(`${group}.${value}`) ? t(`${group}.${value}`) : String(value);
}
