// The writing desk: saves what is on the paper while it is written, and stores words that are not confirmed yet on the
// device, encrypted. On a page without a paper it delivers what earlier pages left there. Without this module the form
// saves when a button is pressed.

import { createAutosave, createSubmitter } from "./autosave.js";
import { createDelivery } from "./deliver_copies.js";
import { createDevice, createPageCopy } from "./device.js";
import { createLetterForm } from "./letter_form.js";
import { createServer } from "./server.js";
import { createStatus } from "./status.js";

// The keyCode of a key that an input method (Chinese, Japanese, Korean) handles: the only mark of the Enter that ends
// a composition, in browsers that report the end of the composition first.
const COMPOSING = 229;

const line = document.querySelector("[data-desk]");
const form = line.closest("form");
const texts = { ...line.dataset };
const tabs = openChannel();

const device = createDevice(texts.key);
const paper = form && createLetterForm(form, { kind: texts.kind, isSaved: Boolean(texts.desk) });
const status = createStatus(line, paper?.field("body"));
const server = createServer({
  saveUrl: texts.save,
  tokenUrl: texts.token,
  key: texts.key,
  csrf: paper?.field("csrfmiddlewaretoken").value,
  tooLong: texts.long,
  onToken: (token) => {
    if (paper) paper.field("csrfmiddlewaretoken").value = token;
  },
});
const pageCopy = paper && createPageCopy(paper, device);
const autosave = paper && createAutosave({ paper, status, pageCopy, server, texts });
const formerPageId = history.state?.paper;
const delivery = createDelivery({ paper, autosave, device, server, status, texts, formerPageId });

// Older browsers do not have it, and Firefox throws where cookies are blocked.
function openChannel() {
  try {
    return new BroadcastChannel("desk");
  } catch {
    return null;
  }
}

// Names this page to the one that it becomes when it is reloaded. Safari throws after a hundred calls in half a minute.
function signHistory() {
  try {
    history.replaceState({ ...history.state, paper: paper.pageId }, "");
  } catch {
    // After a reload, its copy is then sent like those of other pages.
  }
}

// Enter in the salutation moves on to the letter instead of submitting the form. During a composition it ends the word.
function onKeydown(event) {
  const isEnter = event.key === "Enter" && !event.isComposing && event.keyCode !== COMPOSING;
  if (!isEnter || event.target !== paper.field("to")) return;
  event.preventDefault();
  paper.field("body").focus();
}

if (paper) {
  signHistory();
  form.addEventListener("input", autosave.onInput);
  form.addEventListener("keydown", onKeydown);
  form.addEventListener("submit", createSubmitter({ paper, status, pageCopy, autosave }).onSubmit);
  document.addEventListener("visibilitychange", autosave.onVisibilityChange);
  document.addEventListener("leaving", autosave.handOver);
  addEventListener("pagehide", autosave.handOver);
  addEventListener("online", autosave.resume);
  addEventListener("focus", autosave.resume);
  tabs?.addEventListener("message", autosave.resume);
  if (paper.isNew()) autosave.onInput();
}

// Other tabs may be waiting for a sign-in: tell them, once this page has delivered the copies that they left.
delivery
  .deliver()
  .catch(() => {})
  .finally(() => tabs?.postMessage("here"));
