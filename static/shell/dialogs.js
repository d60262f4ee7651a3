/** Dialogs and drawers: `data-opens=<id>` opens one, `data-closes` inside closes it, and so does a press beside it. */

/** Opens the dialog called `id` unless it is open; the browser gives the focus back when it closes. */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog.open) dialog.showModal();
}

function pressed(event) {
  const opener = event.target.closest("[data-opens]");
  if (opener) openDialog(opener.dataset.opens);
  else if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  else if (event.target.matches("dialog") && isBeside(event)) event.target.close();
}

/** Tells whether the press was on the backdrop, which the browser counts as part of the dialog. */
function isBeside({ target, clientX, clientY }) {
  const { left, right, top, bottom } = target.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/** Makes every opener of the page work, and shows those that need a script. */
export function watchDialogs() {
  for (const opener of document.querySelectorAll("[data-opens]")) opener.hidden = false;
  document.addEventListener("click", pressed);
}
