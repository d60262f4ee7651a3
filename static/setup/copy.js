/** The checklist's copy buttons: each puts the address beside it on the clipboard; without a clipboard there is none. */

import { announce } from "../shell/announcer.js";

const SHOWN_MS = 2000;

async function copy(button, { word, before }) {
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
  } catch {
    // The browser refuses: the address stands beside the button, to be selected.
    return;
  }
  word.textContent = button.dataset.copied;
  announce(button.dataset.copied);
  setTimeout(() => (word.textContent = before), SHOWN_MS);
}

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copies]") : []) {
  button.hidden = false;
  const word = button.querySelector("[data-copy-word]");
  const before = word.textContent;
  button.addEventListener("click", () => copy(button, { word, before }));
}
