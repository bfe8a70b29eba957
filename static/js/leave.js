// "Leave now": empties the page, locks the session and replaces the page with a neutral one, so that Back does not
// return here. Without this module the link opens /leave/, which locks and redirects.

const PRESSES = 3;
const MAX_PAUSE = 5000;

const link = document.querySelector("a[data-leave]");
const tabs = openChannel();

// Reaches the other tabs of this browser and stores nothing. Older browsers do not have it, and Firefox throws where
// cookies are blocked.
function openChannel() {
  try {
    return new BroadcastChannel("leave");
  } catch {
    return null;
  }
}

// Lets the desk send and store unsaved words. Nothing waits for that.
function announce() {
  document.dispatchEvent(new Event("leaving"));
}

function empty() {
  document.documentElement.hidden = true;
  document.body.replaceChildren();
}

// The request below may never arrive: with this cookie, the server locks the session at the next request that does.
function setMarker() {
  const secure = location.protocol === "https:";
  try {
    document.cookie = secure ? "__Host-left=1; path=/; SameSite=Lax; Secure" : "left=1; path=/; SameSite=Lax";
  } catch {
    // Leave all the same.
  }
}

function openNeutralPage() {
  location.replace(link.dataset.leave || link.href);
}

function leave() {
  announce();
  empty();
  setMarker();
  // Without a neutral page of its own the link opens /leave/ itself: a page that may not connect has none.
  if (link.dataset.leave) fetch(link.href, { keepalive: true, redirect: "manual", credentials: "same-origin" }).catch(() => {});
  // The next person at this screen could look at the other tabs too.
  tabs?.postMessage("left");
  openNeutralPage();
}

// Another tab was left, and has locked the session.
function follow() {
  announce();
  empty();
  openNeutralPage();
}

// Shift, pressed alone, three times. Not Escape: browsers stop loading with it, and dialogs close.
let presses = 0;
let releasedAt = 0;
let isAlone = false;

function onKeydown(event) {
  isAlone = event.key === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (!isAlone) presses = 0;
}

function onKeyup(event) {
  if (event.key !== "Shift" || !isAlone) return;
  isAlone = false;
  presses = event.timeStamp - releasedAt > MAX_PAUSE ? 1 : presses + 1;
  releasedAt = event.timeStamp;
  if (presses === PRESSES && !isTurnedOff()) leave();
}

// See leave_shortcut_switch.js.
function isTurnedOff() {
  try {
    return document.cookie.split("; ").includes("shift=off");
  } catch {
    return false;
  }
}

function onPointerdown() {
  isAlone = false;
  presses = 0;
}

if (link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  tabs?.addEventListener("message", follow);
  addEventListener("keydown", onKeydown);
  addEventListener("keyup", onKeyup);
  addEventListener("pointerdown", onPointerdown);
}

// The back/forward cache paints a page before any script of it runs again: let it store an empty one.
addEventListener("pagehide", (event) => {
  if (event.persisted) empty();
});

// Somebody else may be here when a page comes back from that cache: ask the server again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  empty();
  location.reload();
});
