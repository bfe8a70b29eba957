"""Look at what our pages have stored in a browser: encrypted copies of words, and nothing else."""

from uuid import uuid4

from playwright.sync_api import Page

COPIES = """
async () => {
  const names = (await indexedDB.databases()).map((each) => each.name);
  if (!names.includes("desk")) return [];
  const opened = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const copies = await new Promise((done) => {
    const asked = opened.transaction("copies").objectStore("copies").getAll();
    asked.onsuccess = () => done(asked.result);
  });
  opened.close();
  return copies.map(({ bytes }) => Array.from(new Uint8Array(bytes)));
}
"""

# `wait_for_function` takes a promise for true: ask again and again, and look at the last answer.
COUNT_IS = f"""
([count, last]) => {{
  ({COPIES})().then((found) => (window[last] = found.length));
  return window[last] === count;
}}
"""
FIRST_IS_NOT = f"""
([before, last]) => {{
  ({COPIES})().then((found) => (window[last] = String(found[0])));
  return last in window && window[last] !== String(before);
}}
"""


def copies(page: Page) -> list[bytes]:
    """The encrypted copies on this device."""
    return [bytes(each) for each in page.evaluate(COPIES)]


def wait_for_copies(page: Page, count: int) -> None:
    page.wait_for_function(COUNT_IS, arg=[count, str(uuid4())])


def wait_for_another_copy(page: Page, before: bytes) -> None:
    """Wait until the first copy has other bytes than these."""
    page.wait_for_function(FIRST_IS_NOT, arg=[list(before), str(uuid4())])


# The names and values of everything that this origin has stored.
STORED = """
async () => [
  ...Object.entries(localStorage).flat(),
  ...Object.entries(sessionStorage).flat(),
  ...(await caches.keys()),
  ...(await indexedDB.databases()).map((each) => each.name),
]
"""
