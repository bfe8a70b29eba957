// An exercise: stores what is in its form on the device, encrypted, until it is saved with its button. What an earlier
// page left there is put back, and its writer decides what becomes of it (ADR 27). Without this module, unsaved words
// are in their form only.

import { createAnswerForm, entriesText } from "./answer_form.js";
import { createDevice, createPageCopy, inTime } from "./device.js";

const line = document.querySelector("[data-answer]");
const form = line.closest("form");
const kept = line.dataset.kept.split(" ");

const device = createDevice(line.dataset.key);
const answerForm = createAnswerForm(form, {
  place: location.pathname,
  answer: line.dataset.answer,
  isSaved: !("givenBack" in line.dataset),
});
const pageCopy = createPageCopy(answerForm, device);

async function deliver() {
  for (const [name, record] of await device.getAll()) {
    const copy = await device.unseal(name, record);
    if (!copy?.place || name === answerForm.pageId) continue;
    const drop = () => device.removeUnchanged(name, record);
    if (await isDone(copy, drop)) await drop();
  }
}

// Whether the copy is no longer needed on the device.
async function isDone(copy, drop) {
  if (copy.isSent && kept.includes(copy.answer)) return true;
  if (copy.place !== location.pathname) return false;
  // Something was typed before this script came, or was given back: the copy waits for the next page.
  if (answerForm.isNew()) return entriesText(copy) === entriesText(answerForm.read()) && inTime(pageCopy.update());
  if (!answerForm.fits(copy)) return offerToRead(copy, drop);
  answerForm.putBack(copy);
  if (!answerForm.isNew()) return true;
  offer(() => {
    answerForm.takeOut(copy);
    pageCopy.update();
  });
  return inTime(pageCopy.update());
}

function offer(deleteWords) {
  const offered = line.querySelector("template").content.firstElementChild.cloneNode(true);
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

// The exercise has other fields by now: show the words to be copied. They stay on the device.
function offerToRead(copy, drop) {
  const offered = offer(() => {
    form.querySelector("input:not([type=hidden]), textarea").focus();
    drop().catch(() => {});
  });
  offered.querySelector("[data-answer-save]").remove();
  for (const [, value] of copy.entries) {
    const words = document.createElement("p");
    Object.assign(words, { className: "written", translate: false });
    words.append(value);
    offered.lastElementChild.before(words);
  }
  return false;
}

function onInput() {
  answerForm.markSent(false);
  pageCopy.update();
}

function onSubmit() {
  answerForm.markSent(true);
  pageCopy.update();
}

form.addEventListener("input", onInput);
form.addEventListener("submit", onSubmit);
document.addEventListener("visibilitychange", pageCopy.update);
document.addEventListener("leaving", pageCopy.update);
addEventListener("pagehide", pageCopy.update);
if (answerForm.isNew()) pageCopy.update();
deliver().catch(() => {});
