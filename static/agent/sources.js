/** The evidence drawer: a statement, what it cites, the call that read that, its token exchange and the permission. */

import { openDialog } from "../shell/dialogs.js";
import { gettext } from "../shell/words.js";
import { fromTemplate, make, part } from "./dom.js";

const UNKNOWN = gettext("An earlier answer of this conversation read it, or how it was read has been deleted since.");

/** Shows `sources`, as `Turn` tells them, in the page's drawer. */
export function showSources(sources) {
  part(document, "sources").replaceChildren(...sources.map(section));
  openDialog("sources");
}

function section({ statement, items }) {
  const root = fromTemplate("source");
  part(root, "statement").textContent = statement;
  part(root, "items").append(...items.map(row));
  return root;
}

function row({ link, id, call }) {
  const root = make("li", "source-item");
  const copy = link.cloneNode(true);
  root.append(copy);
  if (!call) {
    root.append(make("p", "hint", UNKNOWN));
    return root;
  }
  root.append(make("p", "hint", gettext("Item {id}, returned by “{label}”:", { id, label: call.label })), call.facts);
  return root;
}
