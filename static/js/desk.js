// Keeps what is on the paper while it is written. Words that we have not confirmed yet lie on the device
// meanwhile, sealed with a key that only their writer's own pages are given; it is held in memory and nowhere
// else. Without this module the form does the same when a button is pressed. On a page without a paper it
// delivers what was left on the device.

const PAUSE = 800;
const PATIENCE = 5000;
// Sooner than anybody closes a page after the last key.
const COPIED_AFTER = 30;
const AGAIN = 30000;
const MINUTE = 60000;
// An answer takes no longer, besides a second for so many bytes of the words.
const ANSWERED = 20000;
const SLOWEST = 2000;
const DEVICE = 2000;
// Of what a page still sends while it closes, browsers take so many bytes.
const LIGHT = 60000;
const FORM = "application/x-www-form-urlencoded";

const KEPT = 200;
const CLOSED = 403;
const BESIDE = 409;
const GONE = 410;
const TOO_LONG = 413;
const BUSY = 503;
const UNHEARD = 0;
// The number of a key that belongs to a keyboard of signs, in browsers which end its word before they tell of it.
const COMPOSED = 229;

const FIELDS = ["id", "to", "body", "version", "revision", "answers", "since"];
const NO_LETTER = "00000000-0000-0000-0000-000000000000";

const line = document.querySelector("[data-desk]");
const paper = line.closest("form");
const texts = { ...line.dataset };
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("desk") : null;

// --- The paper

const field = (name) => paper.elements.namedItem(name);
const words = (sheet) => JSON.stringify([sheet.to, sheet.body]);

function onPaper() {
  const sheet = Object.fromEntries(FIELDS.map((name) => [name, field(name)?.value ?? ""]));
  return { ...sheet, kind: texts.kind };
}

function write(sheet) {
  for (const name of FIELDS) if (name in sheet && field(name)) field(name).value = sheet[name];
}

// What the server has confirmed last, or what its writer has yet to say a word about; "" where neither is known.
let kept = paper && texts.desk ? words(onPaper()) : "";

function isNew(sheet = onPaper()) {
  return sheet.body.trim() !== "" && words(sheet) !== kept;
}

// --- What is said of it

const said = line.querySelector("[data-desk-said]");
const sign = line.querySelector("[data-desk-kept]");
// By a clock that nobody sets back.
let saidAt = -Infinity;
let troubled = false;
// Whether it speaks of words that are still to be kept.
let isOwed = false;

function say(text, ...more) {
  saidAt = performance.now();
  isOwed = false;
  const saying = said.cloneNode();
  saying.append(text, ...more.flatMap((one) => [" ", one]));
  // A screen reader would read the same words once more.
  if (said.isEqualNode(saying)) return;
  said.replaceChildren(...saying.childNodes);
  sign.hidden = true;
}

function sayOwed(...saying) {
  say(...saying);
  isOwed = true;
}

function sayKept(text, note) {
  if (!troubled && !note && performance.now() - saidAt < MINUTE) return;
  say([note, text].join(" ").trim());
  sign.hidden = false;
}

function link(text, address, isElsewhere) {
  const made = document.createElement("a");
  made.append(text);
  made.href = address;
  if (isElsewhere) Object.assign(made, { target: "_blank", rel: "noopener" });
  return made;
}

function button(text, press) {
  const made = document.createElement("button");
  made.append(text);
  made.type = "button";
  made.className = "linklike";
  made.addEventListener("click", () => pressed(press), { once: true });
  return made;
}

// The button goes with what it was said with.
function pressed(press) {
  if (!paper) line.tabIndex = -1;
  (paper ? field("body") : line).focus();
  press();
}

// --- The device

// One after the other, so that what is deleted is not written again.
let queue = Promise.resolve();
let opened = null;
let secret = null;
let copied = "";
let copying = 0;

// Each open page has a name, for its copy on the device and for the server, also where two of them are of one letter;
// and whatever is taken from its paper has a number. So of two of them one knows which came later.
const own = newId();
let turns = 0;

function numbered(sheet) {
  turns += 1;
  return { ...sheet, sitting: own, turn: String(turns) };
}

function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const signs = bytes.map((each) => each.toString(16).padStart(2, "0")).join("");
  return signs.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function oneByOne(work) {
  queue = queue.then(work).catch(() => false);
  return queue;
}

// Some browsers never answer. Nothing waits for them for long.
function inTime(work) {
  return Promise.race([work, new Promise((done) => setTimeout(done, DEVICE, false))]);
}

