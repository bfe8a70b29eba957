// Requests to the server: who is signed in, and words to be saved. Answers say whether the words were saved, or why
// nothing could be sent.

export const OK = 200;
export const CONFLICT = 409;
export const GONE = 410;
export const TOO_LARGE = 413;
export const UNAVAILABLE = 503;

const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const NO_ANSWER = 0;

const FORM = "application/x-www-form-urlencoded";
// Replaced by the id of a letter in saveUrl.
const NO_LETTER = "00000000-0000-0000-0000-000000000000";
// A request may take this many milliseconds, and a second more for each BYTES_PER_SECOND of its body.
const TIMEOUT = 20000;
const BYTES_PER_SECOND = 2000;
// Browsers refuse more bytes than about this in requests that outlive their page (keepalive).
const KEEPALIVE_LIMIT = 60000;

function isReauthenticationNeeded(response) {
  return response.type === "opaqueredirect" || [UNAUTHORIZED, FORBIDDEN].includes(response.status);
}

// saveUrl, tokenUrl: addresses. key: the device key of the person whose page this is, to notice when somebody else has
// signed in. csrf: the page's token; "" where it has no form. onToken: called with each new token.
export function createServer({ saveUrl, tokenUrl, key, csrf = "", tooLong = "", onToken = () => {} }) {
  let token = csrf;
  // Whether nobody else can have signed in since the last answer.
  let isTrusted = Boolean(csrf);
  let checking = null;
  // From then on, words may be a repeat of some that arrived although their answer did not.
  let hasSent = false;
  let keepaliveBytes = 0;

  // The body is read within the time limit too.
  async function request(address, options, read) {
    const controller = new AbortController();
    const limit = TIMEOUT + ((options.body?.length ?? 0) / BYTES_PER_SECOND) * 1000;
    const timer = setTimeout(() => controller.abort(), limit);
    try {
      return await read(await fetch(address, { ...options, redirect: "manual", signal: controller.signal }));
    } finally {
      clearTimeout(timer);
    }
  }

  async function readSaved(response) {
    const { status } = response;
    if (isReauthenticationNeeded(response)) return { status: FORBIDDEN };
    // A body that is too large is refused before any view can explain why.
    if (status === BAD_REQUEST || status === TOO_LARGE) return { status: TOO_LARGE, said: tooLong };
    return { ...(await response.json()), status };
  }

  // Posts a sheet without asking first who is signed in. Never rejects.
  async function post(sheet) {
    const waited = sheet.waited || hasSent ? "1" : "";
    const body = String(new URLSearchParams({ ...sheet, waited }));
    hasSent = true;
    const weight = keepaliveBytes + body.length < KEEPALIVE_LIMIT ? body.length : 0;
    const headers = { "X-CSRFToken": token, "Content-Type": FORM };
    const options = { method: "POST", headers, body, keepalive: weight > 0 };
    keepaliveBytes += weight;
    try {
      return await request(saveUrl.replace(NO_LETTER, sheet.id), options, readSaved);
    } catch {
      return { status: NO_ANSWER };
    } finally {
      keepaliveBytes -= weight;
    }
  }

  async function readToken(response) {
    if (!response.ok) return response.status < 500 ? "closed" : "unreached";
    const answer = await response.json();
    if (answer.key !== key) return "someone";
    token = answer.csrf;
    onToken(token);
    return "";
  }

  function whyUnreached() {
    return navigator.onLine ? "unreached" : "offline";
  }

  // Asks who is signed in now. Returns why nothing can be sent ("closed", "someone", "unreached", "offline"), or ""
  // once there is a new token. Calls at the same time share one request.
  async function check() {
    checking ??= request(tokenUrl, { cache: "no-store" }, readToken)
      .catch(whyUnreached)
      .finally(() => (checking = null));
    const why = await checking;
    isTrusted = !why;
    return why;
  }

  // Posts a sheet, after asking who is signed in if that is not certain. Returns the answer, or { why }, with isLost if
  // the words may have arrived although no answer did.
  async function send(sheet) {
    let why = isTrusted ? "" : await check();
    if (why) return { why };
    let answer = await post(sheet);
    if (answer.status === FORBIDDEN) {
      // Perhaps only the token was too old: retry once with a new one.
      why = await check();
      answer = why ? { why } : await post(sheet);
    }
    if (answer.status === FORBIDDEN) {
      isTrusted = false;
      return { why: "closed" };
    }
    if (answer.status === NO_ANSWER) return { why: whyUnreached(), isLost: true };
    return answer;
  }

  return {
    check,
    post,
    send,
    distrust: () => (isTrusted = false),
    isTrusted: () => isTrusted,
  };
}
