/**
 * Keeps two parts of the schedules' pages up to date: the next dates while a form is filled in, and a history in which
 * something goes on. The server renders both. They come as a parsed document, so that no string becomes markup here.
 */

import { announce } from "../shell/announcer.js";

// Somebody who types a time changes it twice; more often than this nobody reads it.
const TYPING_MS = 400;
const LOOK_MS = 3000;

/** Calls back with the document at an address; with `body` it is posted. Nothing happens where none comes back. */
function load(address, body, done) {
  const request = new XMLHttpRequest();
  request.open(body ? "POST" : "GET", address);
  request.responseType = "document";
  request.addEventListener("load", () => request.response && done(request.response));
  request.send(body);
  return request;
}

/** Puts the element of this id from another document in the place of ours, unless somebody is in it, and returns it. */
function take(id, from) {
  const found = from.getElementById(id);
  const ours = document.getElementById(id);
  if (!found || ours.contains(document.activeElement)) return null;
  ours.replaceWith(document.adoptNode(found));
  return found;
}

function followDates(form) {
  let timer = 0;
  let asked = null;
  form.querySelector("[name=dates]").hidden = true;
  const ask = () => {
    const body = new FormData(form);
    body.set("dates", "show");
    asked?.abort();
    asked = load(form.action, body, (page) => {
      // The states or regions of another country.
      take("parts", page);
      const dates = take("dates", page);
      if (dates) announce(dates.innerText);
    });
  };
  form.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });
  return ask;
}

/** Begins with the browser's own zone where its user chose none. */
function guessZone(field) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (![...field.options].some(({ value }) => value === zone)) return false;
  field.value = zone;
  return true;
}

function followHistory() {
  const history = document.getElementById("history");
  if (document.hidden) return void setTimeout(followHistory, LOOK_MS);
  load(location.href, null, (page) => {
    const taken = take("history", page) ?? history;
    if (taken.dataset.newest !== history.dataset.newest) announce(taken.dataset.newest);
    if ("goingOn" in taken.dataset) setTimeout(followHistory, LOOK_MS);
  }).addEventListener("error", () => setTimeout(followHistory, LOOK_MS));
}

const form = document.querySelector("form[data-dates]");
if (form) {
  const ask = followDates(form);
  if ("guessesZone" in form.dataset && guessZone(form.elements.time_zone)) ask();
}
if (document.querySelector("#history[data-going-on]")) setTimeout(followHistory, LOOK_MS);
