// Saves the words of a paper while they are written, and shows in the status line whether they are saved.

import { inTime } from "./device.js";
import { asNew, textOf } from "./letter_form.js";
import { CONFLICT, GONE, OK, TOO_LARGE, UNAVAILABLE } from "./server.js";
import { link } from "./status.js";

// In milliseconds: after the last keystroke, and at the latest while the writer goes on.
const SAVE_AFTER = 800;
const SAVE_WITHIN = 5000;
const RETRY_AFTER = 30000;
// Results of save(): nothing can be sent, or autosave failed and the form may still be submitted.
const BLOCKED = "blocked";
export const REFUSED = "refused";

export function createAutosave({ paper, status, pageCopy, server, texts }) {
  let afterPause = 0;
  let atLatest = 0;
  let retry = 0;
  // The promise of the save that runs.
  let running = null;
  let isSaveQueued = false;
  let textInFlight = "";
  // Shown before the next message that the words are saved.
  let note = "";

  function onInput() {
    clearTimeout(afterPause);
    afterPause = setTimeout(save, SAVE_AFTER);
    atLatest ||= setTimeout(save, SAVE_WITHIN);
    pageCopy.update();
  }

  // Returns why the words are not saved, or "" if they are.
  function save() {
    for (const timer of [afterPause, atLatest, retry]) clearTimeout(timer);
    atLatest = 0;
    isSaveQueued = Boolean(running);
    if (!running && !paper.isNew()) return nothingToSave();
    running ??= saveOnce().finally(() => {
      running = null;
      if (isSaveQueued) save();
    });
    return running;
  }

  function saveWithNote(text) {
    note = text;
    return save();
  }

  function nothingToSave() {
    pageCopy.update();
    const { body, version } = paper.read();
    if (!body.trim() && version !== "0") {
      // An empty paper is never sent: the letter keeps what was saved before.
      status.sayPending(texts.empty);
      status.setProblem(true);
    } else {
      status.clearPending();
    }
    return "";
  }

  async function saveOnce() {
    const sheet = paper.numbered(paper.read());
    textInFlight = textOf(sheet);
    const answer = await server.send(sheet);
    textInFlight = "";
    if (answer.why) {
      // The words may have arrived: then the server no longer has the text that was saved before.
      if (answer.isLost) paper.markUnsaved();
      await sayNotSent(answer.why);
      return answer.why;
    }
    await apply(sheet, answer);
    if (answer.status === OK) return "";
    // Submitting the form would not help: the status line offers what can be done.
    return [TOO_LARGE, GONE].includes(answer.status) ? BLOCKED : REFUSED;
  }

  // Applies the server's answer about the words of this paper.
  async function apply(sheet, answer) {
    const { status: code } = answer;
    const isStored = code === OK || code === CONFLICT;
    if (isStored) paper.markSaved(sheet);
    if (code === OK) moveTo(answer);
    if (code === CONFLICT) paper.write({ revision: answer.revision });
    if (code === GONE) markGone();
    const copied = pageCopy.update();
    if (isStored || code === GONE) sayAnswer(answer);
    else await sayNotSaved(answer.said, copied);
    if (code === UNAVAILABLE) retry = setTimeout(save, RETRY_AFTER);
    status.setProblem(code !== OK);
    note = "";
  }

  // The letter is gone from the server. With a version above 0 these words do not create it again by themselves.
  function markGone() {
    paper.markUnsaved();
    if (paper.field("version").value === "0") paper.write({ version: "1" });
  }

  function moveTo({ id, version, address }) {
    paper.write({ id, version, revision: "" });
    showAddress(address);
    const draftLinks = document.querySelector("[data-desk-draft]");
    if (draftLinks) draftLinks.hidden = draftLinks.dataset.deskDraft !== id;
  }

  function showAddress(address) {
    try {
      if (location.pathname !== address) history.replaceState(history.state, "", address);
    } catch {
      // Safari throws after a hundred calls in half a minute. The words are saved all the same.
    }
  }

  function sayAnswer(answer) {
    if (answer.status === CONFLICT) status.say(answer.said, link(texts.toBoth, answer.link));
    else if (answer.status === GONE) status.say(answer.said, status.button(texts.newPaper, beginNew));
    else if (answer.moved) status.say(answer.moved);
    else status.saySaved(answer.said, note);
  }

  // Says first where the words are stored.
  async function sayNotSaved(text, copied, ...more) {
    const isOnDevice = await inTime(copied);
    status.setProblem(true);
    // They may have been deleted from the paper meanwhile.
    if (!paper.isNew()) nothingToSave();
    else status.sayPending(`${isOnDevice ? texts.device : texts.screen} ${text}`, ...more);
  }

  async function sayNotSent(why) {
    const more = why === "closed" ? [link(texts.toPages, location.href, { isNewTab: true })] : [];
    await sayNotSaved(texts[why], pageCopy.update(), ...more);
    if (!paper.isNew()) return;
    // Asking again and again while somebody else is signed in would keep their session from locking when idle.
    if (why !== "someone") retry = setTimeout(save, RETRY_AFTER);
  }

  function beginNew() {
    paper.write(asNew({}));
    save();
  }

  // The page is being closed: send without waiting for anything.
  function handOver() {
    const sheet = paper.read();
    if (!paper.isNew(sheet)) return;
    pageCopy.update();
    const text = textOf(sheet);
    if (!server.isTrusted() || textInFlight === text) return;
    textInFlight = text;
    server.post(paper.numbered(sheet));
  }

  function onVisibilityChange() {
    if (document.visibilityState === "visible") {
      resume();
    } else {
      pageCopy.update();
      if (textInFlight !== textOf(paper.read())) save();
    }
  }

  // Somebody else may have signed in meanwhile, or the server may be reachable again.
  function resume() {
    server.distrust();
    if (paper.isNew()) save();
    else server.check();
  }

  // Sends words of a copy that was put back on the paper, as the page that wrote them would have. Returns whether the
  // copy is no longer needed.
  async function saveCopy(sheet) {
    note = texts.back;
    status.say(note);
    textInFlight = textOf(sheet);
    const sending = server.send(sheet);
    // Saves started meanwhile wait for it.
    running = sending.then(() => "");
    const answer = await sending;
    running = null;
    textInFlight = "";
    if (!answer.why && !answer.overtaken) await apply(sheet, answer);
    const isOnDevice = await inTime(pageCopy.update());
    save();
    return isOnDevice;
  }

  return { onInput, save, saveWithNote, saveCopy, handOver, onVisibilityChange, resume };
}

// A button of the form saves first, so that no error page or sign-in page takes the place of the words.
export function createSubmitter({ paper, status, pageCopy, autosave }) {
  let isSaving = false;
  let isSaved = false;

  async function onSubmit(event) {
    if (isSaved || !paper.isNew() || !paper.form.requestSubmit) return;
    event.preventDefault();
    if (isSaving) return;
    isSaving = true;
    let why = "";
    while (paper.isNew() && !why) why = await autosave.save();
    await pageCopy.settled();
    isSaving = false;
    if (why && why !== REFUSED) return void status.scrollIntoView();
    isSaved = true;
    paper.form.requestSubmit(event.submitter);
  }

  return { onSubmit };
}
