// Speaks to the service this page came from, and to nothing else.

/** A request that did not work, in words for the person who reads it. */
export class Trouble extends Error {
  constructor(message, { status = 0, code = "", remedy = "", wait = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, remedy, wait });
  }
}

const WORDS = {
  0: "The service cannot be reached. Please check your connection.",
  401: "Your session has ended.",
  403: "Your key may not be used for this.",
  404: "This is no longer here.",
  413: "That is too long.",
  503: "The service is busy or restarting.",
  504: "That took too long.",
};

async function request(method, path, body, signal) {
  const options = { method, signal, credentials: "same-origin", cache: "no-store", headers: {}, redirect: "error" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(WORDS[0]);
  }
  if (!response.ok) throw await trouble(response);
  return response;
}

async function trouble(response) {
  let said = {};
  try {
    said = (await response.json()).error ?? {};
  } catch {
    // A proxy in front may answer with a page of its own; the status says enough.
  }
  const wait = Math.min(Math.max(Number.parseInt(response.headers.get("Retry-After") ?? "0", 10) || 0, 0), 600);
  let words = WORDS[response.status] ?? (response.status >= 500 ? "Something went wrong on our side." : said.message);
  if (response.status === 429) words = "That was a lot at once. Please wait a moment.";
  const remedy = response.status === 401 ? "Copy what you wrote, then reload the page to sign in." : said.remedy;
  return new Trouble(words || "That did not work.", { status: response.status, code: said.code, remedy, wait });
}

/** Ask for JSON; `undefined` where the reply has no content. */
export async function call(method, path, body, signal) {
  const response = await request(method, path, body, signal);
  if (response.status === 204) return undefined;
  try {
    return await response.json();
  } catch {
    throw new Trouble("The answer was cut off.");
  }
}

/**
 * Send and read the events of the reply one by one (`text/event-stream`): `for await (const [name, data] of ...)`.
 * A stream that ends before `done` is trouble: what came so far is not the whole.
 */
export async function* events(path, body, signal) {
  const response = await request("POST", path, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      held = (held + value).replaceAll("\r\n", "\n");
      for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
        const event = parse(held.slice(0, end));
        held = held.slice(end + 2);
        if (event === undefined) continue;
        if (event[0] === "done") return;
        yield event;
      }
    }
  } catch (error) {
    if (error instanceof Trouble || error.name === "AbortError") throw error;
    throw new Trouble("The answer was cut off.", { code: "cut" });
  } finally {
    reader.cancel().catch(() => {});
  }
  throw new Trouble("The answer was cut off.", { code: "cut" });
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (name === "done") return ["done", null];
  if (data.length === 0) return undefined;
  return [name, JSON.parse(data.join("\n"))];
}

/** Run `work` again and again while the page is looked at; slower while it fails. Returns a function that stops it. */
export function poll(work, milliseconds) {
  let timer = 0;
  let stopped = false;
  let pause = milliseconds;
  const turn = async () => {
    if (stopped) return;
    if (!document.hidden) {
      try {
        await work();
        pause = milliseconds;
      } catch {
        pause = Math.min(pause * 2, 60_000);
      }
    }
    if (!stopped) timer = setTimeout(turn, pause);
  };
  timer = setTimeout(turn, milliseconds);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
