// Members tab: linked members, and the dialog that finds matching records.
import { byId, call, cells, during, element, ended, follow, pages, progress, show } from "/static/api.js";

let running = null;

function name(one) {
  return one.name || one.email || one.member_id;
}

async function unlink(link, button) {
  if (!confirm(`Unlink ${name(link)}? Nothing changes in Salesforce.`)) return;
  const done = await during(button, byId("notice"),
    () => call("DELETE", `/links/${encodeURIComponent(link.member_id)}`));
  if (done) await refresh();
}

export async function refresh(page = 1) {
  try {
    const told = await call("GET", `/links?page=${page}&page_size=50`);
    byId("links").replaceChildren(...told.items.map((link) => {
      const button = element("button", { type: "button", text: "Unlink", "aria-label": `Unlink ${name(link)}` });
      button.addEventListener("click", () => unlink(link, button));
      return cells(name(link), element("code", { text: link.record_id }), link.object, button);
    }));
    byId("links-empty").hidden = told.total > 0;
    pages(byId("links-pages"), told, refresh);
    const counts = await call("GET", "/summary");
    byId("member-counts").textContent = `${counts.members} members · ${counts.linked} linked · ${counts.unlinked} unlinked · `
        + `${counts.without_email_and_phone} without email and phone number`;
  } catch (problem) {
    show(byId("notice"), problem);
  }
}

function person(one, extra) {
  return element("div", {}, element("strong", { text: one.name || "(no name)" }),
    element("div", { class: "quiet", text: [one.email, one.phone].filter(Boolean).join(" · ") }), ...extra);
}

function card(match) {
  const button = element("button", { type: "button", text: "Link" });
  button.addEventListener("click", async () => {
    const wish = { member_id: match.member_id, record_id: match.record_id };
    const done = await during(button, byId("find-trouble"), () => call("POST", "/links", wish));
    if (done?.refused?.length) show(byId("find-trouble"), new Error(done.refused[0].message));
    if (done) await Promise.all([matches(), refresh()]);
  });
  const kind = { email: "Email", phone: "Phone" }[match.match_type] ?? match.match_type;
  const several = match.state === "ambiguous"
    ? [element("div", { class: "quiet", text: `Ambiguous: ${match.candidates} candidates, the first is shown` })] : [];
  return element("article", { class: "match", "data-member": match.member_id },
    person(match.member, []),
    element("div", {}, element("span", { class: "badge", text: kind }), " ",
      element("span", { class: "badge", text: match.object })),
    person(match.record, [element("code", { text: match.record_id }), ...several]), button);
}

async function matches(page = 1) {
  const told = await call("GET", `/matches?state=proposed&page=${page}&page_size=20`);
  byId("matches").replaceChildren(...told.items.map(card));
  byId("link-all").hidden = told.total === 0;
  pages(byId("matches-pages"), told, matches);
  return told.total + await ambiguous();
}

// Never linked by Link All: a person looks at each.
async function ambiguous(page = 1) {
  const told = await call("GET", `/matches?state=ambiguous&page=${page}&page_size=20`);
  byId("ambiguous").replaceChildren(...told.items.map(card));
  byId("ambiguous-title").hidden = told.total === 0;
  pages(byId("ambiguous-pages"), told, ambiguous);
  return told.total;
}

async function watch(id) {
  running = id;
  byId("find-cancel").hidden = false;
  byId("find-start").disabled = true;
  const run = await follow(`/reconciliation/runs/${id}`,
    (seen) => progress(byId("find-progress"), seen, "Find Matching Salesforce Records"));
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
  byId("find-progress").replaceChildren(element("p", { text: `${done.linked} members linked${refused}.` }));
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
