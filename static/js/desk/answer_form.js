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
  const savedText = isSaved ? JSON.stringify(entriesOf(fields, sentValue)) : "";
  let isSent = false;

  function read() {
    const entries = entriesOf(fields, currentValue);
    return { place, answer: idField?.value ?? answer, isSent, entries };
  }

  function isNew(copy = read()) {
    return copy.entries.some(([, value]) => value.trim()) && entriesText(copy) !== savedText;
  }

  // The words are on their way to be saved, until more are typed.
  function markSent(value) {
    isSent = value;
  }

  function fits(copy) {
    return copy.entries.every((entry) => fields.some((field) => isEntryOf(field, entry)));
  }

  function putBack(copy) {
    if (idField) idField.value = copy.answer;
    for (const field of fields) write(field, valueIn(copy, field));
    announceChange(form);
  }

  function valueIn(copy, field) {
    return copy.entries.find((entry) => isEntryOf(field, entry))?.[1] ?? "";
  }

  // What was typed since the copy was put back stays.
  function takeOut(copy) {
    if (idField) idField.value = answer;
    for (const field of fields) if (currentValue(field) === valueIn(copy, field)) write(field, sentValue(field));
    fields[0].focus();
  }

  // The order of texts matters to letters only.
  const numbered = (copy) => copy;

  return { pageId, read, isNew, numbered, markSent, fits, putBack, takeOut };
}
