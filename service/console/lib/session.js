/**
 * Who is signed in. The key is typed once, exchanged for a cookie that this page cannot read, and
 * forgotten; what is kept here is what the service says of the session.
 *
 * When the session ends in the middle, whoever asked the API waits for askAgain(), which the shell
 * answers with a dialog over whatever is open. One dialog serves all that wait. Another workspace or
 * role than before shows the page anew, since what is open was made for the old one.
 */
import {ApiError, onEnded, remove, request, useWorkspace} from "./api.js";

const ADDRESS = "console/session";
let waiting = null;
let openDialog = null;
let changed = () => {};

/** The session object of the API, or null. */
export let session = null;

/** Whether the role of the key allows it: "look", "export", "download", "manage", "own_door", "audit", "admin". */
export const may = right => !right || Boolean(session?.rights.includes(right));

function take(data) {
    session = data;
    useWorkspace(data?.workspace.id ?? null);
}

const isSame = (one, other) => one && other && one.workspace.id === other.workspace.id &&
    one.role === other.role && String(one.audience) === String(other.audience);

/** `changed()` shows the page for the session there is; `open()` asks for a key over the page and resolves after. */
export function onSession(handlers) {
    ({changed, open: openDialog} = handlers);
}

/** The session that the browser still has. False: there is none. */
export async function restore() {
    try {
        take(await request("GET", ADDRESS, {mayEnd: false}));
        return true;
    } catch (error) {
        if (error.status !== 401)
            throw error;
        take(null);
        return false;
    }
}

/** Exchanges the key. Throws ApiError 401 for one that is not known, 429 when asked too often. */
export async function signIn(key) {
    const before = session;
    take(await request("POST", ADDRESS, {body: {key}, mayEnd: false}));
    if (!waiting || !isSame(before, session))
        changed();
}

export async function signOut() {
    await remove(ADDRESS, {mayEnd: false}).catch(error => {
        if (error.status !== 401)
            throw error;
    });
    take(null);
    changed();
}

onEnded(() => {
    if (!session)
        return Promise.reject(new ApiError(401, ""));
    waiting ??= openDialog().finally(() => {
        waiting = null;
    });
    return waiting;
});
