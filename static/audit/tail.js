/**
 * New events on the timeline as they come, under the search of the page: the socket says that there are more, and the
 * server renders them. What is being read stays where it is: then new rows wait until they are asked for.
 */

import { announce } from "../shell/announcer.js";
import { gettext, ngettext } from "../shell/words.js";
import { load } from "../shell/parts.js";

const VERSION = 1;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
// The server's word for "sign in again"; coming back would be refused just the same.
const SIGNED_OUT = 4401;

const numberOf = (row) => Number(row.querySelector("[data-number]").dataset.number);
const rowsIn = (root) => [...root.querySelectorAll(".events > li")];

class Tail {
  #panel;
  #state;
  #switch;
  #pill = document.querySelector("[data-tail-pill]");
  #days = document.querySelector("[data-days]");
  #socket = null;
  #timer = 0;
  #attempts = 0;
  #isFollowing = true;
  #isLoading = false;
  /** The newest event that the server told of, and whether rows were not asked for since. */
  #told = 0;
  #isBehind = false;
  /** Up to where rows were asked for, at the last look and at the one before it. */
  #marks;
  /** Rows that wait, by number, each with its day as the server rendered it. */
  #waiting = new Map();
  #isCut = false;

  constructor(panel) {
    this.#panel = panel;
    [this.#state, this.#switch] = [panel.querySelector("[data-tail-state]"), panel.querySelector("[data-tail-switch]")];
    this.#marks = [Number(panel.dataset.newest), Number(panel.dataset.newest)];
    this.#switch.addEventListener("click", () => this.#turn());
    this.#pill.addEventListener("click", () => this.#showAsked());
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    panel.hidden = false;
    this.#say(gettext("New events appear here as they come."));
    this.#connect();
  }

  #connect() {
    const url = new URL("/ws/audit/", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#say(gettext("New events appear here as they come.")));
    socket.addEventListener("message", ({ data }) => this.#received(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#closed(socket, code));
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    if (code === SIGNED_OUT) {
      this.#say(gettext("You are signed out, so nothing new is shown."));
      [this.#isFollowing, this.#switch.hidden] = [false, true];
      return;
    }
    this.#say(gettext("The connection is lost. New events appear once it is back."));
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    // Half of the wait is random, so that a restarted server does not meet all its pages at once.
    this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  #retryNow() {
    if (!this.#timer || this.#socket || !this.#isFollowing) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #turn() {
    this.#isFollowing = !this.#isFollowing;
    this.#switch.textContent = this.#isFollowing ? gettext("Pause") : gettext("Follow");
    clearTimeout(this.#timer);
    if (this.#isFollowing) {
      this.#connect();
      return;
    }
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#say(gettext("Paused: nothing new is shown until you follow again."));
  }

  #say(text) {
    this.#state.textContent = text;
  }

  #received({ v, type, newest }) {
    if (v !== VERSION || type !== "more") return;
    this.#attempts = 0;
    [this.#told, this.#isBehind] = [newest, true];
    this.#load();
  }

  async #load() {
    if (this.#isLoading || !this.#isBehind || !this.#isFollowing) return;
    [this.#isLoading, this.#isBehind] = [true, false];
    const upTo = this.#told;
    const url = new URL(this.#panel.dataset.tail, location.href);
    url.search = location.search;
    // From one look further back: a smaller number may be committed after a larger one.
    url.searchParams.set("after", this.#marks[0]);
    const part = (await load(url))?.querySelector("[data-newer]");
    this.#isLoading = false;
    if (part && this.#isFollowing) {
      this.#marks = [this.#marks[1], upTo];
      this.#take(part);
      this.#load();
    } else {
      this.#isBehind = true;
      setTimeout(() => this.#load(), LONGEST_WAIT_MS);
    }
  }

  #take(part) {
    const isReading = this.#isReading();
    const fresh = rowsIn(part).filter((row) => !this.#waiting.has(numberOf(row)) && !this.#find(numberOf(row)));
    for (const row of fresh) this.#waiting.set(numberOf(row), { row, day: row.closest(".day") });
    this.#isCut ||= "isCut" in part.dataset;
    this.#showSeal(part);
    if (!fresh.length) return;
    announce(ngettext("{number} new event.", "{number} new events.", fresh.length));
    if (isReading || this.#isCut || this.#waiting.size > fresh.length) this.#offer();
    else this.#show();
  }

  #find(number) {
    return this.#days.querySelector(`[data-number="${number}"]`);
  }

  /** Tells whether new rows at the top would move something from under the eyes or the hands of who reads. */
  #isReading() {
    const isOpen = this.#days.querySelector("details[open]") || this.#days.contains(document.activeElement);
    return Boolean(isOpen) || this.#days.getBoundingClientRect().top < 0;
  }

  #offer() {
    this.#pill.textContent = this.#isCut
      ? gettext("Many new events: show the newest")
      : ngettext("Show {number} new event", "Show {number} new events", this.#waiting.size);
    this.#pill.hidden = false;
  }

  #showAsked() {
    if (this.#isCut) {
      location.reload();
      return;
    }
    const newest = Math.max(...this.#waiting.keys());
    this.#show();
    const row = this.#find(newest);
    // A button that goes away must not take the focus with it.
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  }

  #show() {
    this.#pill.hidden = true;
    if (this.#days.querySelector(".day") === null) this.#days.replaceChildren();
    for (const { row, day } of this.#waiting.values()) this.#insert(row, day);
    this.#waiting.clear();
  }

  /** Puts a row where its number belongs, into its day. */
  #insert(row, day) {
    const rows = this.#dayLike(day).querySelector(".events");
    const next = rowsIn(this.#days).find((other) => other.parentElement === rows && numberOf(other) < numberOf(row));
    rows.insertBefore(row, next ?? null);
  }

  #dayLike(day) {
    const { id } = day.querySelector("h2");
    const own = [...this.#days.children].find((one) => one.querySelector("h2").id === id);
    if (own) return own;
    const made = document.importNode(day, true);
    made.querySelector(".events").replaceChildren();
    const next = [...this.#days.children].find((one) => one.querySelector("h2").id < id);
    this.#days.insertBefore(made, next ?? null);
    return made;
  }

  #showSeal(part) {
    const seal = document.querySelector("[data-seal]");
    if (!seal) return;
    seal.dataset.sealedTo = part.dataset.sealedTo;
    seal.querySelector("[data-sealed-line]").replaceChildren(...part.querySelector("[data-sealed-line]").childNodes);
  }
}

const panel = document.querySelector("[data-tail]");
if (panel) new Tail(panel);
