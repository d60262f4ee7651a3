/** The question whether one call may read: a plain form, whose answer goes over the socket while there is one. */

import { announce } from "../shell/announcer.js";
import { gettext } from "../shell/words.js";
import { part } from "./dom.js";

// What a call is asked with is told at length in its disclosure.
const MAX_CHARACTERS = 240;
// WCAG 2.2, 2.2.1 asks for at least twenty seconds between the warning and the end.
const WARNING_MS = 30_000;

export class Asking {
  #form;
  #run;
  #question = "";
  #warning = 0;

  /** `run` is the run's id, and `reply(question, answer)` sends an answer and tells whether it could. */
  constructor(form, { run, reply }) {
    this.#form = form;
    form.addEventListener("submit", (event) => {
      // Where nothing could be sent, the browser sends the form.
      if (reply(this.#question, event.submitter.value)) event.preventDefault();
    });
    this.#run = run;
  }

  /** Shows the question of a `step.permission` event, or its new end; the focus stays where it is. */
  show({ question, reads, scopes, ends_ms: endsMs, is_extendable: isExtendable }, { args }) {
    this.#question = question;
    this.#form.action = `/runs/${this.#run}/questions/${question}/`;
    part(this.#form, "next").value = location.pathname;
    part(this.#form, "reads").textContent = gettext(reads);
    part(this.#form, "with").textContent = args.length > MAX_CHARACTERS ? `${args.slice(0, MAX_CHARACTERS)}…` : args;
    part(this.#form, "scopes").textContent = scopes || "–";
    const ends = part(this.#form, "ends");
    ends.dateTime = new Date(endsMs).toISOString();
    ends.textContent = timeOf(endsMs);
    this.#offerTime(isExtendable);
    this.#warn({ reads, endsMs, isExtendable });
    this.#form.hidden = false;
  }

  #offerTime(isExtendable) {
    const button = part(this.#form, "more-time");
    // Whoever has just taken the last of the time keeps their place among the answers.
    if (!isExtendable && button === document.activeElement) button.previousElementSibling.focus({ preventScroll: true });
    button.hidden = !isExtendable;
  }

  #warn({ reads, endsMs, isExtendable }) {
    clearTimeout(this.#warning);
    const wait = endsMs - WARNING_MS - Date.now();
    if (!isExtendable || wait <= 0) return;
    const text = gettext("The AI still asks whether it may read {reads}. Answer by {time}, or press “I need more time”.", { reads: gettext(reads), time: timeOf(endsMs) });
    this.#warning = setTimeout(() => announce(text), wait);
  }

  /** Closes the question; whoever stood on one of its buttons keeps their place at `place`. */
  close(place) {
    if (this.#form.contains(document.activeElement)) place.focus({ preventScroll: true });
    clearTimeout(this.#warning);
    this.#form.hidden = true;
  }
}

/** The time of day of an instant, in ms since the epoch, as the reader's language writes it. */
export function timeOf(instantMs) {
  return new Date(instantMs).toLocaleTimeString(document.documentElement.lang);
}
