// Fills in the browser's time zone where none has been chosen yet. Nothing is sent before the form is submitted.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
// Browsers that hide or do not know the place report an offset, UTC or Etc/Unknown: that is nobody's place.
const isPlace = zone.includes("/") && !zone.startsWith("Etc/");

// The value of data-zone means that none has been chosen.
function fillIn(field) {
  if (field.value && field.value !== field.dataset.zone) return;
  if (field.options) select(field);
  else field.value = zone;
}

function select(list) {
  const [region, ...rest] = zone.split("/");
  const place = rest.join(", ").replaceAll("_", " ");
  const listed = [...list.options].find(
    (option) => option.value === place && option.parentElement.label === region,
  );
  if (listed) listed.selected = true;
  // Browsers know some places by older names than the list does.
  else list.add(new Option(zone.replaceAll("_", " "), zone, true, true));
}

if (isPlace) document.querySelectorAll("[data-zone]").forEach(fillIn);
