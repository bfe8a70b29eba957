// Says, before somebody signs out, that this device holds words which are not kept yet: desk.js put them
// there, sealed, and signing out removes them. Whose they are cannot be seen without a key.

const place = document.querySelector("[data-waiting]");
const asked = indexedDB.open("desk");

// Where nothing was ever put, nothing is made.
asked.onupgradeneeded = () => asked.transaction.abort();
asked.onsuccess = () => {
  const desk = asked.result;
  const counted = desk.transaction("copies").objectStore("copies").count();
  counted.onsuccess = () => {
    place.hidden = counted.result === 0;
    desk.close();
  };
};
