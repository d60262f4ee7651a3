/**
 * Names to complete while a question is written: after a sign, from the lists that the server lets this user read. The
 * focus stays in the box, which points at the active option; without a list, or without an answer, one just writes on.
 */

import { announce } from "../shell/announcer.js";
import { ngettext } from "../shell/words.js";
import { make, part } from "./dom.js";

const MAX_SHOWN = 8;
// Somebody who types on at once is not completing a name: nothing is asked for them.
const PAUSE_MS = 150;
// The word before the caret, with its sign; one that begins with a digit is the number of an issue.
const WORD = /(?:^|[\s(])(?<sign>[^\w\s(])(?<typed>[\p{L}_][\p{L}\p{N}_./-]*|)$/u;

export class Completion {
  #box;
  #popup;
  #list;
  #note;
  #signs;
  #load;
  /** The word being written, `{sign, at}`, with `names`, `note` once the server has answered; or null. */
  #word = null;
  /** Where the user closed the list: it stays closed for this word. */
  #closedAt = -1;
  #active = -1;
  #timer = 0;

  /** @param {Function} load `load(sign)` resolves to the server's `{names, is_cut, message}`. */
  constructor(form, load) {
    this.#box = form.querySelector("textarea");
    this.#popup = part(form, "completion");
    this.#list = part(form, "completion-list");
    this.#note = part(form, "completion-note");
    this.#signs = this.#popup.dataset.signs;
    this.#load = load;
    this.#box.addEventListener("input", () => this.#look());
    this.#box.addEventListener("click", () => this.#word && this.#look());
    this.#box.addEventListener("blur", () => this.#leave());
    // The focus stays in the box.
    this.#popup.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => this.#accept(target.closest("[role=option]")));
  }

  /** Takes a key that belongs to the open list, and tells whether it did. */
  takes(event) {
    const options = this.#options;
    if (this.#popup.hidden || event.isComposing) return false;
    if (event.key === "Escape") this.#close();
    else if (options.length === 0) return false;
    else if (event.key === "ArrowDown") this.#activate((this.#active + 1) % options.length);
    else if (event.key === "ArrowUp") this.#activate((this.#active - 1 + options.length) % options.length);
    else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) this.#accept(options[this.#active]);
    else return false;
    event.preventDefault();
    return true;
  }

  get #options() {
    return [...this.#list.children];
  }

  #look() {
    const { selectionStart: caret, selectionEnd: end, value } = this.#box;
    const found = caret === end ? WORD.exec(value.slice(0, caret)) : null;
    if (!found || !this.#signs.includes(found.groups.sign)) {
      this.#leave();
      return;
    }
    const { sign, typed } = found.groups;
    const at = caret - typed.length - sign.length;
    if (at === this.#closedAt) return;
    if (this.#word?.sign !== sign || this.#word.at !== at) this.#begin({ sign, at });
    else if (this.#word.names) this.#show(typed);
  }

  #begin(word) {
    this.#leave();
    this.#word = word;
    this.#timer = setTimeout(() => this.#ask(word), PAUSE_MS);
  }

  async #ask(word) {
    const { names, is_cut: isCut, message } = await this.#load(word.sign).catch(() => ({ names: [], message: "" }));
    if (this.#word !== word) return;
    word.names = names;
    word.note = message || (isCut ? this.#popup.dataset.cut : "");
    this.#look();
  }

  #show(typed) {
    const wanted = typed.toLowerCase();
    const found = this.#word.names.filter((name) => name.toLowerCase().includes(wanted)).sort((one, other) => rank(one, wanted) - rank(other, wanted));
    this.#list.replaceChildren(...found.slice(0, MAX_SHOWN).map(option));
    this.#list.hidden = found.length === 0;
    // A note on the whole list is of no use beside a word that is on it in full.
    this.#note.textContent = found.length && found.length <= MAX_SHOWN && wanted ? "" : this.#word.note;
    this.#popup.hidden = found.length === 0 && !(this.#word.note && this.#word.names.length === 0);
    this.#activate(found.length ? 0 : -1);
    this.#tell(found.length);
  }

  #tell(number) {
    if (this.#popup.hidden || this.#word.told === number) return;
    this.#word.told = number;
    announce(number ? ngettext("{number} name.", "{number} names.", number) : this.#word.note);
  }

  #activate(index) {
    this.#active = index;
    for (const [at, one] of this.#options.entries()) one.setAttribute("aria-selected", String(at === index));
    const active = this.#options[index];
    if (active) this.#box.setAttribute("aria-activedescendant", active.id);
    else this.#box.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  #accept(chosen) {
    if (!chosen) return;
    this.#box.setRangeText(`${chosen.textContent} `, this.#word.at, this.#box.selectionStart, "end");
    // Whoever keeps the draft hears of it as of anything typed.
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Closes the list for the word that is being written. */
  #close() {
    const { at } = this.#word;
    this.#leave();
    this.#closedAt = at;
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#word = null;
    this.#closedAt = -1;
    this.#popup.hidden = true;
    this.#list.replaceChildren();
    this.#activate(-1);
  }
}

/** Names that begin with what was typed come first, then those with a part that does. */
function rank(name, wanted) {
  const lower = name.toLowerCase().replace(/^\W/u, "");
  if (lower.startsWith(wanted)) return 0;
  return lower.split(/[/_.-]/u).some((piece) => piece.startsWith(wanted)) ? 1 : 2;
}

function option(name, index) {
  const element = make("li", "completion-option", name);
  element.id = `completion-${index}`;
  element.setAttribute("role", "option");
  return element;
}
