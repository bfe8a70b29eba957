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


def wrong_in_window(page: Page, width: int, height: int) -> list[str]:
    """What is wrong with the frame of this page in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    found: list[str] = page.evaluate(WRONG)
    return found


def set_text_size(devtools: CDPSession, sizes: dict[str, int]) -> None:
    """Set what a person chooses in the browser’s settings as the size of text."""
    devtools.send("Page.setFontSizes", {"fontSizes": sizes})
