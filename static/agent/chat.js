/** The run page: joins the socket, the transcript and the composer. Each of them does its work without the others. */

import { announce } from "../shell/announcer.js";
import { refreshDots } from "../shell/dots.js";
import { takeHandedOver } from "../shell/handover.js";
import { showToast } from "../shell/toasts.js";
import { gettext, ngettext } from "../shell/words.js";
import { offerBeginning } from "./beginning.js";
import { Composer } from "./composer.js";
import { make, part } from "./dom.js";
import { RunSocket } from "./socket.js";
import { showSources } from "./sources.js";
import { Turn } from "./turn.js";

// A break of the connection shorter than this is not worth a word, and one that ends for less is not over.
const QUIET_MS = 1000;

// A long conversation is opened at its end; the server lets a page follow a hundred runs at once.
const RUNS_AT_ONCE = 20;

// A server sends what happened until now at once; what is open after this is open.
const SETTLED_MS = 600;

const main = document.getElementById("main");
const page = main.dataset;
const transcript = part(main, "transcript");
const turns = new Map();
const running = new Set();
// What happened before the page was made is history: it is shown, not announced. Both times are the server's.
const renderedAt = Number(page.renderedAt) * 1000;
let conversation = page.conversation;

function turnOf(run, { isOlder = false } = {}) {
  const known = turns.get(run);
  if (known) return known;
  const turn = new Turn(run, { audit: page.audit, announce, askAgain, edit, showSources, reply });
  turns.set(run, turn);
  if (isOlder) transcript.prepend(turn.element);
  else transcript.append(turn.element);
  return turn;
}

/** Asks a turn's question anew, by the same recipe and from the same instant; the last turn makes room for it. */
function askAgain(turn) {
  composer.submit(turn.question, { recipe: turn.recipe, since: turn.since, replaces: turn.run });
}

function edit(turn) {
  composer.edit(turn.question, turn.run);
}

/** Answers the question of a run's call, and tells whether that could be sent. */
function reply(run, question, answer) {
  return socket.reply({ run, question, answer });
}

/** Another run took the place of this one, here or in another window: it has a page of its own now. */
function replaced(run) {
  const turn = turns.get(run);
  if (!turn) return;
  if (turn.element.contains(document.activeElement)) main.focus({ preventScroll: true });
  turn.element.remove();
  turns.delete(run);
}

function began(message, question) {
  const turn = turnOf(message.run);
  turn.question = question.text;
  if (question.replaces) replaced(question.replaces);
  leaveWelcome(question.text);
  if (message.conversation !== conversation) entered(message.conversation, question.text);
  composer.accepted(question.key, message.conversation);
  running.add(message.run);
  showRunning();
  turn.element.scrollIntoView({ block: "start" });
}

/** The welcome makes room for the conversation; whoever pressed a recipe in it keeps their place on the page. */
function leaveWelcome(title) {
  const welcome = part(main, "welcome");
  if (!welcome) return;
  if (welcome.contains(document.activeElement)) main.focus({ preventScroll: true });
  welcome.replaceWith(make("h1", "sr-only", title));
}

/** A new conversation has begun here: give it its address, its title and its line in the rail. */
function entered(id, title) {
  conversation = id;
  const address = `${page.chat}${id}/`;
  history.replaceState(null, "", address);
  document.title = `${title} · DevContext`;
  document.querySelector("[data-bar-title]").textContent = title;
  const link = make("a", "rail-link", title);
  link.href = address;
  link.setAttribute("aria-current", "page");
  const line = make("li");
  line.append(link);
  const chats = document.querySelector("[data-chats]");
  chats.querySelector("ul").prepend(line);
  chats.hidden = false;
}

function happened(event) {
  if (event.type === "run.started" && event.replaces) replaced(event.replaces);
  const turn = turnOf(event.run);
  const news = turn.apply(event);
  if (news && event.t >= renderedAt) announce(news);
  // A question that a reload has not ended is new to whoever reloaded, once all that came after it is shown.
  else if (event.state === "asked") setTimeout(() => turn.asks(event.id) && announce(news), SETTLED_MS);
  const isOver = ["run.finished", "run.stopped", "run.failed"].includes(event.type);
  if (isOver) running.delete(event.run);
  else running.add(event.run);
  showRunning();
}

function refused(message) {
  if (message.question) showToast(message.message);
  else if (message.run && turns.has(message.run)) turns.get(message.run).unreachable(message.message);
  else composer.refused(message.message);
}

function showRunning() {
  composer.showRunning(running.size > 0);
  transcript.setAttribute("aria-busy", String(running.size > 0));
}

let [linkState, toldState] = ["open", "open"];
let linkTimer = 0;
function linked(state) {
  if (state === linkState) return;
  linkState = state;
  clearTimeout(linkTimer);
  // What changed meanwhile was told to nobody here.
  if (state === "open") refreshDots();
  linkTimer = setTimeout(tellLink, state === "signed-out" ? 0 : QUIET_MS);
}

/** A server in trouble takes a page and drops it again: while that goes on, the connection counts as lost, said once. */
function tellLink() {
  if (linkState === toldState) return;
  toldState = linkState;
  announce(composer.showLink(toldState) || gettext("Connected again."));
}

const socket = new RunSocket(page.socket, {
  event: happened,
  accepted: began,
  error: refused,
  changed: refreshDots,
  link: linked,
  caughtUp: (missed) => showToast(ngettext("Caught up {number} event.", "Caught up {number} events.", missed)),
});
const composer = new Composer(part(main, "composer"), conversation, {
  ask: (question) => socket.ask({ ...question, conversation: conversation || null }),
  giveUp: (key) => socket.forget(key),
  stop: () => socket.stop([...running].at(-1)),
});

/** Shows the newest of the runs that are not shown yet; the browser keeps what is being read in its place. */
function showEarlier() {
  for (const run of earlier.splice(-RUNS_AT_ONCE).reverse()) {
    turnOf(run, { isOlder: true });
    socket.follow(run);
  }
  part(main, "earlier-runs").hidden = earlier.length === 0;
}

const earlier = page.runs.split(" ").filter(Boolean);
part(main, "earlier-runs").addEventListener("click", () => {
  const first = transcript.firstElementChild;
  showEarlier();
  if (earlier.length === 0) first.querySelector("a, button, summary")?.focus({ preventScroll: true });
});
showEarlier();
transcript.lastElementChild?.scrollIntoView({ block: "start" });
for (const recipe of main.querySelectorAll("[data-prompt]")) {
  recipe.addEventListener("click", () => composer.submit(recipe.dataset.prompt, { recipe: recipe.dataset.recipe }));
}
const beginning = part(main, "beginning");
if (beginning) {
  const { prompt, recipe } = beginning.closest("li").querySelector("[data-prompt]").dataset;
  offerBeginning(beginning, (since) => composer.submit(prompt, { recipe, since }));
}
const handedOver = takeHandedOver();
if (handedOver && !conversation) composer.submit(handedOver);
