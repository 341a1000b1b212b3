// What the API calls things, in the words a person reads.
const COUNTS = {
  examined: "examined", matched_email: "matched by email", matched_phone: "matched by phone", ambiguous: "ambiguous",
  none: "without a match", without_email_and_phone: "without email and phone", phone_not_readable: "with an unreadable phone number",
  contacts_visible: "Contacts visible", leads_visible: "Leads visible",
};
const STATES = {
  queued: "Waiting to start", running: "Running", waiting_for_budget: "Waiting for API requests", completed: "Completed",
  completed_with_errors: "Completed with errors", failed: "Failed", cancelled: "Cancelled", cancelling: "Cancelling",
};
const POLICIES = {
  member: "Member wins", salesforce: "Salesforce wins", latest: "Latest wins",
  salesforce_unless_blank: "Salesforce, unless blank",
};
const DIRECTIONS = { outbound: "Outbound", inbound: "Inbound", both: "Both" };
const BY_DIRECTION = { outbound: "member", inbound: "salesforce", both: "salesforce_unless_blank" };

const ENDED = ["completed", "completed_with_errors", "failed", "cancelled"];
const SALESFORCE_FAILED = "Salesforce API request failed";

export const ended = (run) => ENDED.includes(run.status);
export const plain = (code) => code.charAt(0).toUpperCase() + code.slice(1).replaceAll("_", " ");
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
export const named = (one) => (one ? one.name || one.id : "");
export const runState = (run) => STATES[run.status] ?? plain(run.status);
export const direction = (code) => DIRECTIONS[code] ?? code;
export const policy = (rule) => POLICIES[rule.policy ?? BY_DIRECTION[rule.direction]] ?? rule.policy;
export const moment = (text) =>
  text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–";

export function counts(told) {
  const known = Object.keys(COUNTS).filter((name) => told[name]);
  const others = Object.keys(told).filter((name) => told[name] && !(name in COUNTS));
  return [...known, ...others].map((name) => `${told[name]} ${COUNTS[name] ?? name.replaceAll("_", " ")}`).join(" · ");
}

// Salesforce's own codes are in capitals; ours are not.
const salesforceSaid = (code) => /^([A-Z][A-Z0-9_]*|http_[0-9]+)$/.test(code ?? "");

// The words for an error of ours or of Salesforce: title, cause under it, cure, and all but the cure as one line.
export function explained({ code, title, message, detail, cure }) {
  const told = detail && detail !== title ? detail : message;
  const [heading, cause] = salesforceSaid(code)
    ? [SALESFORCE_FAILED, [told, title].find((text) => text && text !== SALESFORCE_FAILED && text !== code) ?? code]
    : [title || told || plain(code || "unknown error"), title ? told : ""];
  return { title: heading, cause: cause ?? "", cure: cure ?? "", line: [heading, cause].filter(Boolean).join(": ") };
}

export function done(run) {
  return run.total ? `${run.done} of ${run.total}` : String(run.done);
}

// Asks before something is undone; resolves to true if the person says yes.
export function ask(question, about, yes, forEver = false) {
  const dialog = document.getElementById("question");
  document.getElementById("question-title").textContent = question;
  document.getElementById("question-about").textContent = about;
  const button = document.getElementById("question-yes");
  button.textContent = yes;
  button.className = forEver ? "danger" : "primary";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
