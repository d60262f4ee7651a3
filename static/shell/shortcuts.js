/** Keys for the whole page. Single keys can be switched off, and never reach whoever is typing (WCAG 2.2, 2.1.4). */

import { openDialog } from "./dialogs.js";

const KEY = "shortcuts";
const OFF = "off";

function areSingleKeysOn() {
  try {
    return localStorage.getItem(KEY) !== OFF;
  } catch {
    return true;
  }
}

function remember(areOn) {
  try {
    if (areOn) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, OFF);
  } catch {
    // The choice then lasts until the next page.
  }
}

function isTyping({ target }) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function pressed(event) {
  if (event.isComposing || event.altKey || event.defaultPrevented) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) openDialog("palette");
  } else if (!isCommand && !isTyping(event) && !document.querySelector("dialog[open]") && areSingleKeysOn()) {
    single(event);
  }
}

function single(event) {
  const target = document.querySelector("[data-shortcut-target]");
  if (event.key === "?") openDialog("shortcuts");
  else if (event.key === "/" && target) target.focus();
  else return;
  event.preventDefault();
}

/** Listens for the keys, and keeps the switch in the sheet of shortcuts. */
export function watchKeys() {
  const toggle = document.querySelector("[data-shortcuts-switch]");
  toggle.checked = areSingleKeysOn();
  toggle.addEventListener("change", () => remember(toggle.checked));
  document.addEventListener("keydown", pressed);
}
