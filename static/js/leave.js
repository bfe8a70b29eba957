// "Leave now": empties the page, locks the session and opens a neutral page in this page's place, so that
// Back does not return here. Without this module the link still goes to the address that does the same.

const PRESSES = 3;
const PATIENCE = 5000;

const link = document.querySelector("a[data-leave]");
// Between the tabs of this browser, and no further. Nothing is stored. Old browsers do without it.
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("leave") : null;

// Whatever a page still has to bring to safety, it does now. Nothing waits for it.
function tell() {
  document.dispatchEvent(new Event("leaving"));
}

function empty() {
  document.documentElement.hidden = true;
  document.body.replaceChildren();
}

function mark() {
  // The server reads this cookie as "gone" on the next request, even when the call below never arrives.
  const secure = location.protocol === "https:";
  document.cookie = secure ? "__Host-left=1; path=/; SameSite=Lax; Secure" : "left=1; path=/; SameSite=Lax";
}

function go() {
  location.replace(link.dataset.leave || link.href);
}

function leave() {
  tell();
  empty();
  mark();
  fetch(link.href, { keepalive: true, redirect: "manual", credentials: "same-origin" }).catch(() => {});
  // Whoever looks at the screen next could look at our other tabs too.
  tabs?.postMessage("left");
  go();
}

// Another tab was left.
function follow() {
  tell();
  empty();
  go();
}

// Shift, pressed alone, three times. Not Escape: browsers use it to stop loading, dialogs to close.
let presses = 0;
let last = 0;
let alone = false;

function pressed(event) {
  alone = event.key === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (!alone) presses = 0;
}

function released(event) {
  if (event.key !== "Shift" || !alone) return;
  alone = false;
  presses = event.timeStamp - last > PATIENCE ? 1 : presses + 1;
  last = event.timeStamp;
  if (presses === PRESSES && !isOff()) leave();
}

function isOff() {
  // Turned off in this browser, by shift.js.
  return document.cookie.split("; ").includes("shift=off");
}

function usedWithPointer() {
  alone = false;
  presses = 0;
}

if (link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  tabs?.addEventListener("message", follow);
  addEventListener("keydown", pressed);
  addEventListener("keyup", released);
  addEventListener("pointerdown", usedWithPointer);
}

// A page that is held in memory for Back is held empty: it could be painted before any script runs again.
addEventListener("pagehide", (event) => {
  if (event.persisted) empty();
});

// A page brought back from memory knows nothing of who is sitting here now: ask the server again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  empty();
  location.reload();
});
