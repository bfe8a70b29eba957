// Deletes the encrypted copies of unsaved words from this device (see desk/device.js): before the form that signs out
// is sent, and on the page after signing out or erasing, which then says whether they are gone. The server asks the
// browser for the same by Clear-Site-Data, but WebKit does not obey, and without this module nobody would notice.

// In milliseconds. A tab that does not close the database would keep somebody from signing out.
const PATIENCE = 2000;

function deleteCopies() {
  return new Promise((resolve, reject) => {
    setTimeout(reject, PATIENCE);
    const request = indexedDB.deleteDatabase("desk");
    request.onsuccess = resolve;
    request.onerror = reject;
  });
}

let isSending = false;

async function onSubmit(event) {
  event.preventDefault();
  if (isSending) return;
  isSending = true;
  await deleteCopies().catch(() => {});
  event.target.submit();
}

const message = document.querySelector("[data-device-copies]");

async function report() {
  const found = await deleteCopies().then(
    () => "gone",
    () => "left",
  );
  message.textContent = message.dataset[found];
}

document.querySelector("form[data-device-copies-first]")?.addEventListener("submit", onSubmit);
if (message) report();
