// An exercise: stores what is in its form on the device, encrypted, until it is saved with its button. What an earlier
// page left there is put back, and its writer decides what becomes of it (ADR 27). Where no form takes it, it can be read
// and deleted. Without this module, unsaved words are in their form only.

import { createAnswerForm, entriesText } from "./answer_form.js";
import { createDevice, createPageCopy, inTime } from "./device.js";
import { paragraphsOf } from "./found_words.js";

const line = document.querySelector("[data-answer]");
const form = line.closest("form");
const kept = line.dataset.kept.split(" ");

const device = createDevice(line.dataset.key);
const answerForm =
  form &&
  createAnswerForm(form, {
    place: location.pathname,
    answer: line.dataset.answer,
    isSaved: !("givenBack" in line.dataset),
  });
const pageCopy = form && createPageCopy(answerForm, device);

async function deliver() {
  for (const [name, record] of await device.getAll()) {
    const copy = await device.unseal(name, record);
    if (!copy?.place || name === answerForm?.pageId) continue;
    const drop = () => device.removeUnchanged(name, record);
    if (await isDone(copy, drop)) await drop();
  }
}

// Whether the copy is no longer needed on the device.
async function isDone(copy, drop) {
  if (copy.sentAs && kept.includes(copy.sentAs)) return true;
  if (!isOfThisPage(copy)) return false;
  if (!form) return offerToRead(copy, drop);
  if (!answerForm.isNew(copy)) return true;
  // Something was typed before this script came, or was given back: the copy waits for the next page.
  if (answerForm.isNew()) return entriesText(copy) === entriesText(answerForm.read()) && inTime(pageCopy.update());
  if (!answerForm.fits(copy)) return offerToRead(copy, drop);
  answerForm.putBack(copy);
  offer(copy, () => {
    answerForm.takeOut(copy);
    pageCopy.update();
  });
  return inTime(pageCopy.update());
}

function isOfThisPage({ place }) {
  return place === location.pathname || ("all" in line.dataset && place.startsWith(location.pathname));
}

function offer(copy, deleteWords) {
  const offered = line.querySelector("template").content.firstElementChild.cloneNode(true);
  offered.querySelector(copy.sentAs ? "[data-answer-unsent]" : "[data-answer-sent]").remove();
  offered.querySelector("[data-answer-delete]").addEventListener("click", () => {
    offered.remove();
    deleteWords();
  });
  line.append(offered);
  // After a save the next form is folded away.
  const folded = line.closest("details");
  if (folded) folded.open = true;
  return offered;
}

// The exercise has other fields by now, or no form: show the words to be copied. They stay on the device.
function offerToRead(copy, drop) {
  const offered = offer(copy, () => {
    line.tabIndex = -1;
    (form?.querySelector("input:not([type=hidden]), textarea, select") ?? line).focus();
    drop().catch(() => {});
  });
  offered.querySelector("[data-answer-save]").remove();
  offered.lastElementChild.before(...paragraphsOf(copy));
  return false;
}

function onInput() {
  answerForm.markUnsent();
  pageCopy.update();
}

function onSubmit() {
  answerForm.markSent();
  pageCopy.update();
}

if (form) {
  form.addEventListener("input", onInput);
  form.addEventListener("submit", onSubmit);
  document.addEventListener("visibilitychange", pageCopy.update);
  document.addEventListener("leaving", pageCopy.update);
  addEventListener("pagehide", pageCopy.update);
  if (answerForm.isNew()) pageCopy.update();
}
deliver().catch(() => {});
