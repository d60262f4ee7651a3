/**
 * Light or dark: follows the system until the user chooses, and remembers the choice on this device.
 * It blocks rendering for a moment, so that a page never shows in the wrong theme first.
 */

const KEY = "theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

/** Reads the choice; a browser that refuses storage has none. */
function chosenTheme() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : null;
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice then lasts until the next page.
  }
}

function show(choice) {
  const shown = choice ?? (systemIsDark.matches ? "dark" : "light");
  if (choice) root.dataset.theme = choice;
  root.dataset.shown = shown;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-label", shown === "dark" ? button.dataset.toLight : button.dataset.toDark);
    button.hidden = false;
  }
}

function toggle() {
  const next = root.dataset.shown === "dark" ? "light" : "dark";
  remember(next);
  show(next);
}

show(chosenTheme());
systemIsDark.addEventListener("change", () => show(chosenTheme()));
addEventListener("storage", (event) => event.key === KEY && show(chosenTheme()));
addEventListener("DOMContentLoaded", () => show(chosenTheme()));
document.addEventListener("click", (event) => event.target.closest("[data-theme-toggle]") && toggle());
