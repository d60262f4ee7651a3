/** The three service lanes of one run: every tool call as a chip that tells its permission, exchange and reading. */

import { gettext } from "../shell/words.js";
import { Asking } from "./asking.js";
import { fromTemplate, part, useIcon } from "./dom.js";
import * as words from "./wording.js";

const REMEDIES = {
  revoked: { word: gettext("Allow again"), address: "permission" },
  access_paused: { word: gettext("Allow again"), address: "permission" },
  not_connected: { word: gettext("Connect"), address: "connect" },
  reconnect_required: { word: gettext("Reconnect"), address: "connect" },
  missing_scope: { word: gettext("Reconnect"), address: "connect" },
  policy_denied: { word: gettext("Permissions"), address: "permission" },
  away: { word: gettext("Permissions"), address: "permission" },
};
const BLOCKED = new Set(["revoked", "access_paused", "not_connected", "reconnect_required", "policy_denied", "away", "not_granted", "declined", "not_answered", "undeclared_request", "missing_scope", "budget_spent"]);

/** One tool call in its lane. */
class Call {
  #root = fromTemplate("call");
  #addresses;
  #args;
  #question;
  /** The form of its question, once there was one: few calls ask, and a long conversation has many. */
  #asking = null;
  #answer = "";
  #evidence = new Set();

