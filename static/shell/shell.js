/** The frame of every page: dialogs, palette, keys, the word about being offline. Each page works without it. */

import { announce } from "./announcer.js";
import { watchDialogs } from "./dialogs.js";
import { Palette } from "./palette.js";
import { watchKeys } from "./shortcuts.js";
import { watchUnread } from "./unread.js";
import { gettext } from "./words.js";

const offline = document.querySelector("[data-offline]");

function showLink() {
  if (offline.hidden === navigator.onLine) return;
  offline.hidden = navigator.onLine;
  announce(navigator.onLine ? gettext("You are online again.") : offline.textContent.trim());
}

/** A conversation gets its address while its page is open; a switch brings the user back to that one. */
function returnHere(event) {
  const next = event.target.querySelector("[data-next]");
  if (next) next.value = location.pathname + location.search;
}

addEventListener("online", showLink);
addEventListener("offline", showLink);
showLink();
document.addEventListener("submit", returnHere);
for (const message of document.querySelectorAll("[data-message]")) announce(message.textContent.trim());
const palette = document.querySelector("[data-palette]");
if (palette) {
  new Palette(palette);
  watchDialogs();
  watchKeys();
  watchUnread();
}