function open() {
  opened ??= new Promise((done, fail) => {
    const asked = indexedDB.open("desk", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("copies");
    asked.onerror = () => fail(asked.error);
    asked.onsuccess = () => {
      // Signing out in another tab closes it, and leaves nothing in it.
      asked.result.onclose = () => {
        opened = null;
        copied = "";
      };
      done(asked.result);
    };
  });
  return opened;
}

async function withCopies(mode, act) {
  const work = (await open()).transaction("copies", mode);
  return new Promise((done, fail) => {
    const asked = act(work.objectStore("copies"));
    work.oncomplete = () => done(asked.result);
    work.onabort = () => fail(work.error);
    // Not to wait for an answer first: the page may be gone by then.
    if (mode === "readwrite") work.commit?.();
  });
}

function lock() {
  const bytes = Uint8Array.from(atob(texts.key), (each) => each.charCodeAt(0));
  secret ??= crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return secret;
}

async function sealed(place, text) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const how = { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(place) };
  return { iv, bytes: await crypto.subtle.encrypt(how, await lock(), new TextEncoder().encode(text)) };
}

// Null where it is of another person.
async function unsealed(place, { iv, bytes }) {
  const how = { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(place) };
  try {
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(how, await lock(), bytes)));
  } catch {
    return null;
  }
}

// Whether what is on the paper lies on the device too, as far as there is need of it.
function copy() {
  clearTimeout(copying);
  copying = 0;
  return oneByOne(async () => {
    const sheet = onPaper();
    const text = JSON.stringify(sheet);
    if (!isNew(sheet)) return forget();
    if (text === copied) return true;
    const record = await sealed(own, JSON.stringify(numbered(sheet)));
    await withCopies("readwrite", (copies) => copies.put(record, own));
    copied = text;
    return true;
  });
}

async function forget() {
  if (copied) await withCopies("readwrite", (copies) => copies.delete(own));
  copied = "";
  return true;
}

// --- The server

let csrf = paper ? field("csrfmiddlewaretoken").value : "";
// Whether nobody else can have come in here since we were answered last.
let isSure = Boolean(paper);
let looking = null;

// What is sent again may have come before.
let hasSent = false;

// How many bytes are under way that are to arrive also when the page goes.
let light = 0;

// What it answers is read in time too, or this fails.
async function reach(address, how, read) {
  const stop = new AbortController();
  const onTheWay = ((how.body?.length ?? 0) / SLOWEST) * 1000;
  const waited = setTimeout(() => stop.abort(), ANSWERED + onTheWay);
  try {
    return await read(await fetch(address, { ...how, redirect: "manual", signal: stop.signal }));
  } finally {
    clearTimeout(waited);
  }
}

async function heard(answer) {
  const { status } = answer;
  if (answer.type === "opaqueredirect" || status === 401 || status === CLOSED) return { status: CLOSED };
  // What is too much is turned away at the door, without a word.
  if (status === 400 || status === TOO_LONG) return { status: TOO_LONG, said: texts.long };
  return { ...(await answer.json()), status };
}

async function post(sheet) {
  const waited = sheet.waited || hasSent ? "1" : "";
  const body = String(new URLSearchParams({ ...sheet, waited }));
  hasSent = true;
  const weight = light + body.length < LIGHT ? body.length : 0;
  const headers = { "X-CSRFToken": csrf, "Content-Type": FORM };
  const how = { method: "POST", headers, body, keepalive: weight > 0 };
  light += weight;
  try {
    return await reach(texts.save.replace(NO_LETTER, sheet.id), how, heard);
  } catch {
    return { status: UNHEARD };
  } finally {
    light -= weight;
  }
}

// Why nothing can be sent from here now; "" where it can, with a fresh token for it.
async function ask() {
  try {
    return await reach(texts.token, { cache: "no-store" }, met);
  } catch {
    return navigator.onLine ? "unreached" : "offline";
  }
}

async function met(answer) {
  if (!answer.ok) return answer.status < 500 ? "closed" : "unreached";
  const here = await answer.json();
  if (here.key !== texts.key) return "someone";
  csrf = here.csrf;
  if (paper) field("csrfmiddlewaretoken").value = csrf;
  return "";
}

async function look() {
  looking ??= ask().finally(() => (looking = null));
  const why = await looking;
  isSure = !why;
  return why;
}

// The answer, or why there is none.
async function send(sheet) {
  let why = isSure ? "" : await look();
  if (why) return { why };
  let answer = await post(sheet);
  if (answer.status === CLOSED) {
    // The page may only be too old.
    why = await look();
    answer = why ? { why } : await post(sheet);
  }
  if (answer.status === CLOSED) {
    isSure = false;
    return { why: "closed" };
  }
  if (answer.status === UNHEARD) return { why: navigator.onLine ? "unreached" : "offline", isLost: true };
  return answer;
}

