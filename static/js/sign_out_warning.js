// Warns on the sign-out page that this device stores words which the server has not confirmed (see desk/device.js):
// signing out deletes them. They are encrypted, so this page cannot know whose they are.

const warning = document.querySelector("[data-waiting]");

function look() {
  const request = indexedDB.open("desk");
  // Opening a database that does not exist would create it: cancel that.
  request.onupgradeneeded = () => request.transaction.abort();
  request.onsuccess = () => {
    const database = request.result;
    const count = database.transaction("copies").objectStore("copies").count();
    count.onsuccess = () => {
      warning.hidden = count.result === 0;
      database.close();
    };
  };
}

try {
  look();
} catch {
  // Browsers that block storage throw. Then our pages could store nothing either.
}
