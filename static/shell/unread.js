/** Keeps the number of unread briefings in the rail right while a page stays open; the server wrote it first. */

import { announce } from "./announcer.js";
import { ngettext } from "./words.js";

// A briefing waits for its reader: a minute later is soon enough, and a page that nobody sees asks nothing.
const LOOK_MS = 60_000;

const badge = document.querySelector("[data-unread]");
const digits = badge?.querySelector("[data-unread-number]");

function show(unread) {
  if (unread > Number(digits.textContent)) {
    announce(ngettext("{number} unread briefing in the inbox", "{number} unread briefings in the inbox", unread));
  }
  digits.textContent = unread;
  badge.hidden = unread === 0;
}

function look() {
  if (document.hidden) return;
  const request = new XMLHttpRequest();
  request.open("GET", badge.dataset.unread);
  request.responseType = "json";
  // Nothing comes back once the session has ended.
  request.addEventListener("load", () => Number.isInteger(request.response?.unread) && show(request.response.unread));
  request.send();
}

/** Looks each minute, and as soon as somebody comes back to the page. */
export function watchUnread() {
  if (!badge) return;
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
