// Live news from the server. The browser itself comes back after a broken line, but never after a refusal
// (too many viewers, a restart): we do, at growing intervals, until the page is left.
import { call } from "/static/api.js";
import { ended } from "/static/words.js";

const { api } = document.body.dataset;
const FIRST_WAIT = 1000; // milliseconds; doubled with each refusal in a row
const LONGEST_WAIT = 60_000;

// Somewhere between half and all of the wait, so that many pages do not come back at once.
export function waitAfter(refusals, random = Math.random) {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** refusals) * (0.5 + random() / 2);
}

// Calls `told` with every event of this name; `refused` may look what became of it and end it by answering true.
export function listen(path, name, told, refused = async () => false) {
  let events = null;
  let timer = null;
  let refusals = 0;
  let over = false;

  function open() {
    timer = null;
    events = new EventSource(api + path);
    events.addEventListener(name, (event) => {
      refusals = 0;
      told(event);
    });
    events.addEventListener("error", async () => {
      if (events?.readyState !== EventSource.CLOSED) return;
      const closed = events;
      const enough = await refused().catch(() => false);
      if (enough) stop();
      if (over || closed !== events) return;
      events = null;
      timer = setTimeout(open, waitAfter(refusals));
      refusals += 1;
    });
  }

  function rest() {
    clearTimeout(timer);
    events?.close();
    timer = events = null;
  }

  function back(event) {
    if (event.persisted && !events && !timer) open(); // from the browser's memory
  }

  function stop() {
    over = true;
    rest();
    removeEventListener("pagehide", rest);
    removeEventListener("pageshow", back);
  }

  addEventListener("pagehide", rest);
  addEventListener("pageshow", back);
  open();
  return stop;
}

export function watchConnection(changed) {
  return listen("/events", "connection", changed);
}

// Follows a run until it ends; resolves to its last state.
export function follow(path, seen) {
  return new Promise((resolve) => {
    const look = (run) => {
      seen(run);
      if (!ended(run)) return false;
      stop();
      resolve(run);
      return true;
    };
    const stop = listen(`${path}/events`, "run", (event) => look(JSON.parse(event.data)),
      async () => look(await call("GET", path)));
  });
}