// --- Keeping

let pausing = 0;
let hurrying = 0;
let waiting = 0;
let underWay = null;
let sent = "";
let again = false;
let note = "";

function typed() {
  clearTimeout(pausing);
  pausing = setTimeout(save, PAUSE);
  hurrying ||= setTimeout(save, PATIENCE);
  copying ||= setTimeout(copy, COPIED_AFTER);
}

// What stood in the way, or "".
function save() {
  for (const each of [pausing, hurrying, waiting]) clearTimeout(each);
  hurrying = 0;
  again = Boolean(underWay);
  if (!underWay && !isNew()) return takeBack();
  underWay ??= keep().finally(() => {
    underWay = null;
    if (again) save();
  });
  return underWay;
}

// There is nothing to keep any more.
function takeBack() {
  copy();
  const { body, version } = onPaper();
  if (!body.trim() && version !== "0") {
    // What is deleted here is not deleted there.
    sayOwed(texts.empty);
    troubled = true;
  } else if (isOwed) {
    say("");
  }
  return "";
}

async function keep() {
  const sheet = numbered(onPaper());
  sent = words(sheet);
  const answer = await send(sheet);
  sent = "";
  if (answer.why) {
    // It may have been kept all the same.
    if (answer.isLost) kept = "";
    await tellTrouble(answer.why);
    return answer.why;
  }
  await take(sheet, answer);
  if (answer.status === KEPT) return "";
  // No button leads on from these: what is to be done about them is said here.
  return [TOO_LONG, GONE].includes(answer.status) ? "stays" : "refused";
}

// An answer about what is on this paper.
async function take(sheet, answer) {
  const { status } = answer;
  const isKept = status === KEPT || status === BESIDE;
  if (isKept) kept = words(sheet);
  if (status === KEPT) moveTo(answer);
  if (status === BESIDE) write({ revision: answer.revision });
  if (status === GONE) endHere();
  const copied = copy();
  if (isKept || status === GONE) tell(answer);
  else await tellUnkept(answer.said, copied);
  if (status === BUSY) waiting = setTimeout(save, AGAIN);
  troubled = status !== KEPT;
  note = "";
}

// The server holds nothing of it any more, and begins it only anew.
function endHere() {
  kept = "";
  if (field("version").value === "0") write({ version: "1" });
}

function moveTo({ id, version, address }) {
  write({ id, version, revision: "" });
  if (location.pathname !== address) history.replaceState(history.state, "", address);
  const more = document.querySelector("[data-desk-draft]");
  if (more) more.hidden = more.dataset.deskDraft !== id;
}

function tell(answer) {
  const { status, moved, link: address } = answer;
  if (status === BESIDE) say(answer.said, link(texts.toBoth, address));
  else if (status === GONE) say(answer.said, button(texts.anew, beginAnew));
  else if (moved) say(moved);
  else sayKept(answer.said, note);
}

// Where the words are, first of all.
async function tellUnkept(text, copied, ...more) {
  const isHere = await inTime(copied);
  troubled = true;
  // Meanwhile they may have been taken back.
  if (!isNew()) takeBack();
  else sayOwed(`${isHere ? texts.device : texts.screen} ${text}`, ...more);
}

async function tellTrouble(why) {
  const pages = why === "closed" ? [link(texts.toPages, location.href, true)] : [];
  await tellUnkept(texts[why], copy(), ...pages);
  if (!isNew()) return;
  // Not while somebody else is signed in: asking again and again would hold their pages open.
  if (why !== "someone") waiting = setTimeout(save, AGAIN);
}

function asNew(sheet) {
  return { ...sheet, id: newId(), version: "0", revision: "" };
}

function beginAnew() {
  write(asNew({}));
  save();
}

// The page is going, and nothing waits for it.
function handOver() {
  const sheet = onPaper();
  if (!isNew(sheet)) return;
  copy();
  if (!isSure || sent === words(sheet)) return;
  sent = words(sheet);
  post(numbered(sheet));
}

function shownOrHidden() {
  if (document.visibilityState === "visible") {
    comeBack();
  } else {
    copy();
    if (sent !== words(onPaper())) save();
  }
}

// Somebody else may have come in meanwhile, or the way may be free again.
function comeBack() {
  isSure = false;
  if (isNew()) save();
  else look();
}

// --- A button of the form

let isHandedIn = false;
let isHandingIn = false;

// Kept first, so that no page of a lost connection or a closed door takes the place of the words.
async function handIn(event) {
  if (isHandedIn || !isNew() || !paper.requestSubmit) return;
  event.preventDefault();
  if (isHandingIn) return;
  isHandingIn = true;
  let why = "";
  while (isNew() && !why) why = await save();
  await inTime(queue);
  isHandingIn = false;
  if (why && why !== "refused") return void line.scrollIntoView({ block: "nearest" });
  isHandedIn = true;
  paper.requestSubmit(event.submitter);
}

