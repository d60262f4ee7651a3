/**
 * Where the user types. Nothing typed is lost: the draft lives in the session's storage, and the text stays in the box
 * until the server has accepted it.
 */

import { Completion } from "./completion.js";
import { gettext } from "../shell/words.js";
import { part } from "./dom.js";

const DRAFT = "draft:";
// A server that answers at all answers within this; after it the user gets the text back to try again.
const PATIENCE_MS = 15_000;

export class Composer {
  #form;
  #box;
  #on;
  #conversation;
  #completion;
  #pending = null;
  /** A question that got no answer: sent again unchanged it keeps its key, so it cannot become two runs. */
  #unanswered = null;
  #timer = 0;
  /** While a question is edited: the run whose place it takes, and the draft that stood in the box. */
  #replacing = null;

  /**
   * @param {HTMLFormElement} form
   * @param {{ask: Function, giveUp: Function, stop: Function}} on `ask({key, text, recipe, since, replaces})`, `giveUp(key)` when
   *   no answer came, and `stop()`.
   */
  constructor(form, conversation, on) {
    this.#form = form;
    this.#box = form.querySelector("textarea");
    this.#on = on;
    this.#conversation = conversation;
    this.#box.value ||= read(DRAFT + conversation);
    this.#completion = part(form, "completion") && new Completion(form, (sign) => load(form, sign));
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    form.addEventListener("submit", (event) => this.#submitted(event));
    part(form, "cancel-edit").addEventListener("click", () => this.#cancelEdit());
    part(form, "stop").addEventListener("click", () => on.stop());
    this.#refresh();
  }

  /** Sends `text` as if it had been typed; a draft that stands in the box stays there. */
  submit(text, { recipe = "", since = "", replaces = null } = {}) {
    if (!this.#pending && text.trim()) this.#send({ text: text.trim(), recipe, since: since || null, replaces });
  }

  /** Puts a question that was asked in the box; when it is sent it takes the place of `run`. */
  edit(text, run) {
    if (this.#pending) return;
    this.#replacing ??= { draft: this.#box.value };
    this.#replacing.run = run;
    this.#box.value = text;
    part(this.#form, "editing").hidden = false;
    this.#typed();
    this.#box.focus();
  }

  #leaveEdit() {
    const draft = this.#replacing?.draft ?? "";
    this.#replacing = null;
    part(this.#form, "editing").hidden = true;
    return draft;
  }

  #cancelEdit() {
    this.#box.value = this.#leaveEdit();
    this.#typed();
    this.#box.focus();
  }

  /** The server took the question: the box is free again, in the conversation it now belongs to. */
  accepted(key, conversation) {
    const isOwn = this.#pending?.key === key && this.#pending.text === this.#box.value.trim();
    if (isOwn) this.#box.value = this.#leaveEdit();
    write(DRAFT + this.#conversation, "");
    this.#conversation = conversation;
    write(DRAFT + conversation, this.#box.value);
    this.#settle();
  }

  /** The server refused, or nobody answered: the text is back in the box, and the line says why. */
  refused(message) {
    if (this.#pending && !this.#box.value.trim()) this.#box.value = this.#pending.text;
    write(DRAFT + this.#conversation, this.#box.value);
    this.#settle();
    this.#complain(message);
  }

  showRunning(isRunning) {
    part(this.#form, "stop").hidden = !isRunning;
  }

  /** Says what is wrong with the connection, `lost` or `signed-out`, and returns the words; "" when it is `open`. */
  showLink(state) {
    const lines = { lost: part(this.#form, "link"), "signed-out": part(this.#form, "signed-out") };
    for (const [name, line] of Object.entries(lines)) line.hidden = name !== state;
    return lines[state]?.textContent.trim() ?? "";
  }

  #complain(message) {
    part(this.#form, "error").textContent = message;
  }

  #typed() {
    write(DRAFT + this.#conversation, this.#box.value);
    this.#complain("");
    this.#refresh();
  }

  #pressed(event) {
    if (this.#completion?.takes(event)) return;
    if (event.key === "Escape" && this.#replacing && !this.#pending) this.#cancelEdit();
    // While an input method composes a character, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #submitted(event) {
    event.preventDefault();
    this.submit(this.#box.value, { replaces: this.#replacing?.run ?? null });
  }

  #send(question) {
    this.#complain("");
    const last = this.#unanswered;
    // Sent from the box it has lost its recipe, and is the same question; by another recipe or window it is another.
    const isAlike = !question.recipe || (last?.recipe === question.recipe && last.since === question.since);
    const isSame = last?.text === question.text && last.replaces === question.replaces && isAlike;
    this.#pending = isSame ? last : { key: newKey(), ...question };
    this.#unanswered = null;
    this.#timer = setTimeout(() => this.#lostPatience(), PATIENCE_MS);
    this.#refresh();
    this.#on.ask(this.#pending);
  }

  #lostPatience() {
    this.#unanswered = this.#pending;
    this.#on.giveUp(this.#pending.key);
    this.refused(gettext("The server does not answer. Your text is kept; send it again in a moment."));
  }

  #settle() {
    clearTimeout(this.#timer);
    this.#pending = null;
    this.#refresh();
  }

  #refresh() {
    const isPending = this.#pending !== null;
    this.#box.readOnly = isPending;
    this.#form.toggleAttribute("data-pending", isPending);
    part(this.#form, "send").disabled = isPending || !this.#box.value.trim();
  }
}

/** Asks the server for the names after `sign`; nothing of what was typed goes with it. */
async function load(form, sign) {
  const { address, token } = part(form, "completion").dataset;
  const body = new URLSearchParams({ sign, csrfmiddlewaretoken: token });
  const answer = await fetch(address, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error(`no names: ${answer.status}`);
  return answer.json();
}

/** Returns a random UUID (RFC 9562 version 4); `crypto.randomUUID` does not exist on plain-HTTP hosts. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}

function read(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function write(key, text) {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // Without storage the text lives as long as the page.
  }
}
