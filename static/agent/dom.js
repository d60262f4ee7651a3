/** Small pieces of DOM work. Text goes in as text; server HTML goes in through the one Trusted Types policy here. */

// SECURITY: the server's allow-list sanitizer is the boundary; this policy only marks its output as such. The answer's
// blocks are the only HTML that is ever given to it, and no other policy can be made (see the page's CSP).
const policy = globalThis.trustedTypes?.createPolicy("devcontext", { createHTML: (html) => html });

/** Shows a block of the answer, which the server rendered and sanitized, in `element`. */
export function showSanitized(element, html) {
  element.innerHTML = policy ? policy.createHTML(html) : html;
}

/** Returns a new element with a class and text. */
export function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Returns the element inside `root` that carries `data-<name>`. */
export function part(root, name) {
  return root.querySelector(`[data-${name}]`);
}

/** Returns a copy of the page's `<template data-template=name>`. */
export function fromTemplate(name) {
  return document.querySelector(`[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
}

/** Makes a `<use>` show the sprite's icon `name`. */
export function useIcon(use, name) {
  use.setAttribute("href", `${document.querySelector("[data-icons]").dataset.icons}#${name}`);
}

/** Returns a copy of the mark that a provider's lane has in the page's template; nothing but a ring without one. */
export function serviceMark(provider) {
  const turn = document.querySelector('[data-template="turn"]').content;
  const mark = turn.querySelector(`.lane[data-provider="${CSS.escape(provider)}"] .mark`);
  return mark?.cloneNode(true) ?? make("span", "mark");
}
