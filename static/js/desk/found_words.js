// Words of an exercise that wait on the device, to be read where no form takes them.

export function paragraphsOf(copy) {
  return copy.entries.map(([, value]) => {
    const words = document.createElement("p");
    Object.assign(words, { className: "written", translate: false });
    words.append(value);
    return words;
  });
}
