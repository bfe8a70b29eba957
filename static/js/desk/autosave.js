// Saves the words of a paper while they are written, and tells in the status line what became of them.

import { inTime } from "./device.js";
import { asNew, textOf } from "./paper.js";
import { CONFLICT, GONE, OK, TOO_LARGE, UNAVAILABLE } from "./server.js";
import { link } from "./status.js";

// After the last key, and at the latest while somebody goes on writing.
const SAVE_AFTER = 800;
const SAVE_WITHIN = 5000;
const RETRY_AFTER = 30000;
// What save() answers where the words cannot be sent on, and where the form may be sent all the same.
const BLOCKED = "blocked";
export const REFUSED = "refused";

export function createAutosave({ paper, status, pageCopy, server, texts }) {
  let afterPause = 0;
  let atLatest = 0;
  let retry = 0;
  // A promise of what save() answers.
  let running = null;
  let isRunAgain = false;
  let textUnderWay = "";
  // Goes before the next message that the words are saved.
  let note = "";

  function onInput() {
    clearTimeout(afterPause);
    afterPause = setTimeout(save, SAVE_AFTER);
    atLatest ||= setTimeout(save, SAVE_WITHIN);
    pageCopy.updateSoon();
  }

  // Why the words are not saved; "" where they are.
  function save() {
    for (const timer of [afterPause, atLatest, retry]) clearTimeout(timer);
    atLatest = 0;
    isRunAgain = Boolean(running);
    if (!running && !paper.isNew()) return nothingToSave();
    running ??= saveOnce().finally(() => {
      running = null;
      if (isRunAgain) save();
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
    textUnderWay = textOf(sheet);
    const answer = await server.send(sheet);
    textUnderWay = "";
    if (answer.why) {
      // The words may have arrived: even the text that was saved before is new again.
      if (answer.isLost) paper.markUnsaved();
      await sayNotSent(answer.why);
      return answer.why;
    }
    await apply(sheet, answer);
    if (answer.status === OK) return "";
    // No button leads on from these: the status line offers what can be done.
    return [TOO_LARGE, GONE].includes(answer.status) ? BLOCKED : REFUSED;
  }

  // Takes over what the server answered about the words of this paper.
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

  // The letter is gone from the server. A version above 0 keeps these words from beginning it again unasked.
  function markGone() {
    paper.markUnsaved();
    if (paper.field("version").value === "0") paper.write({ version: "1" });
  }

  function moveTo({ id, version, address }) {
    paper.write({ id, version, revision: "" });
    if (location.pathname !== address) history.replaceState(history.state, "", address);
    const draftLinks = document.querySelector("[data-desk-draft]");
    if (draftLinks) draftLinks.hidden = draftLinks.dataset.deskDraft !== id;
  }

  function sayAnswer(answer) {
    if (answer.status === CONFLICT) status.say(answer.said, link(texts.toBoth, answer.link));
    else if (answer.status === GONE) status.say(answer.said, status.button(texts.newPaper, beginNew));
    else if (answer.moved) status.say(answer.moved);
    else status.saySaved(answer.said, note);
  }

  // Where the words are comes first.
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

  // The page is going: send without waiting for anything.
  function handOver() {
    const sheet = paper.read();
    if (!paper.isNew(sheet)) return;
    pageCopy.update();
    const text = textOf(sheet);
    if (!server.isTrusted() || textUnderWay === text) return;
    textUnderWay = text;
    server.post(paper.numbered(sheet));
  }

  function onVisibilityChange() {
    if (document.visibilityState === "visible") {
      resume();
    } else {
      pageCopy.update();
      if (textUnderWay !== textOf(paper.read())) save();
    }
  }

  // Somebody else may have signed in meanwhile, or the server may be reachable again.
  function resume() {
    server.distrust();
    if (paper.isNew()) save();
    else server.check();
  }

  // Sends words of a copy that was put back on the paper, as the page that wrote them would have. Returns whether the
  // copy is needed no longer.
  async function saveCopy(sheet) {
    note = texts.back;
    status.say(note);
    textUnderWay = textOf(sheet);
    const sending = server.send(sheet);
    // Saves started meanwhile wait for it.
    running = sending.then(() => "");
    const answer = await sending;
    running = null;
    textUnderWay = "";
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
