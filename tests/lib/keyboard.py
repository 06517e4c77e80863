"""Keys as a person presses them: what the page gets are trusted events, one by one."""

# Name: (key, code, virtual key code, text)
NAMED = {
    "Tab": ("Tab", "Tab", 9, None), "Enter": ("Enter", "Enter", 13, "\r"), "Escape": ("Escape", "Escape", 27, None),
    "Space": (" ", "Space", 32, " "), "Backspace": ("Backspace", "Backspace", 8, None),
    "Delete": ("Delete", "Delete", 46, None), "Home": ("Home", "Home", 36, None), "End": ("End", "End", 35, None),
    "PageUp": ("PageUp", "PageUp", 33, None), "PageDown": ("PageDown", "PageDown", 34, None),
    "ArrowLeft": ("ArrowLeft", "ArrowLeft", 37, None), "ArrowUp": ("ArrowUp", "ArrowUp", 38, None),
    "ArrowRight": ("ArrowRight", "ArrowRight", 39, None), "ArrowDown": ("ArrowDown", "ArrowDown", 40, None),
    "F5": ("F5", "F5", 116, None),
}
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
# What an editor does is not in the event itself; Chromium has to be told as the system's keyboard layout would.
EDITING = {"a": "selectAll", "c": "copy", "v": "paste", "x": "cut"}
MOST_TABS = 120


def described_key(name):
    if name in NAMED:
        return NAMED[name]
    upper = name.upper()
    if "A" <= upper <= "Z":
        return name, f"Key{upper}", ord(upper), name
    return name, f"Digit{name}" if name.isdigit() else "", ord(upper) if name.isdigit() else 0, name


class Keyboard:
    """Mixed into what has `call`, `focused` and `value`."""

    def press(self, combination, times=1):
        """"Tab", "Shift+Tab", "Control+a"."""
        *held, name = combination.split("+") if combination != "+" else ["+"]
        key, code, number, text = described_key(name)
        modifiers = sum(MODIFIERS[each] for each in held)
        event = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        command = EDITING.get(name) if "Control" in held else None
        if text and not {"Control", "Alt", "Meta"} & set(held):
            event["text"] = text
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown" if "text" in event else "rawKeyDown",
                      **event, **({"commands": [command]} if command else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **{**event, "text": ""})

    def type(self, text):
        """Into what has the focus. What is on no key comes as from an input method."""
        for character in text:
            if character.isascii() and character.isprintable() and character != " ":
                self.press(character) if character != "+" else self.call("Input.insertText", text="+")
            elif character == " ":
                self.press("Space")
            else:
                self.call("Input.insertText", text=character)

    def tab_to(self, role, name, back=False):
        """Presses Tab until the focus is there; a person who has no mouse has no other way."""
        seen = []
        for _ in range(MOST_TABS):
            self.press("Shift+Tab" if back else "Tab")
            focus = self.focused()
            if focus[0] == role and (focus[1] == name or hasattr(name, "search") and name.search(focus[1])):
                return
            seen.append(focus)
        raise AssertionError(f"Tab does not lead to {role} {name!r}, but to {seen[:40]}")
