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
const work = (code) => WORK[code] ?? plain(code);
const service = (name) => SERVICES[name] ?? name;
const number = (count) => count.toLocaleString();
let bar = null; // one for good: a bar that is replaced is read out anew

function usedOf({ used, limit, at }) {
  bar ??= byId("usage-bar").appendChild(element("progress", { "aria-label": "API requests used" }));
  bar.max = Math.max(limit, 1);
  bar.value = Math.min(used, limit);
  const share = limit ? ` (${Math.round((used / limit) * 100)} %)` : "";
  return `${number(used)} of ${number(limit)} requests of the last 24 hours used${share}. Last seen: ${moment(at)}.`;
}

// The last hour's pace carried forward; null: too little has been seen.
function forecast({ per_hour: pace, exhausted_at: end }, { used, limit }) {
  if (used >= limit) return "The limit is used up: the org gets requests back as those of the day before fall out.";
  if (end) return `At the last hour's pace of ${number(pace)} requests, the limit will be used up around ${moment(end)}.`;
  return pace === null
    ? "There is no forecast yet: too little has been seen in the last hour."
    : `At the last hour's pace of ${number(pace)} requests, the limit will not be used up within a day.`;
}

function waits(one) {
  const [what, where] = [work(one.class), service(one.service)];
  return `${what === where ? what : `${what} (${where})`}: waiting since ${moment(one.since)}. ${one.message} `
    + `Tried again by itself: ${moment(one.until)}.`;
}

function fill(told) {
  const { waiting, shares, remaining } = told;
  const known = told.limit !== null;
  byId("usage-told").textContent = known ? usedOf(told) : "Not known yet: Salesforce tells it with its answers.";
  byId("usage-bar").hidden = !known;
  byId("usage-forecast").textContent = known ? forecast(told.forecast, told) : "";
  const lines = waiting.map(waits);
  const shown = byId("usage-waiting");
  if (shown.dataset.told !== lines.join("\n")) { // nothing is read out twice
    shown.dataset.told = lines.join("\n");
    shown.replaceChildren(element("strong", { text: "Work is waiting" }), ...lines.map((text) => element("p", { text })));
  }
  shown.hidden = !lines.length;
  const stopped = new Set(waiting.map((one) => one.class));
  fillTable(byId("usage-shares"), Object.entries(shares), ([one, share]) =>
    [work(one), `${share} %`, remaining[one] === null ? "–" : number(remaining[one]), stopped.has(one) ? "Waits" : "May go on"]);
  fillTable(byId("usage-services"), told.by_service, (one) =>
    [service(one.service), `${number(one.used)} of ${number(one.limit)}`, moment(one.at)]);
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
