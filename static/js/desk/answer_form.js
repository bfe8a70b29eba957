// The form of an exercise: what is in its fields, and what the server sent in them.

import { announceChange, newId, valueAsSent } from "./letter_form.js";

const TAPPED = ["checkbox", "radio"];

function entriesOf(fields, valueOf) {
  return fields.map((field) => [field.name, valueOf(field)]).filter(([, value]) => value);
}

function currentValue(field) {
  if (!TAPPED.includes(field.type)) return field.value;
  return field.checked ? field.value : "";
}

function sentValue(field) {
  if (!TAPPED.includes(field.type)) return valueAsSent(field);
  return field.defaultChecked ? field.value : "";
}

function isEntryOf(field, [name, value]) {
  return field.name === name && (!TAPPED.includes(field.type) || field.value === value);
}

function write(field, value) {
  if (TAPPED.includes(field.type)) field.checked = value !== "";
  else field.value = value;
  // Further rows are folded away.
  const folded = field.closest("details");
  if (folded && value) folded.open = true;
}

// What makes two copies the same answer.
export function entriesText(copy) {
  return JSON.stringify(copy.entries);
}

// place: the address of the page. answer: the id of the answer that is saved. isSaved: whether the server has saved
// what it sent in the fields; if not, it has given it back.
export function createAnswerForm(form, { place, answer, isSaved }) {
  const pageId = newId();
  const fields = [...form.elements].filter(({ name, type }) => name && !["hidden", "submit"].includes(type));
  // On the page of a new answer the form names it; on the page of a saved one its address does.
  const idField = form.elements.namedItem("id");
  const stateField = form.elements.namedItem("saved-state");
  const stateAsSent = stateField?.value ?? "";
  // The page of a question has an id of its own each time.
  const copyField = form.elements.namedItem("device-copy") ?? idField;
  const savedText = isSaved ? JSON.stringify(entriesOf(fields, sentValue)) : "";
  let sentAs = "";

  function read() {
    const entries = entriesOf(fields, currentValue);
    return { place, answer: idField?.value ?? answer, state: stateField?.value ?? "", sentAs, entries };
  }

  function isNew(copy = read()) {
    return copy.entries.some(([, value]) => value.trim()) && entriesText(copy) !== savedText;
  }

  // The words are on their way to be saved. The next page names their id if they have arrived: exactly these.
  function markSent() {
    sentAs = newId();
    if (copyField) copyField.value = sentAs;
  }

  // More was typed.
  function markUnsent() {
    sentAs = "";
  }

  function fits(copy) {
    return copy.entries.every((entry) => fields.some((field) => isEntryOf(field, entry)));
  }

  function putBack(copy) {
    identify(copy);
    for (const field of fields) write(field, valueIn(copy, field));
    announceChange(form);
  }

  // Which answer the words belong to, and which of its words they replace.
  function identify({ answer, state = "" }) {
    if (idField) idField.value = answer;
    if (stateField) stateField.value = state;
  }

  function valueIn(copy, field) {
    return copy.entries.find((entry) => isEntryOf(field, entry))?.[1] ?? "";
  }

  // What was typed since the copy was put back stays.
  function takeOut(copy) {
    identify({ answer, state: stateAsSent });
    for (const field of fields) if (currentValue(field) === valueIn(copy, field)) write(field, sentValue(field));
    announceChange(form);
    fields[0].focus();
  }

  // The order of texts matters to letters only.
  const numbered = (copy) => copy;

  return { pageId, read, isNew, numbered, markSent, markUnsent, fits, putBack, takeOut };
}
