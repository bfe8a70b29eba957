// Passkeys. A form says what is asked for (data-passkey: "create" or "get") and where what the browser needs
// for it stands (data-options) or is to be had (data-from). What the device answers is sent with the form.
// Without this module, or in a browser that knows no passkeys, the words beside the button say so.

const ASK = {
  create: (publicKey) => navigator.credentials.create({ publicKey }),
  get: (publicKey) => navigator.credentials.get({ publicKey }),
};

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Older browsers leave reading and writing of the JSON to the page.
function read(kind, options) {
  const name = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[name]) return PublicKeyCredential[name](options);
  const known = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));
  const plain = { ...options, challenge: bytes(options.challenge) };
  if (options.user) plain.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) plain.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) plain.allowCredentials = known(options.allowCredentials);
  return plain;
}

function write(credential) {
  if (credential.toJSON) return credential.toJSON();
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = parts.filter((part) => credential.response[part]);
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: Object.fromEntries(given.map((part) => [part, text(credential.response[part])])),
  };
}

async function options(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.from, { method: "POST", body: new FormData(form) });
  if (!answer.ok) throw new Error("no options");
  return answer.json();
}

async function ask(form) {
  const kind = form.dataset.passkey;
  const credential = await ASK[kind](read(kind, await options(form)));
  form.elements.credential.value = JSON.stringify(write(credential));
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const said = form.querySelector("[data-passkey-said]");
  form.querySelector("[data-passkey-without]").hidden = true;
  form.querySelector("[data-passkey-with]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = "";
    ask(form).catch(() => {
      said.textContent = said.dataset.passkeySaid;
    });
  });
}
