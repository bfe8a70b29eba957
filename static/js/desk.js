// Keeps what is on the paper while it is written. Words that we have not confirmed yet lie on the device
// meanwhile, sealed with a key that only their writer's own pages are given; it is held in memory and nowhere
// else. Without this module the form does the same when a button is pressed. On a page without a paper it
// delivers what was left on the device.

const PAUSE = 800;
const PATIENCE = 5000;
// Sooner than anybody closes a page after the last key: a copy that lacks that key would look, next to the
// words that a closing page sends, like words of another page.
const COPIED_AFTER = 30;
const AGAIN = 30000;
const MINUTE = 60000;
const ANSWERED = 20000;
const DEVICE = 2000;
// Of what a closing page sends, browsers take so many bytes.
const LIGHT = 60000;

const KEPT = 200;
const CLOSED = 403;
const BESIDE = 409;
const GONE = 410;
const UNHEARD = 0;

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

// What the server has confirmed last.
let kept = paper && texts.desk ? words(onPaper()) : "";

function isNew(sheet = onPaper()) {
  return sheet.body.trim() !== "" && words(sheet) !== kept;
}

// --- What is said of it

const said = line.querySelector("[data-desk-said]");
const sign = line.querySelector("[data-desk-kept]");
let saidAt = 0;
let troubled = false;

function say(text, ...more) {
  saidAt = Date.now();
  // A screen reader would read the same words once more.
  if (said.textContent === [text, ...more.map((one) => one.textContent)].join(" ")) return;
  said.replaceChildren(text, ...more.flatMap((one) => [" ", one]));
  sign.hidden = true;
}

function sayKept(text, note) {
  if (!troubled && !note && Date.now() - saidAt < MINUTE) return;
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
  made.addEventListener("click", press, { once: true });
  return made;
}

// --- The device

// One after the other, so that what is deleted is not written again.
let turn = Promise.resolve();
let opened = null;
let secret = null;
let copied = "";
let copying = 0;

// Each paper has a copy of its own, also where two of them are of one letter.
const own = newId();

