/**
 * Views by the address's hash: `#/exports/ID?status=failed` is {name: "exports", id: "ID", query}.
 *
 * Each view lives as long as its AbortSignal: the shell aborts it when another one is shown, and with
 * it go its listeners, requests, timers and streams. setQuery() writes filters into the address without
 * showing the view anew. A key that somebody put into the address is taken out before anything else
 * looks at it, and is used for nothing.
 */

const KEY = /vb_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}/;
const SECRET = /^(x-?)?(api-?_?)?(key|token|secret)$/i;

const decode = text => {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
};

/** What a hash names; anything malformed is some view that does not exist, never an error. */
export function parse(hash) {
    const [address, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
    const [name, ...rest] = address.split("/").map(decode);
    return {name: name || "exports", id: rest.length ? rest.join("/") : null, query: new URLSearchParams(query)};
}

/** The hash of a view: href("exports", id, {status: "failed"}). */
export function href(name, id = null, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const text = new URLSearchParams(given).toString();
    return `#/${name}${id === null ? "" : `/${encodeURIComponent(id)}`}${text ? `?${text}` : ""}`;
}

export function go(name, id = null, query = {}) {
    location.hash = href(name, id, query);
}

/** The address of the view that is shown, under a dialog too; null while there is none. */
let shown = null;

export const shownAddress = () => shown;

export function noteShown(address) {
    shown = address;
}

/** Writes the view's parameters into the address; Back leads out of the view, not through them. */
export function setQuery(route, query) {
    shown = href(route.name, route.id, query);
    history.replaceState(null, "", shown);
}

function withoutSecrets(query) {
    const kept = new URLSearchParams(query);
    for (const [name, value] of new URLSearchParams(query))
        if (SECRET.test(name) || KEY.test(value))
            kept.delete(name);
    return kept.toString();
}

/** Takes keys out of the address and the history's entry; true when there was one. */
export function dropSecrets() {
    const [address, query = ""] = location.hash.split("?", 2);
    const search = withoutSecrets(location.search.slice(1));
    const rest = withoutSecrets(query);
    const hasKey = KEY.test(decode(address)) || search !== new URLSearchParams(location.search).toString() ||
        rest !== new URLSearchParams(query).toString();
    if (hasKey) {
        const hash = KEY.test(decode(address)) ? "#/exports" : address;
        history.replaceState(null, "", location.pathname + (search && `?${search}`) + hash + (rest && `?${rest}`));
    }
    return hasKey;
}

/** Calls `show(route)` now and whenever the hash changes. */
export function start(show) {
    window.addEventListener("hashchange", () => show(parse(location.hash)));
    show(parse(location.hash));
}
