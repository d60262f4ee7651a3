/** The question whether one call may read: a plain form, whose answer goes over the socket while there is one. */

import { part } from "./dom.js";

// What a call is asked with is told at length in its disclosure.
const MAX_CHARACTERS = 240;

export class Asking {
  #form;
  #run;
  #question = "";

  /** `run` is the run's id, and `reply(question, answer)` sends an answer and tells whether it could. */
  constructor(form, { run, reply }) {
    this.#form = form;
    form.addEventListener("submit", (event) => {
      // Where nothing could be sent, the browser sends the form.
      if (reply(this.#question, event.submitter.value)) event.preventDefault();
    });
    this.#run = run;
  }

  /** Shows the question of a `step.permission` event; the focus stays where it is. */
  show({ question, reads, scopes, ends_ms: endsMs }, { args }) {
    this.#question = question;
    this.#form.action = `/runs/${this.#run}/questions/${question}/`;
    part(this.#form, "next").value = location.pathname;
    part(this.#form, "reads").textContent = reads;
    part(this.#form, "with").textContent = args.length > MAX_CHARACTERS ? `${args.slice(0, MAX_CHARACTERS)}…` : args;
    part(this.#form, "scopes").textContent = scopes || "–";
    const ends = part(this.#form, "ends");
    ends.dateTime = new Date(endsMs).toISOString();
    ends.textContent = new Date(endsMs).toLocaleTimeString(document.documentElement.lang);
    this.#form.hidden = false;
  }

  /** Closes the question; whoever stood on one of its buttons keeps their place at `place`. */
  close(place) {
    if (this.#form.contains(document.activeElement)) place.focus({ preventScroll: true });
    this.#form.hidden = true;
  }
}
