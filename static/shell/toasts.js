/** A sentence in the corner for something that just happened and needs no answer; whoever listens hears it too. */

import { announce } from "./announcer.js";

// Long enough to read two short sentences twice; a pointer or the focus on it keeps it.
const SHOWN_MS = 8000;

/** Shows and says `text`; nothing may be said here alone, since it goes away. */
export function showToast(text) {
  const template = document.querySelector("[data-toast-template]");
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-toast-text]").textContent = text;
  toast.querySelector("[data-toast-close]").addEventListener("click", () => toast.remove());
  document.querySelector("[data-toasts]").replaceChildren(toast);
  announce(text);
  setTimeout(() => leave(toast), SHOWN_MS);
}

function leave(toast) {
  if (toast.matches(":hover, :focus-within")) setTimeout(() => leave(toast), SHOWN_MS);
  else toast.remove();
}
