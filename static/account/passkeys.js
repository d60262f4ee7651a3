// Passkeys: asks the browser for one, puts what it says into the form, and sends the form. It keeps nothing.
// Source: W3C Web Authentication Level 3, section 5.1.8 to 5.1.10 (options and credentials as JSON).

import { gettext } from "../shell/words.js";

const REFUSED = gettext("The browser brought no passkey: the request was cancelled, or it took too long. Nothing was changed.");
const UNSUPPORTED = gettext("This browser knows no passkeys, or this page was not opened over https.");

const isSupported = Boolean(globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON);

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()).request_options;
}

// A passkey that signs its owner in by itself has to be stored on the device and unlocked there.
function asPasswordless(publicKey) {
  publicKey.authenticatorSelection = {
    ...publicKey.authenticatorSelection,
    residentKey: "required",
    requireResidentKey: true,
    userVerification: "required",
  };
}

async function ask(form) {
  const { publicKey } = await optionsOf(form);
  if (form.dataset.passkey !== "create") {
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  }
  if (form.elements.passwordless?.checked) asPasswordless(publicKey);
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) });
}

function complain(form, sentence) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = sentence;
  place.hidden = false;
}

async function answer(form) {
  const button = form.querySelector("[data-passkey-button]");
  button.disabled = true;
  try {
    const credential = await ask(form);
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch {
    complain(form, REFUSED);
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!isSupported) {
    complain(form, UNSUPPORTED);
    continue;
  }
  form.querySelector("[data-passkey-button]").disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(form);
  });
}
