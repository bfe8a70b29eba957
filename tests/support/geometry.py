"""Where things are in a window: what the tests of geometry ask a page."""

from playwright.sync_api import CDPSession, Page

# Windows as people have them at 400 % zoom, on a split screen and on a phone held sideways.
SHORT_WINDOWS = ((320, 256), (341, 192), (640, 360), (844, 390))
USUAL, DOUBLE = {"standard": 16, "fixed": 13}, {"standard": 32, "fixed": 26}

# At the top of the page, in its middle and at its end: each is a sentence about what is wrong.
WRONG = """
() => {
  const wrong = [];
  const width = document.documentElement.clientWidth, height = innerHeight;
  if (document.documentElement.scrollWidth > width) wrong.push("it scrolls sideways");
  const link = document.querySelector("a.leave");
  const end = document.documentElement.scrollHeight;
  for (const y of [0, end / 2, end]) {
    scrollTo(0, y);
    const box = link.getBoundingClientRect();
    const inside = box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height;
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!inside) wrong.push("“Leave now” is not whole in the window");
    else if (!link.contains(at)) wrong.push("“Leave now” is covered");
  }
  scrollTo(0, 0);
  const labels = [...document.querySelectorAll(".nav a, .mark, a.leave")].map((each) => {
    const words = document.createRange();
    words.selectNode([...each.childNodes].find((node) => node.data?.trim()));
    return [each.textContent.trim(), words.getBoundingClientRect()];
  });
  for (const [name, a] of labels) {
    if (a.left < 0 || a.right > width) wrong.push(`“${name}” lies outside`);
    for (const [other, b] of labels) {
      const beside = a.right <= b.left || b.right <= a.left;
      const below = a.bottom <= b.top || b.bottom <= a.top;
      if (name < other && !beside && !below) wrong.push(`“${name}” and “${other}” collide`);
    }
  }
  return [...new Set(wrong)];
}
"""

# Words that lie outside of the window, or outside of something around them that hides the rest.
CUT_OFF = """
() => {
  const cut = [];
  const width = document.documentElement.clientWidth;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const words = texts.currentNode.data.trim(), around = [];
    let element = texts.currentNode.parentElement;
    const isRead = element.checkVisibility({ visibilityProperty: true });
    if (!words || !isRead || element.closest(".vh, .skip, select, textarea")) continue;
    for (; element; element = element.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(element);
      if (/hidden|clip/.test(overflowX + overflowY)) around.push(element.getBoundingClientRect());
    }
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    for (const box of range.getClientRects()) {
      const outside = (frame) =>
        box.left < frame.left - 1 || box.right > frame.right + 1 ||
        box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      const isBeside = box.left < -1 || box.right > width + 1;
      if (box.width && (isBeside || around.some(outside))) cut.push(`“${words}” is cut off`);
    }
  }
  return [...new Set(cut)];
}
"""


def cut_off_in_window(page: Page, width: int, height: int) -> list[str]:
    """The words of this page that cannot be read whole in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    found: list[str] = page.evaluate(CUT_OFF)
    return found


def wrong_in_window(page: Page, width: int, height: int) -> list[str]:
    """What is wrong with the frame of this page in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    found: list[str] = page.evaluate(WRONG)
    return found


def set_text_size(devtools: CDPSession, sizes: dict[str, int]) -> None:
    """Set what a person chooses in the browser’s settings as the size of text."""
    devtools.send("Page.setFontSizes", {"fontSizes": sizes})
