/**
 * The run socket, protocol version 1: sends questions, follows runs, and comes back after every break without losing
 * or repeating an event. It knows no page.
 */

const VERSION = 1;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
// A server in trouble takes a socket and closes it at once; only one that lasted this long has really come back.
const STEADY_MS = 2000;
// A server sends what was missed at once; what comes later than this happens now.
const REPLAY_MS = 600;
// The server's word for "sign in again"; coming back would be refused just the same.
const SIGNED_OUT = 4401;
const TERMINAL = new Set(["run.finished", "run.stopped", "run.failed"]);

export class RunSocket {
  #path;
  #on;
  #socket = null;
  #attempts = 0;
  #timer = 0;
  #steady = 0;
  /** Last `seq` seen, by run; a run stays here after its end, so that a late duplicate is known. */
  #seen = new Map();
  #ended = new Set();
  /** Questions that the server has not answered yet, by key; the key makes sending them again harmless. */
  #unanswered = new Map();
  #wasLost = false;
  /** Events that came since the socket came back, while they are those that were missed; else null. */
  #missed = null;

  /**
   * @param {string} path Path of the socket on this host.
   * @param {{event: Function, accepted: Function, error: Function, link: Function, changed: Function,
   *   caughtUp: Function}} on
   *   `event(message)` for each new run event, `accepted(message, question)`, `error(message)`, `link(state)`: `open`,
   *   `lost` or `signed-out`, `changed()` when a service is not as it was, and `caughtUp(count)` after a break in
   *   which this many events were missed.
   */
  constructor(path, on) {
    this.#path = path;
    this.#on = on;
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    this.#connect();
  }

  /** Follows `run` from its beginning; what was seen already is not asked for again. */
  follow(run) {
    if (this.#seen.has(run)) return;
    this.#seen.set(run, 0);
    this.#attach(run);
  }

  /** Asks `text`, in the place of the run `replaces` if any; sent again after a break until accepted or refused. */
  ask({ key, text, conversation, recipe, since, replaces }) {
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
    const question = { v: VERSION, type: "send", key, text, conversation, time_zone: timeZone, recipe, since, replaces };
    this.#unanswered.set(key, question);
    this.#write(question);
  }

  /** Gives up on a question that was not answered; its answer is ignored should it still come. */
  forget(key) {
    this.#unanswered.delete(key);
  }

  stop(run) {
    this.#write({ v: VERSION, type: "stop", run });
  }

  /** Answers a question of a run, and tells whether that could be sent. */
  reply({ run, question, answer }) {
    this.#write({ v: VERSION, type: "answer", run, question, answer });
    return this.isOpen;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #connect() {
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", ({ data }) => this.#received(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#closed(socket, code));
  }

  #opened() {
    this.#steady = setTimeout(() => (this.#attempts = 0), STEADY_MS);
    this.#on.link("open");
    if (this.#wasLost) this.#countMissed();
    for (const run of this.#seen.keys()) this.#attach(run);
    for (const question of this.#unanswered.values()) this.#write(question);
  }

  #countMissed() {
    this.#wasLost = false;
    this.#missed = 0;
    setTimeout(() => {
      if (this.#missed) this.#on.caughtUp(this.#missed);
      this.#missed = null;
    }, REPLAY_MS);
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#steady);
    this.#wasLost = true;
    this.#on.link(code === SIGNED_OUT ? "signed-out" : "lost");
    if (code === SIGNED_OUT) return;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    // Half of the wait is random, so that a restarted server does not meet all its pages at once.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  #retryNow() {
    if (this.#socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #attach(run) {
    if (!this.#ended.has(run)) this.#write({ v: VERSION, type: "attach", run, after: this.#seen.get(run) });
  }

  #write(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  #received(message) {
    if (message.v !== VERSION) return;
    if (message.type === "accepted") this.#accepted(message);
    else if (message.type === "error") this.#refused(message);
    else if (message.type === "services.changed") this.#on.changed();
    else this.#event(message);
  }

  #accepted(message) {
    const question = this.#unanswered.get(message.key);
    if (!question) return;
    this.#unanswered.delete(message.key);
    // The server follows a new run for this socket by itself; only another socket has to attach.
    if (!this.#seen.has(message.run)) this.#seen.set(message.run, 0);
    this.#on.accepted(message, question);
  }

  #refused(message) {
    // Nobody read which frame this was about: come back later, and say again whatever the server does not know.
    if (message.code === "too_fast") {
      this.#socket.close();
      return;
    }
    // A frame that the server could not even read is refused without its key.
    if (message.key) this.#unanswered.delete(message.key);
    else if (message.run) this.#ended.add(message.run);
    else if (!message.question) this.#unanswered.clear();
    this.#on.error(message);
  }

  #event(message) {
    // The end of a run counts once, whatever its number: a database that was restored has lost what was seen before it.
    const isEnd = TERMINAL.has(message.type) && !this.#ended.has(message.run);
    if (message.seq <= (this.#seen.get(message.run) ?? 0) && !isEnd) return;
    this.#seen.set(message.run, message.seq);
    if (this.#missed !== null) this.#missed += 1;
    if (TERMINAL.has(message.type)) this.#ended.add(message.run);
    this.#on.event(message);
  }
}
