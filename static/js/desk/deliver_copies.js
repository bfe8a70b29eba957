// Delivers the copies of letters that earlier pages left on the device: to this paper if they belong to it, else to the
// server. Those of exercises are saved by their writer only (exercise.js).

import { paragraphsOf } from "./found_words.js";
import { asNew, textOf } from "./letter_form.js";
import { CONFLICT, GONE, OK } from "./server.js";
import { link } from "./status.js";

const RETRY_AFTER = 30000;

// paper, autosave: null on a page without a paper. formerPageId: names this page before it was reloaded.
export function createDelivery({ paper, autosave, device, server, status, texts, formerPageId }) {
  async function deliver() {
    for (const [name, record] of await device.getAll()) {
      const sheet = await device.unseal(name, record);
      if (!sheet || name === paper?.pageId) continue;
      const drop = () => device.removeUnchanged(name, record);
      if (sheet.place) {
        if (!paper) offerToRead(sheet, drop);
        continue;
      }
      const act = paper?.isUntouched() && belongsHere(name, sheet) ? putBack : send;
      if (await act({ ...sheet, revision: "", waited: "1" }, drop)) await drop();
    }
  }

  // The page of an exercise may not show them: it may have ended, be left out, or be gone.
  function offerToRead(copy, drop) {
    const offered = document.createElement("div");
    const words = document.createElement("details");
    const heading = document.createElement("summary");
    const remove = status.button(texts.deleteWords, () => {
      offered.remove();
      drop().catch(() => {});
    });
    words.className = "more";
    heading.append(texts.readHere);
    words.append(heading, ...paragraphsOf(copy), remove);
    offered.role = "status";
    status.addBelow(offered);
    offered.append(texts.ofExercise, " ", link(texts.toThem, copy.place), words);
  }

  function belongsHere(name, sheet) {
    const here = paper.read();
    if (sheet.version !== here.version) return false;
    return sheet.id === here.id || (name === formerPageId && !here.body.trim() && sheet.kind === here.kind);
  }

  // Puts a copy on this paper. Returns whether the copy is no longer needed.
  async function putBack(sheet) {
    paper.write(sheet);
    return paper.isNew() ? autosave.saveCopy(sheet) : true;
  }

  // Sends a copy that belongs to another paper. Returns whether the copy is no longer needed.
  async function send(sheet, drop) {
    const answer = await server.send(sheet);
    if (answer.status === GONE) offerNewPaper(sheet, drop);
    if (answer.status === CONFLICT) status.say(answer.said, link(texts.toBoth, answer.link));
    // If newer words of the same page were saved before, nothing has changed.
    if (answer.status === OK && !answer.overtaken) sayDelivered(sheet, answer);
    return answer.status === OK || answer.status === CONFLICT;
  }

  function sayDelivered(sheet, { id, address }) {
    if (id !== paper?.read().id) return status.say(texts.delivered, link(texts.toThem, address));
    if (!paper.isUntouched() || textOf(sheet) === paper.initialText) return;
    // The words were saved in this letter after the page was rendered.
    paper.write({ to: sheet.to, body: sheet.body });
    autosave.saveWithNote(texts.back);
  }

  // The letter is gone: let the writer decide what happens to these words.
  function offerNewPaper(sheet, drop) {
    const dismiss = () => {
      status.say("");
      drop().catch(() => {});
    };
    const fresh = asNew(sheet);
    const begin = async () => {
      const answer = await server.send(fresh);
      if (answer.why) return void sayWaiting(answer.why, begin);
      if (answer.status !== OK) return void status.say(answer.said);
      dismiss();
      status.say(texts.delivered, link(texts.toThem, answer.address));
    };
    status.say(texts.gone, status.button(texts.newPaper, begin), status.button(texts.deleteWords, dismiss));
  }

  function sayWaiting(why, tryAgain) {
    status.say(`${texts.device} ${texts[why]}`);
    if (why !== "someone") setTimeout(tryAgain, RETRY_AFTER);
  }

  return { deliver };
}
