// The form that a letter is written in: its fields, and which of its words the server has confirmed.

const FIELDS = ["id", "to", "body", "version", "revision", "answers", "since"];

// crypto.randomUUID is missing in older browsers and on plain http.
export function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// What makes two sheets the same letter text: the server compares the same two fields.
export function textOf(sheet) {
  return JSON.stringify([sheet.to, sheet.body]);
}

// The value of a text field as the page came. It may have been typed into before this script arrived, so its value
// at that moment tells nothing.
export function valueAsSent(field) {
  // A list to choose from has no defaultValue.
  if (field.localName === "select") return [...field.options].find((option) => option.defaultSelected)?.value ?? "";
  const untouched = document.createElement(field.localName);
  untouched.defaultValue = field.defaultValue;
  return untouched.value;
}

// Browsers report no change that a script makes: let the fields grow with their words (field_growth.js).
export function announceChange(form) {
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

// The sheet of a new letter with the same words.
export function asNew(sheet) {
  return { ...sheet, id: newId(), version: "0", revision: "" };
}

// isSaved: the server already has, or has refused, what it sent in the form.
export function createLetterForm(form, { kind, isSaved }) {
  // Each open page has an id, and each text that is sent or copied from it has a number. So the later one of two texts
  // of a page is known, even if two pages show the same letter (ADR 25).
  const pageId = newId();
  let turn = 0;

  const initialText = textOf(readAsSent());
  // What the server confirmed last; "" if that is not known.
  let savedText = isSaved ? initialText : "";

  function field(name) {
    return form.elements.namedItem(name);
  }

  function read() {
    const values = FIELDS.map((name) => [name, field(name)?.value ?? ""]);
    return { ...Object.fromEntries(values), kind };
  }

  function readAsSent() {
    return Object.fromEntries(["to", "body"].map((name) => [name, field(name) ? valueAsSent(field(name)) : ""]));
  }

  function write(values) {
    for (const name of FIELDS) if (name in values && field(name)) field(name).value = values[name];
    announceChange(form);
  }

  function numbered(sheet) {
    turn += 1;
    return { ...sheet, sitting: pageId, turn: String(turn) };
  }

  function isNew(sheet = read()) {
    return sheet.body.trim() !== "" && textOf(sheet) !== savedText;
  }

  function markSaved(sheet) {
    savedText = textOf(sheet);
  }

  function markUnsaved() {
    savedText = "";
  }

  function isUntouched() {
    return textOf(read()) === initialText;
  }

  return { form, pageId, initialText, field, read, write, numbered, isNew, markSaved, markUnsaved, isUntouched };
}
