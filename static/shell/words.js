/** The words of the scripts in the reader's language: the page brings them in a `<meta>`; for English it need not. */

const language = document.documentElement.lang || "en";
const catalogue = JSON.parse(document.querySelector('meta[name="catalogue"]')?.content || "{}");
const plurals = new Intl.PluralRules(language);
// A catalogue of gettext has its plurals in this order.
const categories = ["zero", "one", "two", "few", "many", "other"].filter((name) => plurals.resolvedOptions().pluralCategories.includes(name));
const whole = new Intl.NumberFormat(language);
const all = new Intl.ListFormat(language, { type: "conjunction" });

/** Returns `text` in the reader's language, with each `{name}` replaced by the value of that name. */
export function gettext(text, values = {}) {
  return fill(catalogue[text] ?? text, values);
}

/** Returns the one of both texts that fits `number`, likewise; `{number}` is it, as the reader's language writes it. */
export function ngettext(one, many, number, values = {}) {
  const forms = catalogue[one] ?? [one, many];
  const index = forms === catalogue[one] ? categories.indexOf(plurals.select(number)) : Number(number !== 1);
  return fill(forms[Math.min(index, forms.length - 1)], { number: whole.format(number), ...values });
}

/** Returns a number with one decimal, or as many as said, as the reader's language writes it. */
export function decimal(number, digits = 1) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(number);
}

/** Returns names as a list that is read within a sentence: `one, two, and three`. */
export function listed(names) {
  return all.format(names);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/gu, (place, name) => values[name] ?? place);
}
