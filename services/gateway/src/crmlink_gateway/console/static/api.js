// Calls of the public API, and small ways to show what it answers. Text is set, never parsed.
import { counts, done, plain, runState } from "/static/words.js";

const { api, formToken } = document.body.dataset;

export class Problem extends Error {
  constructor(status, body) {
    super([body.title, body.detail !== body.title ? body.detail : "", body.cure].filter(Boolean).join(" "));
    this.status = status;
    this.body = body;
  }
}

export async function call(method, path, body) {
  const headers = { "X-CSRF-Token": formToken };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(api + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { title: "The server cannot be reached.", cure: "Check the network and try again." });
  }
  if (answer.status === 401) location.assign("/");
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, { title: `Error ${answer.status}`, ...told });
  return told;
}

export const byId = (id) => document.getElementById(id);

export function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

// Fills a table's body. Each cell names its column, because narrow pages show no heading row.
export function fillTable(body, items, cells) {
  const columns = [...body.closest("table").querySelectorAll("th")].map((one) => one.textContent);
  body.replaceChildren(...items.map((item) => element("tr", {}, ...cells(item).map((one, at) => {
    const cell = element("td", { "data-label": columns[at] });
    cell.append(one instanceof Node ? one : String(one ?? ""));
    return cell;
  }))));
}

export function show(place, problem) {
  place.textContent = problem ? problem.message : "";
  place.hidden = !problem;
}

// Runs `work` while its button waits; what is refused is shown in `place`.
export async function during(button, place, work) {
  button.disabled = true;
  show(place, null);
  try {
    return await work();
  } catch (problem) {
    show(place, problem);
    return undefined;
  } finally {
    button.disabled = false;
  }
}

export function pages(place, told, go) {
  const last = Math.max(1, Math.ceil(told.total / told.page_size));
  const step = (text, page) => {
    const button = element("button", { type: "button", text });
    button.disabled = page < 1 || page > last;
    button.addEventListener("click", () => go(page));
    return button;
  };
  place.replaceChildren();
  if (last > 1) {
    place.append(step("Previous", told.page - 1), `Page ${told.page} of ${last}`, step("Next", told.page + 1));
  }
}

const ENDED = ["completed", "completed_with_errors", "failed", "cancelled"];
export const ended = (run) => ENDED.includes(run.status);

// Follows a run until it ends. The browser comes back by itself with the last event's id.
export function follow(path, seen) {
  return new Promise((resolve) => {
    const events = new EventSource(`${api}${path}/events`);
    events.addEventListener("run", (event) => {
      const run = JSON.parse(event.data);
      seen(run);
      if (ended(run)) {
        events.close();
        resolve(run);
      }
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) {
        call("GET", path).then((run) => {
          seen(run);
          if (ended(run)) resolve(run);
          else setTimeout(() => follow(path, seen).then(resolve), 3000);
        }, () => setTimeout(() => follow(path, seen).then(resolve), 3000));
      }
    });
  });
}

export function watchConnection(changed) {
  const events = new EventSource(`${api}/events`);
  events.addEventListener("connection", changed);
}

export function progress(place, run, title) {
  const bar = element("progress", { "aria-label": title });
  if (run.total) {
    bar.max = run.total;
    bar.value = run.done;
  } else if (ended(run)) {
    bar.value = 1;
  }
  const told = [counts(run.counts), run.error?.message ?? plain(run.error?.code ?? "")].filter(Boolean).join(" – ");
  place.replaceChildren(element("div", { class: "run" },
    element("div", { class: "row" }, element("strong", { text: title }),
      element("span", { class: "quiet", text: `${runState(run)}, ${done(run)} members` })),
    bar, element("p", { class: "quiet small", text: told })));
}
