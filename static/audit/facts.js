/**
 * What a row of the timeline unfolds: asked for when it is opened, since a page with all of it weighs three times as much.
 * A row that gets no answer keeps its link, which leads to the same on a page of its own.
 */

import { load } from "../shell/parts.js";

async function fill(row) {
  const link = row.querySelector(".event-link");
  if (!link || row.hasAttribute("aria-busy")) return;
  row.setAttribute("aria-busy", "true");
  const part = await load(new URL("facts/", link.firstElementChild.href));
  row.removeAttribute("aria-busy");
  const facts = part?.querySelector(".facts");
  if (!facts) return;
  const isFocused = link.contains(document.activeElement);
  link.replaceWith(facts);
  // A link that goes away must not take the focus with it.
  if (isFocused) row.querySelector("summary").focus();
}

const days = document.querySelector("[data-days]");
// It does not bubble, and rows come later too.
days?.addEventListener("toggle", ({ target }) => target.open && fill(target), true);
for (const row of days?.querySelectorAll(".event[open]") ?? []) fill(row);
