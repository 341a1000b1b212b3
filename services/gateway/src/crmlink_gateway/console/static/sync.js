// Sync tab: configuration of the entity type, Run Sync with its progress, last runs, errors.
import { byId, call, during, element, fillTable, pages, progress, show } from "/static/api.js";
import { follow } from "/static/live.js";
import { counts, direction, done, ended, explained, moment, plain, policy, runState } from "/static/words.js";

const form = byId("sync-form");
const entity = form.dataset.entity;
const live = new Set();
let config = null;
let unsaved = false; // what a person is typing is never overwritten by what the server tells

function fill(told) {
  status(told);
  if (unsaved) return;
  config = told.config;
  byId("sync-fields").disabled = false; // nobody types before it is known what is saved
  form.elements.outbound_enabled.checked = config.outbound_enabled;
  form.elements.inbound_enabled.checked = config.inbound_enabled;
  form.elements.outbound_filter.value = config.outbound_filter;
  form.elements.inbound_filter.value = config.inbound_filter;
  byId("target-object").value = config.entity_params.target_object;
  byId("upsert-field").value = config.entity_params.upsert_field;
  byId("record-type").value = config.entity_params.record_type_id;
  byId("rules-text").value = JSON.stringify(config.rules, null, 2);
  rows(config.rules);
}

function status(told) {
  const { pending, may_differ: differ, managed_rule: rule, revision } = told;
  byId("sync-offered").hidden = revision > 0;
  const waiting = pending ? `${pending} changes are waiting to be synced.` : "";
  const hint = differ ? `${differ} members may differ from Salesforce: click Run Sync.` : "";
  byId("sync-hint").textContent = [hint, waiting].filter(Boolean).join(" ")
    || (revision > 0 ? "Nothing is waiting to be synced." : "");
  const fired = rule?.last_fired_at ? `, last fired ${moment(rule.last_fired_at)}` : "";
  byId("managed-rule").textContent = rule
    ? `Automatic sync: a member's update triggers a sync of that member (${rule.state ?? "active"}${fired}).` : "";
}

function rows(rules) {
  fillTable(byId("rules"), rules, (rule) => [
    element("code", { text: rule.member_field }), direction(rule.direction ?? "outbound"),
    element("code", { text: rule.remote_field }),
    rule.outbound || rule.inbound ? element("code", { text: rule.outbound || rule.inbound }) : "as it is",
    rule.preset ?? "", policy({ direction: "outbound", ...rule }), rule.enabled === false ? "No" : "Yes"]);
  byId("rules-empty").hidden = rules.length > 0;
}

export async function refresh() {
  try {
    fill(await call("GET", `/sync/config/${entity}`));
    await Promise.all([history(), errors()]);
  } catch (problem) {
    show(byId("run-trouble"), problem);
  }
}

async function history() {
  const runs = await call("GET", "/sync/runs?page_size=10");
  fillTable(byId("runs"), runs.items, (run) =>
    [moment(run.started_at), direction(run.direction), runState(run), done(run), counts(run.counts)]);
  byId("runs-empty").hidden = runs.total > 0;
  for (const run of runs.items.filter((one) => !ended(one))) watch(run);
}

async function errors(page = 1) {
  const told = await call("GET", `/sync/errors?page=${page}&page_size=20`);
  fillTable(byId("sync-errors"), told.items, (one) => [
    one.member_id, plain(one.outcome), reason(one), moment(one.at)]);
  byId("errors-empty").hidden = told.total > 0;
  pages(byId("errors-pages"), told, errors);
}

function reason(one) {
  const fields = one.fields?.length ? ` (${one.fields.join(", ")})` : "";
  const code = element("code", { class: "small", text: `${one.code}${fields}` });
  if (!one.message) return code;
  const { title, cause } = explained(one);
  return element("div", {}, title, ...[cause].filter(Boolean).map((text) => element("div", { text })),
    element("div", { class: "quiet" }, code));
}

function wish() {
  let rules;
  try {
    rules = JSON.parse(byId("rules-text").value);
  } catch (error) {
    throw new Error(`Rules: this is not JSON. ${error.message}`);
  }
  return {
    ...config,
    rules,
    outbound_enabled: form.elements.outbound_enabled.checked,
    inbound_enabled: form.elements.inbound_enabled.checked,
    outbound_filter: form.elements.outbound_filter.value.trim(),
    inbound_filter: form.elements.inbound_filter.value.trim(),
    entity_params: {
      ...config.entity_params,
      target_object: byId("target-object").value.trim(),
      upsert_field: byId("upsert-field").value.trim(),
      record_type_id: byId("record-type").value.trim(),
    },
  };
}

function place(problem) {
  const { rule_id: rule, field, line, column } = problem.body ?? {};
  const where = [rule ? `rule ${rule}` : "", field && line ? plain(field) : "", line ? `line ${line}, column ${column}` : ""];
  const told = where.filter(Boolean).join(", ");
  for (const input of form.querySelectorAll("[name]")) input.removeAttribute("aria-invalid");
  form.elements[field]?.setAttribute("aria-invalid", "true");
  return told ? new Error(`${told}: ${problem.message}`) : problem;
}

function changed(yes) {
  unsaved = yes;
  byId("sync-saved").textContent = yes ? "Unsaved changes" : "Saved";
}

async function save(event) {
  event.preventDefault();
  const told = await during(byId("save-sync"), byId("sync-trouble"), async () => {
    try {
      return await call("PUT", `/sync/config/${entity}`, wish());
    } catch (problem) {
      throw place(problem);
    }
  });
  if (told) {
    changed(false);
    for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    show(byId("run-trouble"), null);
    await refresh();
  }
}

async function watch(run) {
  if (live.has(run.id)) return;
  live.add(run.id);
  const here = element("div", { role: "status", "data-run": run.id });
  const cancel = element("button", { type: "button", class: "slim", text: "Cancel" });
  byId("sync-runs-live").append(here, cancel);
  cancel.addEventListener("click", () => during(cancel, byId("run-trouble"),
    () => call("POST", `/sync/runs/${run.id}/cancel`)));
  const title = run.direction === "inbound" ? "Inbound sync" : "Outbound sync";
  cancel.setAttribute("aria-label", `Cancel ${title.toLowerCase()}`);
  await follow(`/sync/runs/${run.id}`, (seen) => progress(here, seen, title));
  live.delete(run.id);
  cancel.remove();
  await refresh();
}

// Both directions run as one group; a run that is already there is joined.
async function run() {
  const told = await during(byId("run-sync"), byId("run-trouble"), async () => {
    if (!live.size) byId("sync-runs-live").replaceChildren();
    try {
      return await call("POST", "/sync/runs", { entity, scope: "all" });
    } catch (problem) {
      if (problem.body?.code !== "run_in_progress") throw problem;
      return { runs: [await call("GET", `/sync/runs/${problem.body.run_id}`)], refused: [] };
    }
  });
  if (!told) return;
  const refused = told.refused.filter((one) => one.code !== "run_in_progress");
  if (refused.length) {
    show(byId("run-trouble"), new Error(refused.map((one) =>
      `${direction(one.direction)}: ${one.title ?? one.code}`).join(" ")));
  }
  for (const one of told.runs) watch(one);
}

export function start() {
  form.addEventListener("submit", save);
  form.addEventListener("input", () => changed(true));
  byId("run-sync").addEventListener("click", run);
  byId("rules-text").addEventListener("input", () => {
    try {
      rows(JSON.parse(byId("rules-text").value));
      show(byId("sync-trouble"), null);
    } catch {
      show(byId("sync-trouble"), new Error("Rules: this is not JSON yet."));
    }
  });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
}