function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const signs = bytes.map((each) => each.toString(16).padStart(2, "0")).join("");
  return signs.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function inTurn(work) {
  turn = turn.then(work).catch(() => false);
  return turn;
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
      // Signing out in another tab closes it.
      asked.result.onclose = () => (opened = null);
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

// Whether what is on the paper lies on the device too.
function copy() {
  clearTimeout(copying);
  copying = 0;
  return inTurn(async () => {
    const sheet = onPaper();
    const text = JSON.stringify(sheet);
    if (!isNew(sheet) || text === copied) return true;
    const record = await sealed(own, text);
    await withCopies("readwrite", (copies) => copies.put(record, own));
    copied = text;
    return true;
  });
}

function forget() {
  clearTimeout(copying);
  copying = 0;
  return inTurn(async () => {
    if (copied) await withCopies("readwrite", (copies) => copies.delete(own));
    copied = "";
  });
}

// --- The server

let csrf = paper ? field("csrfmiddlewaretoken").value : "";
// Whether nobody else can have come in here since we were answered last.
let isSure = Boolean(paper);
let looking = null;

async function post(sheet) {
  const body = new URLSearchParams(sheet);
  try {
    const answer = await fetch(texts.save.replace(NO_LETTER, sheet.id), {
      method: "POST",
      headers: { "X-CSRFToken": csrf },
      body,
      redirect: "manual",
      keepalive: String(body).length < LIGHT,
      signal: AbortSignal.timeout?.(ANSWERED),
    });
    const isClosed = answer.type === "opaqueredirect" || answer.status === 401 || answer.status === CLOSED;
    return isClosed ? { status: CLOSED } : { ...(await answer.json()), status: answer.status };
  } catch {
    return { status: UNHEARD };
  }
}

// Why nothing can be sent from here now; "" where it can, with a fresh token for it.
async function ask() {
  try {
    const answer = await fetch(texts.token, { redirect: "manual", cache: "no-store" });
    if (!answer.ok) return answer.status < 500 ? "closed" : "unreached";
    const here = await answer.json();
    if (here.key !== texts.key) return "someone";
    csrf = here.csrf;
    if (paper) field("csrfmiddlewaretoken").value = csrf;
    return "";
  } catch {
    return navigator.onLine ? "unreached" : "offline";
  }
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
// Sent, and never answered: exactly that goes first next time, or it would look like words of another page.
let lost = null;
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
  if (!underWay && !isNew()) return "";
  underWay ??= keep().finally(() => {
    underWay = null;
    if (again) save();
  });
  return underWay;
}

async function keep() {
  const sheet = lost ?? onPaper();
  sent = words(sheet);
  const answer = await send(sheet);
  sent = "";
  if (answer.why) {
    lost = answer.isLost ? sheet : lost;
    await tellTrouble(answer.why);
    return answer.why;
  }
  again ||= Boolean(lost);
  lost = null;
  if (answer.status === KEPT || answer.status === BESIDE) confirm(sheet, answer);
  tell(answer);
  return answer.status === KEPT ? "" : "refused";
}

function confirm(sheet, answer) {
  kept = words(sheet);
  if (answer.status === KEPT) moveTo(answer);
  else write({ revision: answer.revision });
  if (isNew()) copy();
  else forget();
}

function moveTo({ id, version, address }) {
  write({ id, version, revision: "" });
  if (location.pathname !== address) history.replaceState(history.state, "", address);
  const more = document.querySelector("[data-desk-draft]");
  if (more) more.hidden = more.dataset.deskDraft !== id;
}

function tell(answer) {
  const { status, moved, link: address } = answer;
  if (status === KEPT && !moved) sayKept(answer.said, note);
  else if (status === KEPT) say(moved);
  else if (status === BESIDE) say(answer.said, link(texts.toBoth, address));
  else if (status === GONE) say(answer.said, button(texts.anew, beginAnew));
  else say(answer.said);
  troubled = status !== KEPT;
  note = "";
}

async function tellTrouble(why) {
  const isHere = await inTime(copy());
  troubled = true;
  const pages = why === "closed" ? [link(texts.toPages, location.href, true)] : [];
  say(`${isHere ? texts.device : texts.screen} ${texts[why]}`, ...pages);
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
  // What is under way will have arrived before.
  if (sent && sheet.version !== "0") sheet.version = String(Number(sheet.version) + 1);
  sent = words(sheet);
  post(sheet);
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
  await inTime(turn);
  isHandingIn = false;
  if (why && why !== "refused") return;
  isHandedIn = true;
  paper.requestSubmit(event.submitter);
}

// --- Copies of before

// The copy of this very page, before it was loaded anew.
const before = history.state?.paper;

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
  const atFirst = paper && words(onPaper());
  for (const [at, place] of places.result.entries()) {
    const sheet = await unsealed(place, records[at]);
    const isUntouched = paper && words(onPaper()) === atFirst;
    if (!sheet || place === own) continue;
    if (isUntouched && belongsHere(place, sheet)) await putBack(sheet);
    else if (!(await bring(place, sheet))) continue;
    await discard(place, records[at]);
  }
}

// Not where the page that wrote it has gone on since.
async function discard(place, { iv }) {
  const now = await withCopies("readonly", (copies) => copies.get(place));
  if (now && String(now.iv) === String(iv)) await withCopies("readwrite", (copies) => copies.delete(place));
}

async function putBack(sheet) {
  write(sheet);
  if (!isNew()) return;
  await inTime(copy());
  note = texts.back;
  say(note);
  save();
}

// Whether there is no more need of the copy.
async function bring(place, sheet) {
  const answer = await send(sheet);
  if (answer.status === GONE) return offer(place, sheet);
  if (answer.status === BESIDE) say(answer.said, link(texts.toBoth, answer.link));
  if (answer.status !== KEPT) return answer.status === BESIDE;
  if (answer.id !== (paper && onPaper().id)) say(texts.delivered, link(texts.toThem, answer.address));
  return true;
}

// Its writer has closed the letter elsewhere. What was not in it then is theirs to decide about.
async function offer(place, sheet) {
  const end = (work) => async () => {
    say("");
    if (await work()) await withCopies("readwrite", (copies) => copies.delete(place));
  };
  say(
    texts.gone,
    button(texts.anew, end(() => bring(place, asNew(sheet)))),
    button(texts.go, end(() => true)),
  );
  return false;
}

// --- The page

if (paper) {
  history.replaceState({ ...history.state, paper: own }, "");
  paper.addEventListener("input", typed);
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
