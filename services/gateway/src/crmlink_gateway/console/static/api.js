// Calls of the public API, and small ways to show what it answers. Text is set, never parsed.
import { counts, done, ended, explained, runState } from "/static/words.js";

const { api, formToken } = document.body.dataset;

export class Problem extends Error {
  constructor(status, body) {
    const told = explained(body);
    super([told.title, told.cause, told.cure].filter(Boolean).join(" "));
    Object.assign(this, { status, body, told });
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

// Shows what went wrong: its title, the cause under it, and what to do about it.
export function show(place, problem) {
  const { title, cause, cure } = problem?.told ?? { title: problem?.message };
  const lines = [cause && element("p", { text: cause }), cure && element("p", { text: `What to do: ${cure}` })];
  const more = lines.filter(Boolean);
  place.replaceChildren();
  if (title) place.append(more.length ? element("strong", { text: title }) : title, ...more);
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

export function progress(place, run, title) {
  const bar = element("progress", { "aria-label": title });
  if (run.total) {
    bar.max = run.total;
    bar.value = run.done;
  } else if (ended(run)) {
    bar.value = 1;
  }
  const told = [counts(run.counts), run.error ? explained(run.error).line : ""].filter(Boolean).join(" – ");
  place.replaceChildren(element("div", { class: "run" },
    element("div", { class: "row" }, element("strong", { text: title }),
      element("span", { class: "quiet", text: `${runState(run)}, ${done(run)} members` })),
    bar, element("p", { class: "quiet small", text: told })));
}