// Whoever has named somebody goes on to write to them. In the middle of a word of signs, Enter ends the word.
function pressedKey(event) {
  const isEnter = event.key === "Enter" && !event.isComposing && event.keyCode !== COMPOSED;
  if (!isEnter || event.target !== field("to")) return;
  event.preventDefault();
  field("body").focus();
}

// --- Copies of before

// The copy of this very page, before it was loaded anew.
const before = history.state?.paper;
const atFirst = paper && words(onPaper());

function isUntouched() {
  return paper && words(onPaper()) === atFirst;
}

function belongsHere(place, sheet) {
  const here = onPaper();
  if (sheet.version !== here.version) return false;
  return sheet.id === here.id || (place === before && !here.body.trim() && sheet.kind === here.kind);
}

async function deliver() {
  let places = null;
  const records = await withCopies("readonly", (copies) => {
    places = copies.getAllKeys();
    return copies.getAll();
  });
  for (const [at, place] of places.result.entries()) {
    const sheet = await unsealed(place, records[at]);
    if (!sheet || place === own) continue;
    const act = isUntouched() && belongsHere(place, sheet) ? putBack : bring;
    const waited = { ...sheet, revision: "", waited: "1" };
    if (await act(waited, () => discard(place, records[at]))) await discard(place, records[at]);
  }
}

// Not where the page that wrote it has gone on since.
async function discard(place, { iv }) {
  const now = await withCopies("readonly", (copies) => copies.get(place));
  if (now && String(now.iv) === String(iv)) await withCopies("readwrite", (copies) => copies.delete(place));
}

// Whether there is no more need of the copy. It is sent as the page that wrote it would have sent it, so that what that
// page sent besides stands in nobody's way.
async function putBack(sheet) {
  write(sheet);
  if (!isNew()) return true;
  note = texts.back;
  say(note);
  sent = words(sheet);
  const answered = send(sheet);
  // What is saved meanwhile waits for it.
  underWay = answered.then(() => "");
  const answer = await answered;
  underWay = null;
  sent = "";
  if (!answer.why && !answer.overtaken) await take(sheet, answer);
  const isHere = await inTime(copy());
  save();
  return isHere;
}

// The same, where the paper is another one.
async function bring(sheet, drop) {
  const answer = await send(sheet);
  if (answer.status === GONE) offer(sheet, drop);
  if (answer.status === BESIDE) say(answer.said, link(texts.toBoth, answer.link));
  // Where newer words of its page are kept there is nothing to tell.
  if (answer.status === KEPT && !answer.overtaken) tellBrought(sheet, answer);
  return answer.status === KEPT || answer.status === BESIDE;
}

function tellBrought(sheet, { id, address }) {
  if (id !== (paper && onPaper().id)) return say(texts.delivered, link(texts.toThem, address));
  if (!isUntouched() || words(sheet) === atFirst) return;
  // They came into this very letter after this page was made.
  write({ to: sheet.to, body: sheet.body });
  note = texts.back;
  save();
}

// Its writer has closed the letter elsewhere. What was not in it then is theirs to decide about.
function offer(sheet, drop) {
  const end = () => {
    say("");
    drop().catch(() => {});
  };
  const anew = asNew(sheet);
  const begin = async () => {
    const answer = await send(anew);
    if (answer.why) return void tellWaits(answer.why, begin);
    if (answer.status !== KEPT) return void say(answer.said);
    end();
    say(texts.delivered, link(texts.toThem, answer.address));
  };
  say(texts.gone, button(texts.anew, begin), button(texts.go, end));
}

function tellWaits(why, goOn) {
  say(`${texts.device} ${texts[why]}`);
  if (why !== "someone") setTimeout(goOn, AGAIN);
}

// --- The page

if (paper) {
  history.replaceState({ ...history.state, paper: own }, "");
  paper.addEventListener("input", typed);
  paper.addEventListener("keydown", pressedKey);
  paper.addEventListener("submit", handIn);
  document.addEventListener("visibilitychange", shownOrHidden);
  document.addEventListener("leaving", handOver);
  addEventListener("pagehide", handOver);
  addEventListener("online", comeBack);
  addEventListener("focus", comeBack);
  tabs?.addEventListener("message", comeBack);
  if (isNew()) typed();
}

// Other tabs may have waited for somebody to come in here. They are told when this page has what they left.
deliver()
  .catch(() => {})
  .finally(() => tabs?.postMessage("here"));
