/** The checklist's copy buttons: each puts the address beside it on the clipboard; without a clipboard there is none. */

import { announce } from "../shell/announcer.js";

const SHOWN_MS = 2000;

async function copy(button) {
  const word = button.querySelector("[data-copy-word]");
  const before = word.textContent;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
  word.textContent = button.dataset.copied;
  announce(button.dataset.copied);
  setTimeout(() => (word.textContent = before), SHOWN_MS);
}

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copies]") : []) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
