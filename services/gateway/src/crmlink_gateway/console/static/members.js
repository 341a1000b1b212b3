// Members tab: linked members, and the dialog that finds matching records.
import { byId, call, during, element, fillTable, pages, progress, show } from "/static/api.js";
import { follow } from "/static/live.js";
import { ask, ended } from "/static/words.js";

const WHY = {
  several_records: "Several records fit: choose one.",
  record_linked: "This record is linked with another member already.",
  several_members: "This record fits several members: make sure it is the right one.",
};
let running = null;
let linksPage = 1;
let matchesPage = 1;

function name(one) {
  return one.name || one.email || one.member_id;
}

async function unlink(link, button) {
  const about = "The Salesforce record ID is removed from the member. Nothing is deleted or changed in Salesforce.";
  if (!await ask(`Unlink ${name(link)}?`, about, "Unlink")) return;
  const done = await during(button, byId("notice"),
    () => call("DELETE", `/links/${encodeURIComponent(link.member_id)}`));
  if (done) await refresh();
}

export async function refresh(page = linksPage) {
  try {
    const told = await call("GET", `/links?page=${page}&page_size=50`);
    if (!told.items.length && page > 1) return await refresh(page - 1);
    linksPage = page;
    fillTable(byId("links"), told.items, (link) => {
      const button = element("button", { type: "button", class: "slim", text: "Unlink", "aria-label": `Unlink ${name(link)}` });
      button.addEventListener("click", () => unlink(link, button));
      return [name(link), element("code", { text: link.record_id }), link.object, button];
    });
    byId("links-empty").hidden = told.total > 0;
    pages(byId("links-pages"), told, refresh);
    const counts = await call("GET", "/summary");
    byId("member-counts").textContent = `${counts.members} members · ${counts.linked} linked · ${counts.unlinked} unlinked`
        + (counts.excluded ? ` · ${counts.excluded} unlinked by a person` : "")
        + (counts.without_email_and_phone ? ` · ${counts.without_email_and_phone} without email and phone` : "");
  } catch (problem) {
    show(byId("notice"), problem);
  }
}

function person(one, side, extra = []) {
  return element("div", {}, element("div", { class: "quiet small", text: side }),
    element("strong", { text: one.name || "(no name)" }),
    ...[one.email, one.phone].filter(Boolean).map((text) => element("div", { class: "quiet", text })), ...extra);
}

function card(match, record = match.record) {
  const button = element("button", {
    type: "button", text: "Link", "aria-label": `Link ${name(match.member)} with ${name(record)}, ${record.object}`,
  });
  button.addEventListener("click", async () => {
    const wish = { member_id: match.member_id, record_id: record.record_id };
    const done = await during(button, byId("find-trouble"), () => call("POST", "/links", wish));
    if (done?.refused?.length) show(byId("find-trouble"), new Error(done.refused[0].message));
    if (done) await Promise.all([matches(), refresh()]);
  });
  const kind = { email: "Email", phone: "Phone" }[match.match_type] ?? match.match_type;
  const why = WHY[match.reason] ? [element("div", { class: "quiet small why", text: WHY[match.reason] })] : [];
  return element("article", { class: "match", "data-member": match.member_id },
    person(match.member, "Workspace member"),
    element("div", { class: "kind" }, element("span", { class: "badge", text: kind }),
      element("span", { class: "badge", text: record.object })),
    person(record, "Salesforce record", [element("code", { class: "small", text: record.record_id })]), button, ...why);
}

async function matches(page = matchesPage) {
  const told = await call("GET", `/matches?state=proposed&page=${page}&page_size=20`);
  if (!told.items.length && page > 1) return matches(page - 1);
  matchesPage = page;
  byId("matches").replaceChildren(...told.items.map((match) => card(match)));
  byId("matches-title").textContent = `Matches (${told.total})`;
  byId("matches-title").hidden = byId("link-all").hidden = told.total === 0;
  byId("find-start").classList.toggle("primary", told.total === 0);
  pages(byId("matches-pages"), told, matches);
  return told.total + await ambiguous();
}

// Never linked by Link All: a person looks at each, and chooses where several records fit.
async function ambiguous(page = 1) {
  const told = await call("GET", `/matches?state=ambiguous&page=${page}&page_size=20`);
  byId("ambiguous").replaceChildren(...told.items.flatMap((match) =>
    (match.choices?.length ? match.choices : [match.record]).map((record) => card(match, record))));
  byId("ambiguous-title").textContent = `Ambiguous matches (${told.total})`;
  byId("ambiguous-title").hidden = byId("ambiguous-about").hidden = told.total === 0;
  pages(byId("ambiguous-pages"), told, ambiguous);
  return told.total;
}

async function watch(id) {
  running = id;
  byId("find-cancel").hidden = false;
  byId("find-start").disabled = true;
  const run = await follow(`/reconciliation/runs/${id}`,
    (seen) => progress(byId("find-progress"), seen, "Searching Salesforce"));
  running = null;
  byId("find-cancel").hidden = true;
  byId("find-start").disabled = false;
  const found = await matches();
  if (ended(run) && !found) {
    byId("find-progress").append(element("p", { text: "No matches were found. Check that members have email or "
      + "phone data, that Contacts or Leads with the same values exist, and that the connected user may see them." }));
  }
}

async function join() {
  const [latest] = (await call("GET", "/reconciliation/runs?page_size=1")).items;
  if (latest && !ended(latest) && !running) await watch(latest.id);
}

// A second start joins the run that is already there.
async function find() {
  const begun = await during(byId("find-start"), byId("find-trouble"), async () => {
    try {
      return (await call("POST", "/reconciliation/runs", {})).id;
    } catch (problem) {
      if (problem.body?.code === "run_in_progress") return problem.body.run_id;
      throw problem;
    }
  });
  if (begun) await watch(begun);
}

async function linkAll() {
  const done = await during(byId("link-all"), byId("find-trouble"), () => call("POST", "/links", { all: true }));
  if (!done) return;
  const refused = done.refused?.length ? `, ${done.refused.length} refused` : "";
  byId("find-progress").replaceChildren(element("p", { class: "notice", text: `${done.linked} ${done.linked === 1 ? "member" : "members"} linked${refused}.` }));
  if (done.run && !ended(done.run)) await watch(done.run.id ?? done.run);
  await Promise.all([matches(), refresh()]);
}

export function start() {
  byId("find").addEventListener("click", () => {
    byId("matching").showModal();
    Promise.all([matches(), join()]).catch((problem) => show(byId("find-trouble"), problem));
  });
  byId("find-start").addEventListener("click", find);
  byId("find-cancel").addEventListener("click", () => during(byId("find-cancel"), byId("find-trouble"),
    () => call("POST", `/reconciliation/runs/${running}/cancel`)));
  byId("link-all").addEventListener("click", linkAll);
}
