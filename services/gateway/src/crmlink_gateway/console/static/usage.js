// How much of the org's daily API limit is used, what is kept free for whom, and what waits.
import { byId, call, element, fillTable, show } from "/static/api.js";
import { moment, plain } from "/static/words.js";

const WORK = {
  assistant: "Assistants' tools", event: "Changes as they happen", batch: "Sync runs", reconcile: "Finding matches",
};
const SERVICES = {
  oauth: "Connection", reconciler: "Finding matches", "sync-outbound": "Outbound sync", "sync-inbound": "Inbound sync",
  tools: "Assistants' tools",
};
const WHY = {
  budget: "its share of the limit is used up",
  limit: "the org's limit is used up",
  concurrent_limit: "the org has too many long requests at once",
};
const work = (code) => WORK[code] ?? plain(code);
const number = (count) => count.toLocaleString();
let bar = null; // one for good: a bar that is replaced is read out anew

function usedOf({ used, limit, at }) {
  bar ??= byId("usage-bar").appendChild(element("progress", { "aria-label": "API requests used" }));
  bar.max = Math.max(limit, 1);
  bar.value = Math.min(used, limit);
  const share = limit ? ` (${Math.round((used / limit) * 100)} %)` : "";
  return `${number(used)} of ${number(limit)} requests of the last 24 hours used${share}. Last seen: ${moment(at)}.`;
}

function forecast(told) {
  if (!told) return "There is no forecast yet: it takes some hours of use.";
  const pace = told.per_hour > 0 ? `At about ${number(Math.round(told.per_hour))} requests an hour ` : "At the present pace ";
  return told.exhausted_at
    ? `${pace}the limit is used up ${moment(told.exhausted_at)}.` : `${pace}the limit is not used up within a day.`;
}

function waits(one) {
  const since = one.since ? ` since ${moment(one.since)}` : "";
  const until = one.until ? ` Looked at again by itself: ${moment(one.until)}.` : "";
  return `${work(one.class)}: waiting${since}, because ${WHY[one.reason] ?? plain(one.reason)}.${until}`;
}

function state(one, waiting) {
  return waiting.some((wait) => wait.class === one) ? "Waits" : "May go on";
}

function fill({ waiting = [], shares = {}, by_service: services = [], ...told }) {
  const known = told.limit !== null && told.limit !== undefined;
  byId("usage-told").textContent = known ? usedOf(told) : "Not known yet: Salesforce tells it with its answers.";
  byId("usage-bar").hidden = !known;
  byId("usage-forecast").textContent = known ? forecast(told.forecast) : "";
  const lines = waiting.map(waits);
  const shown = byId("usage-waiting");
  if (shown.dataset.told !== lines.join("\n")) {
    shown.dataset.told = lines.join("\n");
    shown.replaceChildren(element("strong", { text: "Work is waiting" }), ...lines.map((text) => element("p", { text })));
  }
  shown.hidden = !lines.length;
  fillTable(byId("usage-shares"), Object.entries(shares), ([one, share]) =>
    [work(one), `${share} %`, state(one, waiting)]);
  fillTable(byId("usage-services"), services, (one) =>
    [SERVICES[one.service] ?? one.service, `${number(one.used)} of ${number(one.limit)}`, moment(one.at)]);
}

export async function refresh(overview) {
  const there = overview && ["connected", "error"].includes(overview.status);
  byId("usage").hidden = !there;
  if (!there) return;
  try {
    fill(await call("GET", "/usage"));
    show(byId("usage-trouble"), null);
  } catch (problem) {
    show(byId("usage-trouble"), problem);
  }
}
