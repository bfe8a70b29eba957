"""What decides whether the text of a page can be read: what axe’s rules about colours depend on."""

# For each text that is shown: its own look, whether it is large (WCAG 1.4.3), and everything that
# lies behind it, around it or over it and has a colour, an image or a transparency of its own. A
# link differs from the words around it by more than its colour, or it does not. Texts of which all
# this is the same get the same answer. Where something is disabled, axe leaves its labels out: such
# a page is like no other.
TEXT_COLOURS = """
() => {
  const CLEAR = "rgba(0, 0, 0, 0)";
  const around = ({ content, display, backgroundColor, backgroundImage }) =>
    content !== "none" && content !== "normal" && display !== "none" &&
      [backgroundColor, backgroundImage, content];
  const layers = [], texts = [];
  for (const each of document.querySelectorAll("body, body *")) {
    if (!each.checkVisibility({ visibilityProperty: true })) continue;
    const look = getComputedStyle(each);
    const pseudo = ["::before", "::after"].map((name) => around(getComputedStyle(each, name)));
    const isSolid = look.backgroundColor !== CLEAR || look.backgroundImage !== "none";
    const isMixed = look.opacity !== "1" || look.mixBlendMode !== "normal" ||
      look.filter !== "none" || look.backdropFilter !== "none" || look.maskImage !== "none";
    const isReplaced = each.matches("img, svg, canvas, video, iframe, input, textarea, select");
    const box = each.getBoundingClientRect();
    if (isSolid || isMixed || isReplaced || pseudo.some(Boolean)) {
      layers.push({ each, box, says: [
        isReplaced && each.localName, look.backgroundColor, look.backgroundImage, look.opacity,
        look.mixBlendMode, look.filter, look.backdropFilter, look.maskImage, look.position,
        look.zIndex, look.backgroundClip, pseudo] });
    }
    const written = each.matches("input, textarea, select, button") ? each.value || each.type : "";
    const words = [...each.childNodes].map((node) => node.nodeType === 3 ? node.data : "").join("");
    if (words.trim() || written) texts.push({ each, box, look, words: words.trim() || written });
  }
  const styles = (look) => [look.color, look.backgroundColor, look.backgroundImage,
    look.fontSize, look.fontWeight, look.fontStyle, look.fontFamily, look.textDecoration,
    look.borderBlockEnd, look.borderBlockStart, look.outline];
  const aroundLink = (link, look) => {
    let block = link.parentElement;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    const isAlone = block.textContent.trim() === link.textContent.trim();
    return [look.display, isAlone, styles(look), styles(getComputedStyle(block))];
  };
  const disabled = document.querySelector(":disabled, [aria-disabled=true]");
  const found = texts.map(({ each, box, look, words }) => {
    const behind = layers.filter(({ box: other }) =>
      other.left < box.right && other.right > box.left &&
      other.top < box.bottom && other.bottom > box.top);
    const stack = behind.map(({ each: layer, box: other, says }) => [
      layer.contains(each), each.contains(layer), says,
      other.left <= box.left && other.right >= box.right &&
        other.top <= box.top && other.bottom >= box.bottom]);
    const points = Math.ceil(parseFloat(look.fontSize) * 72) / 96;
    const link = each.closest("a[href]");
    return JSON.stringify([
      look.color, points >= (look.fontWeight >= 700 ? 14 : 18), look.textShadow,
      look.webkitTextStroke, /[\\p{L}\\p{N}]{2}/u.test(words), stack,
      link && aroundLink(link, getComputedStyle(link)), disabled && location.href]);
  });
  return [...new Set(found)];
}
"""
