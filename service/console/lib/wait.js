/**
 * Waiting for the end of one export: the service holds the answer until then, at most 20 s a request.
 */
import {path, request} from "./api.js";
import {isActive} from "./export_words.js";

/** The export as it ended. Ends early by the signal alone. */
export async function waitFor(item, signal) {
    let last = item;
    while (isActive(last))
        last = await request("GET", path("exports", item.export_id), {headers: {Prefer: "wait=20"}, signal});
    return last;
}
