/** The run page: joins the socket, the transcript and the composer. Each of them does its work without the others. */

import { Composer } from "./composer.js";
import { make, part } from "./dom.js";
import { RunSocket } from "./socket.js";
import { Turn } from "./turn.js";

// A screen reader is told at most once a second; a break of the connection shorter than this is not worth a word.
const QUIET_MS = 1000;

const main = document.getElementById("main");
const paths = main.dataset;
const transcript = part(main, "transcript");
const turns = new Map();
const running = new Set();
let conversation = paths.conversation;

/** Collects what happened for a second, then says it once, politely. */
const announce = (() => {
  const status = part(main, "announcer");
  const waiting = new Set();
  let timer = 0;
  return (text) => {
    waiting.add(text);
    clearTimeout(timer);
    timer = setTimeout(() => {
      status.textContent = [...waiting].join(" ");
      waiting.clear();
    }, QUIET_MS);
  };
})();

function turnOf(run) {
  const known = turns.get(run);
  if (known) return known;
  const turn = new Turn(run, { paths, announce, askAgain: (question) => composer.submit(question) });
  turns.set(run, turn);
  transcript.append(turn.element);
  return turn;
}

function began(message, question) {
  const turn = turnOf(message.run);
  turn.question = question.text;
  part(main, "welcome")?.remove();
  if (message.conversation !== conversation) entered(message.conversation, question.text);
  composer.accepted(question.key, message.conversation);
  running.add(message.run);
  showRunning();
  turn.element.scrollIntoView({ block: "start" });
}

/** A new conversation has begun here: give it its address, its title and its line in the rail. */
function entered(id, title) {
  conversation = id;
  const address = `${paths.chat}${id}/`;
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
  turnOf(event.run).apply(event);
  const isOver = ["run.finished", "run.stopped", "run.failed"].includes(event.type);
  if (isOver) running.delete(event.run);
  else running.add(event.run);
  showRunning();
}

function refused(message) {
  if (message.run && turns.has(message.run)) turns.get(message.run).unreachable(message.message);
  else if (message.key) composer.refused(message.message);
  else composer.complain(message.message);
}

function showRunning() {
  composer.showRunning(running.size > 0);
  transcript.setAttribute("aria-busy", String(running.size > 0));
}

let linkTimer = 0;
function linked(isOpen) {
  clearTimeout(linkTimer);
  if (isOpen) composer.showLink("");
  else linkTimer = setTimeout(() => composer.showLink("Connection lost. Coming back; nothing is lost."), QUIET_MS);
}

const socket = new RunSocket(paths.socket, { event: happened, accepted: began, error: refused, link: linked });
const composer = new Composer(part(main, "composer"), conversation, {
  ask: ({ key, text }) => socket.ask({ key, text, conversation: conversation || null }),
  giveUp: (key) => socket.forget(key),
  stop: () => socket.stop([...running].at(-1)),
});

for (const run of paths.runs.split(" ").filter(Boolean)) {
  turnOf(run);
  socket.follow(run);
}
[...turns.values()].at(-1)?.element.scrollIntoView({ block: "start" });
for (const recipe of main.querySelectorAll("[data-prompt]")) {
  recipe.addEventListener("click", () => composer.submit(recipe.dataset.prompt));
}
