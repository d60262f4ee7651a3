/**
 * The timeline's search field: completes qualifiers and their values, which it asks for once somebody is in the field. The
 * focus stays there, and the field points at the active option; whoever takes none just writes on.
 */

import { announce } from "../shell/announcer.js";
import { gettext, ngettext } from "../shell/words.js";

const MAX_SHOWN = 8;
// The part before the caret: a qualifier with what is typed of its value, or what may become one.
const PART = /(?:^|\s)(?:(?<name>[a-z]+):)?(?<typed>[^\s"]*)$/u;
// What providers' tokens begin with. SECURITY: an address is kept in histories and logs, so none goes into one.
const TOKEN = /\b(?:gh[a-z]_|github_pat_|xox[a-z]-|xapp-|xoxe|ya29\.|1\/\/0)[\w.-]{8,}/u;

const form = document.querySelector("[data-search]");
const field = form?.querySelector("[name=q]");
const list = form?.querySelector("[data-options]");
let known = {};
let isAsked = false;
let active = -1;
let part = null;
let told = "";

/** Asks what there is to complete; where no answer comes nothing is, until somebody comes into the field again. */
async function learn() {
  if (isAsked) return;
  isAsked = true;
  try {
    known = await (await fetch(form.dataset.completions, { headers: { Accept: "application/json" } })).json();
  } catch {
    isAsked = false;
  }
  // For what was typed meanwhile.
  if (field === document.activeElement && field.value !== field.defaultValue) look();
}

function look() {
  const { selectionStart: caret, selectionEnd: end, value } = field;
  const found = caret === end ? PART.exec(value.slice(0, caret)) : null;
  const { name = "", typed = "" } = found?.groups ?? {};
  part = found && { at: caret - typed.length };
  show(found ? matching(known[name] ?? [], typed.toLowerCase()) : []);
}

/** Returns what begins as it is typed, then what has it somewhere; a whole value is complete. */
function matching(pairs, typed) {
  const found = pairs.filter(([value, hint]) => value !== typed && `${value} ${hint.toLowerCase()}`.includes(typed));
  return found.sort(([one], [other]) => Number(other.startsWith(typed)) - Number(one.startsWith(typed))).slice(0, MAX_SHOWN);
}

function show(pairs) {
  list.replaceChildren(...pairs.map(option));
  list.hidden = pairs.length === 0;
  field.setAttribute("aria-expanded", String(!list.hidden));
  activate(-1);
  const text = pairs.length ? ngettext("{number} suggestion.", "{number} suggestions.", pairs.length) : "";
  if (text && text !== told) announce(text);
  told = text;
}

function option([value, hint], index) {
  const element = document.createElement("li");
  element.className = "audit-option";
  element.id = `audit-option-${index}`;
  element.dataset.value = value;
  element.setAttribute("role", "option");
  const [code, words] = [document.createElement("code"), document.createElement("span")];
  [code.textContent, words.textContent] = [value, hint];
  element.append(code, " ", words);
  return element;
}

/** Points at one option; -1 is the field itself, where Enter searches. */
function activate(index) {
  active = index;
  for (const [at, one] of [...list.children].entries()) one.setAttribute("aria-selected", String(at === index));
  const chosen = list.children[index];
  if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  else field.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

function accept(chosen) {
  if (!chosen) return;
  const { value } = chosen.dataset;
  field.setRangeText(value.endsWith(":") ? value : `${value} `, part.at, field.selectionStart, "end");
  look();
}

function pressed(event) {
  const size = list.children.length;
  if (event.isComposing) return;
  if (event.key === "ArrowDown" && list.hidden) look();
  else if (list.hidden) return;
  else if (event.key === "ArrowDown") activate(active + 1 < size ? active + 1 : -1);
  else if (event.key === "ArrowUp") activate(active < 0 ? size - 1 : active - 1);
  else if (event.key === "Escape") show([]);
  else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && active >= 0) accept(list.children[active]);
  else return;
  event.preventDefault();
}

function submitted(event) {
  if (!TOKEN.test(field.value)) return;
  event.preventDefault();
  const said = gettext("This looks like a token. It was not sent: an address is no place for one.");
  field.setCustomValidity(said);
  field.reportValidity();
  announce(said);
}

if (field) {
  const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": list.id, "aria-expanded": "false" };
  for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value);
  field.addEventListener("focus", learn);
  if (field === document.activeElement) learn();
  field.addEventListener("input", () => {
    field.setCustomValidity("");
    look();
  });
  field.addEventListener("keydown", pressed);
  field.addEventListener("blur", () => show([]));
  // The focus stays in the field.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => accept(target.closest("[role=option]")));
  form.addEventListener("submit", submitted);
}