  /**
   * `addresses` are those of the lane: where access is given back, and where the service is connected; `run` and `reply`
   * are for the call's question.
   */
  constructor({ tool, provider, label, args }, { addresses, auditHref, run, reply }) {
    this.#addresses = addresses;
    this.#args = words.args(args);
    this.#question = { run, reply };
    part(this.#root, "label").textContent = gettext(label).replace(/(…|\.\.\.)$/u, "");
    part(this.#root, "audit-link").href = provider ? `${auditHref}&service=${encodeURIComponent(provider)}` : auditHref;
    this.#fact("arguments", this.#args);
    this.#fact("tool", tool);
    this.#show("running", "spinner", provider ? gettext("checking permission") : "");
  }

  get element() {
    return this.#root;
  }

  /** Tells whether this call returned the item. */
  returned(evidence) {
    return this.#evidence.has(evidence);
  }

  /** A copy of what its disclosure tells, for the drawer, with the call's label as `label`. */
  tell() {
    return { label: part(this.#root, "label").textContent, facts: this.#root.querySelector(".facts").cloneNode(true) };
  }

  permission(event) {
    if (event.state === "asked") this.#ask(event);
    else if (event.state === "answered") this.#answered(event);
    else this.#decided(event);
  }

  /** Whether it waits for an answer. */
  get isAsking() {
    return this.#root.dataset.state === "asking";
  }

  #ask(event) {
    this.#fact("permission", words.permission("asked"));
    this.#show("asking", "question", words.permission("asked"));
    if (!this.#asking) {
      const form = fromTemplate("asking");
      this.#asking = new Asking(form, this.#question);
      this.#root.append(form);
    }
    this.#asking.show(event, { args: this.#args });
  }

  #answered({ answer }) {
    this.#answer = words.answer(answer);
    this.#asking?.close(this.#root.querySelector("summary"));
    this.#show("running", "spinner", gettext("checking permission"));
  }

  #decided({ state }) {
    this.#fact("permission", [words.permission(state), this.#answer].filter(Boolean).join(", "));
    if (state === "allowed") this.#note(gettext("exchanging token"));
  }

  exchanged({ ms, scopes, exchange }) {
    this.#fact("exchange", gettext("granted in {time}, {exchange}", { time: words.duration(ms), exchange }));
    this.#fact("scopes", scopes || gettext("the service has none"));
    this.#fact("reading", gettext("reading"));
    this.#note(gettext("reading"));
  }

  progress({ done, total }) {
    this.#note(gettext("reading {done} of {total}", { done, total }));
    this.#fact("reading", gettext("{done} of {total}", { done, total }));
  }

  finished({ ms, items, bytes, read_ms: readMs, evidence = [], titles = [], is_truncated: isCut, warnings = [] }) {
    this.#evidence = new Set(evidence);
    this.#fact("reading", gettext("{items}, {size} in {time}", { items: words.items(items), size: words.size(bytes), time: words.duration(ms) }));
    if (readMs !== undefined) this.#fact("asked", words.duration(readMs));
    this.#fact("result", words.result({ titles, items, isCut, warnings }));
    this.#show("done", "check", `${words.items(items)} · ${words.duration(ms)}`);
  }

  failed({ ms, code, message }) {
    const isBlocked = BLOCKED.has(code);
    this.#asking?.close(this.#root.querySelector("summary"));
    this.#fact("reading", gettext("not read ({code}) after {time}", { code, time: words.duration(ms) }));
    this.#show(isBlocked ? "blocked" : "failed", isBlocked ? "blocked" : "failed", isBlocked ? gettext("blocked") : gettext("failed"));
    const refusal = fromTemplate("refusal");
    part(refusal, "refusal-text").textContent = message;
    this.#root.append(refusal);
    this.#offerRemedy(code);
  }

  /** Ends a call that the end of its run cut short. */
  cut() {
    this.#asking?.close(this.#root.querySelector("summary"));
    if (["running", "asking"].includes(this.#root.dataset.state)) this.#show("cut", "stop", gettext("stopped"));
  }

  #offerRemedy(code) {
    const remedy = REMEDIES[code];
    if (!remedy || !this.#addresses[remedy.address]) return;
    const link = part(this.#root, "remedy");
    link.textContent = remedy.word;
    link.href = this.#addresses[remedy.address];
    link.hidden = false;
  }

  #fact(name, text) {
    this.#root.querySelector(`[data-fact="${name}"]`).textContent = text;
  }

  #note(text) {
    part(this.#root, "note").textContent = text;
  }

  #show(state, iconName, note) {
    this.#root.dataset.state = state;
    useIcon(part(this.#root, "call-icon"), iconName);
    this.#root.querySelector(".call-icon").classList.toggle("spinner", state === "running");
    this.#note(note);
  }
}

export class Lanes {
  #root;
  #asks;
  #calls = new Map();
  /** Address of the run's audit events, for the calls that begin from now on. */
  auditHref = "";

  /** `asks` is what a call needs for its question: the id of the `run`, and `reply(question, answer)`. */
  constructor(root, asks) {
    this.#root = root;
    this.#asks = asks;
  }

  /** Whether a call waits for an answer. */
  get isAsking() {
    return [...this.#calls.values()].some((call) => call.isAsking);
  }

  /** Whether this call waits for an answer. */
  asks(call) {
    return this.#calls.get(call)?.isAsking ?? false;
  }

  /** Applies a `step.*` event; one for an unknown call is ignored. */
  apply(event) {
    if (event.type === "step.started") this.#start(event);
    const call = this.#calls.get(event.id);
    if (!call) return;
    if (event.type === "step.permission") call.permission(event);
    else if (event.type === "step.exchanged") call.exchanged(event);
    else if (event.type === "step.progress") call.progress(event);
    else if (event.type === "step.finished") call.finished(event);
    else if (event.type === "step.failed") call.failed(event);
  }

  /** The run is over: nothing spins any more, and a lane that was never asked says so. */
  end() {
    for (const call of this.#calls.values()) call.cut();
    for (const idle of this.#root.querySelectorAll("[data-idle]")) idle.textContent = gettext("Not asked");
  }

  /** What is known of the call that returned the item, or null: an earlier answer read it, or it is known no more. */
  whichReturned(evidence) {
    for (const call of this.#calls.values()) if (call.returned(evidence)) return call.tell();
    return null;
  }

  /** The user's name of a provider. */
  nameOf(provider) {
    return this.#lane(provider).dataset.name;
  }

  #start(event) {
    if (this.#calls.has(event.id)) return;
    const lane = this.#lane(event.provider);
    const call = new Call(event, { addresses: lane.dataset, auditHref: this.auditHref, ...this.#asks });
    this.#calls.set(event.id, call);
    part(lane, "calls").append(call.element);
    part(lane, "idle").hidden = true;
    lane.hidden = false;
    this.#root.hidden = false;
  }

  #lane(provider) {
    return this.#root.querySelector(`[data-provider="${CSS.escape(provider)}"].lane`) ?? this.#root.querySelector('[data-provider=""].lane');
  }
}
