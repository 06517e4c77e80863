/**
 * The HTTP API as this page uses it: same origin, the session's cookie, JSON.
 *
 * request() resolves to the answer's data, or throws an ApiError that says what a person may do about
 * it. A session that ended is no error of the caller: the one who asks waits while somebody signs in
 * over the page, and is then answered, so nothing typed is lost. Methods that change something carry
 * the header against forged requests. An abort by the caller's signal passes as it is.
 */

const BASE = "../api/v1/";
const listeners = new Set();
let reachable = true;
let probing = 0;
let signInAgain = () => Promise.reject(new ApiError(401, ""));
let workspace = null;

/** `status` 0: no answer came. `problems`: broken rules, {path: "select.channel_id", text}. */
export class ApiError extends Error {
    constructor(status, detail, problems = [], retryAfter = null) {
        super(detail);
        this.status = status;
        this.detail = detail;
        this.problems = problems;
        this.retryAfter = retryAfter;
    }
}

export const isAbort = error => error?.name === "AbortError";

/** Told true or false whenever the service comes into reach or goes out of it. */
export function onReach(listener) {
    listeners.add(listener);
}

export const isReachable = () => reachable;

function setReachable(value) {
    if (reachable === value)
        return;
    reachable = value;
    for (const listener of listeners)
        listener(value);
    if (!value)
        probe();
}

/** Looks every 3 s whether the service answers again, whatever the answer is. */
function probe() {
    clearTimeout(probing);
    probing = setTimeout(() => {
        fetch(BASE + "console/session", {cache: "no-store"})
            .then(answer => answer.status < 502 ? setReachable(true) : probe(), probe);
    }, 3000);
}
window.addEventListener("online", () => reachable || probe());
window.addEventListener("offline", () => setReachable(false));

/** The session's module says how to sign in over what is open; it resolves once that is done. */
export function onEnded(ask) {
    signInAgain = ask;
}

export function useWorkspace(id) {
    workspace = id;
}

/** Address of something of the session's workspace: path("exports", id, "download"). */
export function path(...parts) {
    return ["workspace", workspace, ...parts].map(encodeURIComponent).join("/");
}

/** The same as a URL for links, with parameters; null, "" and undefined are left out. */
export function url(relative, parameters = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
        for (const one of [value].flat())
            if (one !== null && one !== undefined && one !== "")
                query.append(name, one);
    const text = query.toString();
    return BASE + relative + (text ? `?${text}` : "");
}

/* A rule's words as a sentence. */
function sentence(text) {
    const words = text.replace(/^Value error, /, "");
    return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

/* {"detail": "text"}, {"detail": [{loc, msg}]}, {"detail": {"message"}}; anything else has no words. */
function errorOf(answer, data) {
    const detail = data?.detail;
    const wait = Number(answer.headers.get("Retry-After")) || null;
    if (Array.isArray(detail)) {
        const problems = detail.map(each => ({path: (each.loc || []).slice(1).join("."), text: sentence(each.msg || "")}));
        return new ApiError(answer.status, problems.map(each => each.text).join(" "), problems, wait);
    }
    return new ApiError(answer.status, typeof detail === "string" ? detail : detail?.message || "", [], wait);
}

async function send(method, address, {body, headers = {}, signal}) {
    const changes = method === "GET" ? {} : {"X-Verbatim-Console": "1"};
    const content = body === undefined ? {} : {"Content-Type": "application/json"};
    try {
        const answer = await fetch(address, {
            method, signal, cache: "no-store", credentials: "same-origin", redirect: "error",
            headers: {Accept: "application/json", ...changes, ...content, ...headers},
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await answer.text();
        setReachable(true);
        return {answer, text};
    } catch (error) {
        if (isAbort(error))
            throw error;
        setReachable(false);
        throw new ApiError(0, "");
    }
}

function parse(text) {
    try {
        return text ? JSON.parse(text) : null;
    } catch {
        return null;
    }
}

/**
 * request("GET", path("exports"), {query, signal}) -> data. `onAnswer` sees the answer's headers.
 * `mayEnd: false` is for requests about the session itself, which nobody signs in for.
 */
export async function request(method, relative, {query, mayEnd = true, onAnswer, ...options} = {}) {
    for (;;) {
        const {answer, text} = await send(method, url(relative, query), options);
        const data = parse(text);
        if (answer.ok) {
            onAnswer?.(answer);
            return data;
        }
        if (answer.status !== 401 || !mayEnd)
            throw errorOf(answer, data);
        await signInAgain();
    }
}

export const get = (relative, query, signal) => request("GET", relative, {query, signal});
export const post = (relative, body, options = {}) => request("POST", relative, {body, ...options});
export const patch = (relative, body, options = {}) => request("PATCH", relative, {body, ...options});
export const remove = (relative, options = {}) => request("DELETE", relative, options);
