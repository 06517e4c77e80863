"""What can be measured of WCAG 2.2 on a page, the way a person would find it out. Empty is as it should be."""

# Text that is cut off, or that one has to scroll sideways for; what is two-dimensional by nature may. A phone's window
# grows with what is too wide for it: clientWidth stays.
CUT = """(() => {
  const seen = (each) => each.getClientRects().length && !each.closest(".unseen, [hidden], [aria-hidden=true]");
  const short = (each) => each.outerHTML.slice(0, 100);
  const found = [];
  const {scrollWidth, clientWidth: wide} = document.documentElement;
  if (scrollWidth > wide) found.push(`the page is ${scrollWidth} wide`);
  for (const each of document.querySelectorAll("body *")) {
    if (!seen(each) || each.closest("pre, svg, select, option")) continue;
    const style = getComputedStyle(each);
    const {left, right} = each.getBoundingClientRect();
    const isText = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (isText && (right > wide + 1 || left < -1)) found.push(`outside: ${short(each)}`);
    if (each.tagName === "INPUT" || each.tagName === "TEXTAREA") continue;
    if (style.overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1)
      found.push(`cut or scrolled sideways: ${short(each)}`);
    if (["hidden", "clip"].includes(style.overflowY) && each.scrollHeight > each.clientHeight + 2
        && each.tagName !== "PROGRESS" && each.tagName !== "DIALOG")
      found.push(`cut below: ${short(each)}`);
  }
  return found;
})()"""
# 2.5.8: 24 by 24 pixels, a label's counted, or inline in a sentence.
SMALL = """(() => {
  const targets = "a[href], button, input, select, textarea, summary, [role=option], [role=button]";
  return [...document.querySelectorAll(targets)].filter((each) => {
    if (!each.getClientRects().length || each.closest("[inert], .unseen, .skip")) return false;
    if (document.querySelector("dialog[open]") && !each.closest("dialog[open]")) return false;
    const isInline = each.tagName === "A" && getComputedStyle(each).display === "inline";
    const boxes = [each, ...(each.labels || [])].map((box) => box.getBoundingClientRect());
    return !isInline && !boxes.some((box) => box.width >= 24 && box.height >= 24);
  }).map((each) => each.outerHTML.slice(0, 120));
})()"""
# 1.4.12, as its text says: what readers set must take nothing away.
SPACING = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p, li, dd { margin-block-end: 2em !important; }"""
# Of what has the focus: how much of it nothing covers, once the page had its chance to move things.
UNCOVERED = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done((() => {
  const each = document.activeElement;
  const box = each.getBoundingClientRect();
  const at = (part, size) => Math.min(Math.max(part, 1), size - 1);
  const points = [0.1, 0.5, 0.9].flatMap((x) => [0.2, 0.5, 0.8].map((y) =>
    [box.left + box.width * x, box.top + box.height * y]));
  return points.filter(([x, y]) => {
    if (x !== at(x, document.documentElement.clientWidth) || y !== at(y, innerHeight)) return false;
    const hit = document.elementFromPoint(x, y);
    return hit && (each.contains(hit) || hit.contains(each) && hit.closest("dialog, main, header") === null
                   || hit.closest("label")?.control === each);
  }).length;
})()))))"""
FOCUS_ID = """(() => {
  const each = document.activeElement;
  if (each === document.body || each === document.documentElement) return null;
  window.__order ??= new Map();
  if (!window.__order.has(each)) window.__order.set(each, window.__order.size + 1);
  const order = [...document.querySelectorAll("*")].indexOf(each);
  return [window.__order.get(each), order, each.outerHTML.slice(0, 90),
          !!each.closest("dialog[open]"), getComputedStyle(each).outlineStyle !== "none"];
})()"""
FOCUSABLE = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "DisclosureTriangle", "Date",
             "spinbutton", "option", "dialog", "progressbar", "alert", "status", "region", "navigation", "group"}
MUST_BE_NAMED = FOCUSABLE - {"alert", "status", "group"}


def cut(page):
    return page.value(CUT)


def small_targets(page):
    return page.value(SMALL)


def with_spacing(page, look):
    """What `look` finds while the reader's own spacing is in force."""
    page.call("DOM.enable")
    page.call("CSS.enable")
    frame = page.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
    sheet = page.call("CSS.createStyleSheet", frameId=frame)["styleSheetId"]
    page.call("CSS.setStyleSheetText", styleSheetId=sheet, text=SPACING)
    found = look(page)
    page.call("CSS.setStyleSheetText", styleSheetId=sheet, text="")
    page.call("CSS.disable")
    page.call("DOM.disable")
    return found


def nameless(page):
    """Controls and landmarks without a name, of all that a screen reader is told (4.1.2)."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    page.call("Accessibility.disable")
    return [node["role"]["value"] for node in nodes if not node.get("ignored")
            and node["role"]["value"] in MUST_BE_NAMED and not node.get("name", {}).get("value", "").strip()]


def walk(page, most=150):
    """Where Tab leads, from the beginning until it comes round: [(number, place in the document, element, in a dialog,
    has an outline, points of it that are uncovered)]"""
    stops = []
    for _ in range(most):
        page.press("Tab")
        stop = page.value(FOCUS_ID)
        if stop is None:
            continue  # between the end and the beginning
        if len(stops) > 1 and stop[0] == stops[0][0]:
            break
        stop = (*stop, page.value(UNCOVERED))
        if stops and stop[0] == stops[-1][0]:  # a part of the same field, such as a date's year
            stop = (*stop[:4], stop[4] or stops[-1][4], max(stop[5], stops.pop()[5]))
        stops.append(stop)
    return stops
