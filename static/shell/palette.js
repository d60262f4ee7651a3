/** The palette: pages, recipes and actions by name, with the keyboard alone (a combobox over a list of options). */

import { handOver } from "./handover.js";

export class Palette {
  #dialog;
  #query;
  #active = null;

  constructor(dialog) {
    this.#dialog = dialog;
    this.#query = dialog.querySelector("[role=combobox]");
    this.#query.addEventListener("input", () => this.#filter());
    this.#query.addEventListener("keydown", (event) => this.#pressed(event));
    dialog.addEventListener("click", (event) => this.#chosen(event));
    // Opened from a button, from a key or from another dialog: it always begins empty. `toggle` would come only after
    // the first letters of somebody who types at once.
    dialog.addEventListener("beforetoggle", (event) => event.newState === "open" && this.#begin());
    this.#filter();
  }

  #begin() {
    this.#query.value = "";
    this.#filter();
  }

  #filter() {
    const words = this.#query.value.toLowerCase().split(/\s+/u).filter(Boolean);
    for (const option of this.#options) {
      const text = option.textContent.toLowerCase();
      option.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of this.#dialog.querySelectorAll("[role=group]")) {
      group.hidden = !group.querySelector("[role=option]:not([hidden])");
    }
    this.#dialog.querySelector("[data-nothing]").hidden = this.#shown.length > 0;
    this.#activate(this.#shown[0] ?? null);
  }

  /** Asked for each time: those of the services are written anew when one changes. */
  get #options() {
    return [...this.#dialog.querySelectorAll("[role=option]")];
  }

  get #shown() {
    return this.#options.filter((option) => !option.hidden);
  }

  #activate(option) {
    for (const other of this.#options) other.setAttribute("aria-selected", String(other === option));
    this.#active = option;
    if (option) this.#query.setAttribute("aria-activedescendant", option.id);
    else this.#query.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  #pressed(event) {
    const shown = this.#shown;
    const at = shown.indexOf(this.#active);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (next !== undefined) this.#activate(shown.at(next % shown.length) ?? null);
    else if (event.key === "Enter" && !event.isComposing) this.#active?.click();
    else return;
    event.preventDefault();
  }

  #chosen(event) {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    if (option.dataset.ask) handOver(option.dataset.ask);
    this.#dialog.close();
    if (option.dataset.presses) document.querySelector(option.dataset.presses).click();
  }
}
