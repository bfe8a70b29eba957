// Encrypted copies of unconfirmed words in IndexedDB. The key comes with the pages of the person who is signed in. It
// stays in memory, cannot be exported, and opens nobody else's copies (ADR 27).

const DATABASE = "desk";
const COPIES = "copies";
// In milliseconds. Some browsers never answer a request to IndexedDB: nothing waits longer than this.
const PATIENCE = 2000;

// Returns the result of a promise, or false if it takes too long.
export function inTime(promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE, false))]);
}

// key: 32 bytes as base64.
export function createDevice(key) {
  let database = null;
  let cryptoKey = null;
  const device = { seal, unseal, put, get, getAll, remove, removeUnchanged, onclose: null };

  function open() {
    database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(COPIES);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const closed = () => {
          database = null;
          device.onclose?.();
        };
        // Signing out in another tab deletes the database: the browser closes it here, or asks this page to.
        request.result.onclose = closed;
        request.result.onversionchange = () => {
          request.result.close();
          closed();
        };
        resolve(request.result);
      };
    });
    return database;
  }

  async function withCopies(mode, act) {
    const transaction = (await open()).transaction(COPIES, mode);
    return new Promise((resolve, reject) => {
      const request = act(transaction.objectStore(COPIES));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
      // The page may be gone before the request is answered: commit without waiting for that.
      if (mode === "readwrite") transaction.commit?.();
    });
  }

  async function importedKey() {
    const bytes = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
    cryptoKey ??= crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    return cryptoKey;
  }

  // The name of a copy is authenticated with it, so that copies cannot be swapped.
  function algorithm(name, iv) {
    return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) };
  }

  async function seal(name, sheet) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify(sheet));
    return { iv, bytes: await crypto.subtle.encrypt(algorithm(name, iv), await importedKey(), plain) };
  }

  // Returns null if it was sealed with another person's key.
  async function unseal(name, { iv, bytes }) {
    try {
      const plain = await crypto.subtle.decrypt(algorithm(name, iv), await importedKey(), bytes);
      return JSON.parse(new TextDecoder().decode(plain));
    } catch {
      return null;
    }
  }

  function put(name, record) {
    return withCopies("readwrite", (copies) => copies.put(record, name));
  }

  function get(name) {
    return withCopies("readonly", (copies) => copies.get(name));
  }

  // Pairs of name and record.
  async function getAll() {
    let names = null;
    const records = await withCopies("readonly", (copies) => {
      names = copies.getAllKeys();
      return copies.getAll();
    });
    return names.result.map((name, index) => [name, records[index]]);
  }

  function remove(name) {
    return withCopies("readwrite", (copies) => copies.delete(name));
  }

  // The page that wrote a copy may have replaced it since it was read: delete only what was read.
  async function removeUnchanged(name, { iv }) {
    const stored = await get(name);
    if (stored && String(stored.iv) === String(iv)) await remove(name);
  }

  // Now, not at the first words: the tab may be closed right after them.
  importedKey().catch(() => {});
  return device;
}

// The copy of one page: it is on the device exactly while the paper has words that are not confirmed.
export function createPageCopy(paper, device) {
  // One after the other: a write that is still running must not restore what was deleted.
  let queue = Promise.resolve();
  // The write whose turn has not come yet. It will take the words as they are then.
  let next = null;
  let stored = "";
  device.onclose = () => (stored = "");

  async function store() {
    const sheet = paper.read();
    const text = JSON.stringify(sheet);
    if (!paper.isNew(sheet)) return clear();
    if (text === stored) return true;
    await device.put(paper.pageId, await device.seal(paper.pageId, paper.numbered(sheet)));
    stored = text;
    return true;
  }

  async function clear() {
    if (stored) await device.remove(paper.pageId);
    stored = "";
    return true;
  }

  // Without waiting for a pause: the tab may be closed at any moment. Returns whether the device then has the words, if
  // it needs them.
  function update() {
    if (!next) {
      next = queue.then(storeNext).catch(() => false);
      queue = next;
    }
    return next;
  }

  function storeNext() {
    next = null;
    return store();
  }

  function settled() {
    return inTime(queue);
  }

  return { update, settled };
}
