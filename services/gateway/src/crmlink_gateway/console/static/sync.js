// Sync tab: configuration of the entity type, Run Sync with its progress, last runs, errors.
import { byId, call, cells, during, element, ended, follow, progress, runState, show } from "/static/api.js";

const form = byId("sync-form");
const entity = form.dataset.entity;
let config = null;
const live = new Set();

function fill(told) {
  config = told.config;
  form.elements.outbound_enabled.checked = config.outbound_enabled;
  form.elements.inbound_enabled.checked = config.inbound_enabled;
  form.elements.outbound_filter.value = config.outbound_filter;
  form.elements.inbound_filter.value = config.inbound_filter;
  byId("target-object").value = config.entity_params.target_object;
  byId("upsert-field").value = config.entity_params.upsert_field;
  byId("record-type").value = config.entity_params.record_type_id;
  byId("rules-text").value = JSON.stringify(config.rules, null, 2);
  rows(config.rules);
  byId("sync-hint").textContent = told.pending ? `${told.pending} members may differ: Run Sync` : "";
  const rule = told.managed_rule;
  byId("managed-rule").textContent = rule
    ? `Managed event rule: member updated → sync (${rule.state ?? "on"}`
      + `${rule.last_fired_at ? `, last fired ${new Date(rule.last_fired_at).toLocaleString()}` : ""})` : "";
}

function rows(rules) {
  byId("rules").replaceChildren(...rules.map((rule) => cells(
    rule.member_field, rule.direction, rule.remote_field,
    element("code", { text: rule.outbound || rule.inbound || "source.<field>" }),
    rule.preset, rule.policy ?? "default", rule.enabled ? "yes" : "no")));
}

export async function refresh() {
  try {
    fill(await call("GET", `/sync/config/${entity}`));
    await history();
  } catch (problem) {
    show(byId("sync-trouble"), problem);
  }
}

async function history() {
  const runs = await call("GET", "/sync/runs?page_size=10");
  byId("runs").replaceChildren(...runs.items.map((run) => cells(
    run.started_at ? new Date(run.started_at).toLocaleString() : "–", run.direction ?? "", runState(run),
    run.total ? `${run.done} of ${run.total}` : run.done,
    Object.entries(run.counts).map(([name, n]) => `${name}: ${n}`).join(", "))));
  const errors = await call("GET", "/sync/errors?page_size=20");
  byId("sync-errors").replaceChildren(...errors.items.map((one) =>
    cells(one.member_id, element("code", { text: one.code }), one.message ?? "")));
  for (const run of runs.items.filter((one) => !ended(one))) watch(run);
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
    outbound_filter: form.elements.outbound_filter.value,
    inbound_filter: form.elements.inbound_filter.value,
    entity_params: {
      ...config.entity_params,
      target_object: byId("target-object").value.trim(),
      upsert_field: byId("upsert-field").value.trim(),
      record_type_id: byId("record-type").value.trim(),
    },
  };
}

function place(problem) {
  const { rule, rule_id: id, line, column } = problem.body ?? {};
  const where = [rule ?? id ? `rule ${rule ?? id}` : "", line ? `line ${line}, column ${column}` : ""];
  const told = where.filter(Boolean).join(", ");
  return told ? new Error(`${problem.message} (${told})`) : problem;
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
  if (told) await refresh();
}

async function watch(run) {
  if (live.has(run.id)) return;
  live.add(run.id);
  byId("sync-progress").hidden = false;
  const here = element("div", { role: "status", "data-run": run.id });
  const cancel = element("button", { type: "button", text: "Cancel" });
  byId("sync-runs-live").append(here, cancel);
  cancel.addEventListener("click", () => during(cancel, byId("sync-trouble"),
    () => call("POST", `/sync/runs/${run.id}/cancel`)));
  const title = run.direction === "inbound" ? "Inbound sync" : "Outbound sync";
  await follow(`/sync/runs/${run.id}`, (seen) => progress(here, seen, title));
  live.delete(run.id);
  cancel.remove();
  await refresh();
}

// Both directions run as one group; a run that is already there is joined.
async function run() {
  const told = await during(byId("run-sync"), byId("sync-trouble"), async () => {
    byId("sync-runs-live").replaceChildren();
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
    show(byId("sync-trouble"), new Error(refused.map((one) => `${one.direction}: ${one.title ?? one.code}`).join(" ")));
  }
  for (const one of told.runs) watch(one);
}

export function start() {
  form.addEventListener("submit", save);
  byId("run-sync").addEventListener("click", run);
  byId("rules-text").addEventListener("input", () => {
    try {
      rows(JSON.parse(byId("rules-text").value));
      show(byId("sync-trouble"), null);
    } catch {
      show(byId("sync-trouble"), new Error("Rules: this is not JSON yet."));
    }
  });
}
