/** Keeps the services' dots right while a page stays open: the server, which wrote them first, writes them anew. */

import { load } from "./parts.js";

const dots = document.querySelector("[data-dots]");
let looked = Promise.resolve();

function show(fresh, slug) {
  const [button, panel] = [dots.querySelector(`[popovertarget=dot-${slug}]`), document.getElementById(`dot-${slug}`)];
  const freshButton = fresh.querySelector(`[popovertarget=dot-${slug}]`);
  // What cannot be learned just now is no news.
  if (freshButton.dataset.state === "unknown") return;
  const hadFocus = panel.contains(document.activeElement);
  // Nobody is to press a switch that turned while they reached for it.
  if (button.dataset.state !== freshButton.dataset.state && panel.matches(":popover-open")) panel.hidePopover();
  // Both elements stay, and with them the focus and a panel that is open.
  button.dataset.state = freshButton.dataset.state;
  button.replaceChildren(...freshButton.childNodes);
  panel.replaceChildren(...fresh.getElementById(`dot-${slug}`).childNodes);
  if (hadFocus) button.focus({ preventScroll: true });
  // The palette's option presses the switch in the panel, and must not say another thing than it does.
  const option = fresh.querySelector(`.palette-option[data-service=${slug}]`);
  if (option) document.querySelector(`#palette [data-service=${slug}]`)?.replaceWith(option);
}

async function look() {
  const fresh = await load(dots.dataset.dots);
  // Another page comes where the session has ended.
  if (!fresh?.querySelector("[data-dots]")) return;
  for (const { dataset } of dots.querySelectorAll("[data-service]")) show(fresh, dataset.service);
}

/** Looks anew, after what is being looked at. */
export function refreshDots() {
  looked = looked.then(look);
}
