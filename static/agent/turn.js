/** One run on the page: the question, what was read for it, the answer as it grows, and the receipt at the end. */

import { gettext, ngettext } from "../shell/words.js";
import { timeOf } from "./asking.js";
import { copyFrom } from "./copy.js";
import { fromTemplate, make, part, serviceMark, showSanitized, useIcon } from "./dom.js";
import { Lanes } from "./lanes.js";
import { linksOf, statementOf, statementsIn, wordsOf } from "./statements.js";
import * as words from "./wording.js";

export class Turn {
  #root = fromTemplate("turn");
  #lanes;
  #announce;
  #audit;
  #blocks = new Map();
  #tokens = 0;

  #run;
  #recipe = "";
  #since = "";
  /** What the answer cites, by address, as the finished blocks tell it. */
  #evidence = new Map();

  /**
   * @param {string} run Id of the run.
   * @param {{audit: string, announce: Function, askAgain: Function, edit: Function, showSources: Function,
   *   reply: Function}} context
   *   Address of the audit timeline, the page's announcer, what "Ask again" and "Edit" do with this turn, what shows
   *   `[{statement, items}]` in the drawer, and what sends `(run, question, answer)` and tells whether it could.
   */
  constructor(run, { audit, announce, askAgain, edit, showSources, reply }) {
    this.#run = run;
    this.#audit = audit;
    this.#announce = announce;
    this.#lanes = new Lanes(part(this.#root, "lanes"), { run, reply: (question, answer) => reply(run, question, answer) });
    this.#root.dataset.run = run;
    this.#readBy(run);
    part(this.#root, "permalink").href = `/runs/${run}/`;
    part(this.#root, "fork").action = `/runs/${run}/fork/`;
    part(this.#root, "ask-again").addEventListener("click", () => askAgain(this));
    part(this.#root, "edit").addEventListener("click", () => edit(this));
    part(this.#root, "all-sources").addEventListener("click", () => showSources(this.#sources()));
    part(this.#root, "answer").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-source]");
      if (button) showSources(this.#sources(statementOf(button)));
    });
    // A long conversation has hundreds of these: what few of them show is made when it is asked for.
    part(this.#root, "copy-menu").addEventListener("toggle", () => this.#offerForms(), { once: true });
  }

  get element() {
    return this.#root;
  }

  get run() {
    return this.#run;
  }

  /** The recipe that the run followed, or "". */
  get recipe() {
    return this.#recipe;
  }

  /** Where the window of its recipe was asked to begin, as an ISO 8601 instant, or "". */
  get since() {
    return this.#since;
  }

  get question() {
    return part(this.#root, "question").textContent;
  }

  set question(text) {
    const heading = part(this.#root, "question");
    heading.textContent = text;
    heading.hidden = !text;
  }

  /**
   * Applies one event of the run; each is applied once, in order.
   * @returns {string} What a screen reader should hear of it, or "".
   */
  apply(event) {
    if (event.type.startsWith("step.")) return this.#step(event);
    if (event.type === "run.finished") return this.#finished(event);
    if (event.type === "run.stopped") return this.#stopped(event);
    if (event.type === "run.failed") return this.#failed(event);
    if (event.type === "run.started") this.#started(event);
    else if (event.type === "run.window") this.#about(event);
    else if (event.type === "block.tail" || event.type === "block.final") this.#block(event);
    else if (event.type === "answer.restarted") this.#restarted();
    else if (event.type === "usage") this.#tokens = event.input_tokens + event.output_tokens;
    return "";
  }

  /** Says that the run could not be followed, with the server's sentence. */
  unreachable(message) {
    this.#end({ state: "failed", icon: "failed", text: message });
  }

  /** Leads to what the audit knows of the run that read: for a copy, that of the original. */
  #readBy(run) {
    const href = `${this.#audit}?run=${encodeURIComponent(run)}`;
    this.#lanes.auditHref = href;
    part(part(this.#root, "foot"), "audit-link").href = href;
  }

  #started({ question, is_simulated: isSimulated, recipe = "", since = "", replaces = "", copy_of: copyOf = "" }) {
    this.question = question;
    this.#recipe = recipe;
    this.#since = since;
    if (copyOf) this.#readBy(copyOf);
    const earlier = part(this.#root, "earlier");
    earlier.hidden = !replaces;
    if (replaces) earlier.href = `/runs/${replaces}/`;
    const schedule = part(this.#root, "schedule");
    schedule.hidden = !recipe;
    schedule.search = `?recipe=${encodeURIComponent(recipe)}`;
    part(this.#root, "simulated").hidden = !isSimulated;
    part(this.#root, "about").hidden = false;
    this.#phase("deciding", gettext("Deciding what to read"));
  }

  #about({ text }) {
    const line = part(this.#root, "window");
    line.textContent = text;
    line.hidden = false;
  }

  /** Whether one of its calls waits for an answer still. */
  asks(call) {
    return this.#lanes.asks(call);
  }

  #step(event) {
    const isAskedAgain = this.#lanes.asks(event.id);
    this.#lanes.apply(event);
    if (event.type === "step.started" || event.state === "answered") this.#phase("reading", gettext("Reading"));
    if (this.#lanes.isAsking) this.#phase("asking", gettext("Waiting for your answer"));
    if (event.state === "asked" && isAskedAgain) return gettext("You have until {time} to answer.", { time: timeOf(event.ends_ms) });
    if (event.state === "asked") return gettext("The AI asks whether it may read {reads}. Allow it once, in this conversation or always, or say no.", { reads: gettext(event.reads) });
    if (event.type === "step.started" && event.provider) return gettext("Reading {service}.", { service: this.#lanes.nameOf(event.provider) });
    return event.type === "step.failed" ? event.message : "";
  }

  #block({ type, block, html, evidence = [] }) {
    const element = this.#blockElement(block);
    if (element.dataset.isFinal) return;
    showSanitized(element, html);
    for (const item of evidence) this.#evidence.set(item.url, item.id);
    for (const link of element.querySelectorAll("a.evidence")) this.#decorate(link);
    for (const statement of statementsIn(element)) linksOf(statement).at(-1).after(fromTemplate("source-button"));
    if (type === "block.final") element.dataset.isFinal = "yes";
    this.#phase("writing", gettext("Writing"));
  }

  #restarted() {
    for (const element of this.#blocks.values()) element.remove();
    this.#blocks.clear();
  }

  #blockElement(number) {
    const known = this.#blocks.get(number);
    if (known) return known;
    const element = make("div", "block");
    this.#blocks.set(number, element);
    const next = Math.min(...[...this.#blocks.keys()].filter((other) => other > number));
    part(this.#root, "answer").insertBefore(element, this.#blocks.get(next) ?? null);
    return element;
  }

  #decorate(link) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.prepend(serviceMark(link.dataset.provider));
    const where = gettext("({service}, opens in a new tab)", { service: this.#lanes.nameOf(link.dataset.provider) });
    link.append(make("span", "sr-only", ` ${where}`));
  }

  /** What the answer's statements, or one of them, come from: each item with the call that returned it. */
  #sources(only = null) {
    const statements = only ? [only] : statementsIn(part(this.#root, "answer"));
    return statements.map((statement) => ({ statement: wordsOf(statement), items: linksOf(statement).map((link) => this.#source(link)) }));
  }

  #source(link) {
    // As it is written: the browser's own form of an address may differ from the server's.
    const id = this.#evidence.get(link.getAttribute("href"));
    return { link, id, call: id ? this.#lanes.whichReturned(id) : null };
  }

  #finished({ elapsed_ms: elapsed, coverage, grounding, written_by: writtenBy, cost_micro_usd: cost = null, code, ignored = {} }) {
    const items = coverage.reduce((sum, service) => sum + service.items, 0);
    const exchanges = coverage.reduce((sum, service) => sum + service.exchanges, 0);
    const receipt = [
      ngettext("Read {items} with {number} exchange in {time}", "Read {items} with {number} exchanges in {time}", exchanges, {
        items: words.items(items),
        time: words.duration(elapsed),
      }),
    ];
    if (writtenBy === "template") receipt.push(gettext("written without a model"));
    if (this.#tokens) receipt.push(ngettext("{number} token", "{number} tokens", this.#tokens));
    if (cost !== null) receipt.push(words.cost(cost));
    const { unknown, ungrounded, earlier } = grounding;
    if (earlier) receipt.push(ngettext("{number} item cited as read for an earlier question", "{number} items cited as read for an earlier question", earlier));
    if (ungrounded) receipt.push(ngettext("{number} statement without a source", "{number} statements without a source", ungrounded));
    for (const service of coverage) this.#cover(service);
    const notFollowed = this.#ignored({ ...ignored, unknown });
    this.#end({ state: "finished" });
    part(this.#root, "fork").hidden = false;
    this.#receipt(`${receipt.join(" · ")}.`, code);
    const ready = gettext("The answer is ready. Read {items}.", { items: words.items(items) });
    return notFollowed ? `${ready} ${notFollowed}.` : ready;
  }

  /** Shows what the run did not follow, and returns it, or "". */
  #ignored({ calls = 0, hid = [], unknown }) {
    const what = words.ignored({ calls, services: hid.map((provider) => this.#lanes.nameOf(provider)), unknown });
    if (!what) return "";
    const text = gettext("Ignored: {what}", { what });
    part(this.#root, "ignored-text").textContent = text;
    part(this.#root, "ignored").hidden = false;
    return text;
  }

  #cover(service) {
    const row = make("li", "coverage-item");
    row.dataset.state = service.state === "read" && service.is_partial ? "partial" : service.state;
    row.append(serviceMark(service.provider), `${this.#lanes.nameOf(service.provider)} ${words.coverage(service)}`);
    part(this.#root, "coverage").append(row);
  }

  #stopped({ elapsed_ms: elapsed }) {
    this.#end({ state: "stopped", icon: "stop", text: gettext("You stopped this. What was read until then is on record.") });
    this.#receipt(gettext("Stopped after {time}.", { time: words.duration(elapsed) }));
    return gettext("Stopped.");
  }

  #failed({ elapsed_ms: elapsed, code, message }) {
    this.#end({ state: "failed", icon: "failed", text: message });
    this.#receipt(gettext("Ended after {time}.", { time: words.duration(elapsed) }), code);
    return message;
  }

  #end({ state, icon = "", text = "" }) {
    this.#lanes.end();
    this.#phase(state, "");
    // What is far from the window is not styled anew: its spinners would turn unseen, and the page be drawn, for ever.
    for (const animation of this.#root.getAnimations({ subtree: true })) animation.cancel();
    if (!text) return;
    const ending = part(this.#root, "ending");
    ending.hidden = false;
    if (state === "failed") ending.dataset.tone = "bad";
    useIcon(part(ending, "ending-icon"), icon);
    part(ending, "ending-text").textContent = text;
  }

  #receipt(text, code = "") {
    part(this.#root, "receipt").textContent = text;
    part(this.#root, "spending").hidden = code !== "budget_spent";
    part(this.#root, "copy-menu").hidden = this.#blocks.size === 0;
    part(this.#root, "all-sources").hidden = statementsIn(part(this.#root, "answer")).length === 0;
    part(this.#root, "foot").hidden = false;
  }

  #phase(name, text) {
    this.#root.dataset.phase = name;
    part(this.#root, "phase-text").textContent = text;
    part(this.#root, "phase-line").hidden = !text;
  }

  #offerForms() {
    const forms = fromTemplate("copy-forms");
    part(forms, "answer-file").href = `/runs/${this.#run}/as/file/`;
    for (const link of forms.querySelectorAll("[data-form]")) this.#offer(link, this.#run);
    part(this.#root, "copy-menu").append(forms);
  }

  #offer(link, run) {
    link.href = `/runs/${run}/as/${link.dataset.form}/?length=${link.dataset.length}`;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#copy(link);
    });
  }

  async #copy(link) {
    if (!(await copyFrom(link))) {
      // Without a clipboard, as on plain http, the same address is a page with the text to select.
      location.assign(link.href);
      return;
    }
    const word = part(this.#root, "copy-word");
    word.textContent = gettext("Copied");
    part(this.#root, "copy-menu").open = false;
    this.#announce(word.textContent);
    setTimeout(() => (word.textContent = gettext("Copy")), 2000);
  }
}
