// Type, and what is clicked and typed into.

export const controls = `
*, *::before, *::after { box-sizing: border-box; }
.heading, p, ul, ol, dl, dd, fieldset, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
fieldset { border: 0; min-width: 0; }
.heading { font: inherit; }
.heading-0 {
  font-size: clamp(1.75rem, 1.3rem + 2.4cqi, 2.75rem);
  line-height: 1.12;
  letter-spacing: -0.022em;
  font-weight: 680;
  text-wrap: balance;
}
.small-heading, .heading-2, legend { font-size: 1rem; font-weight: 640; line-height: 1.4; padding: 0; }
.heading-3 { font-size: 0.875rem; font-weight: 600; color: var(--muted); }
code, .code { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: 0.875em; }
.number { font-variant-numeric: tabular-nums; }
.strong { font-weight: 600; }
.muted { color: var(--muted); }
.note { color: var(--muted); font-size: 0.875rem; line-height: 1.5; text-wrap: pretty; }
.warning { color: var(--caution); font-size: 0.875rem; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.button {
  font: inherit;
  font-size: 0.9375rem;
  font-weight: 560;
  line-height: 1.25;
  min-height: 2.25rem;
  padding: 0.4rem 0.95rem;
  border: 1px solid var(--accent);
  border-radius: var(--radius);
  background: transparent;
  color: var(--accent);
  cursor: pointer;
  transition: background-color 120ms, border-color 120ms, color 120ms;
}
.button:hover { background: var(--tint); }
.button.primary { background: var(--accent); color: var(--on-accent); min-width: 7rem; }
.button.primary:hover { background: color-mix(in oklab, var(--accent) 86%, var(--ink)); }
.button.large { font-size: 1.0625rem; min-height: 2.875rem; padding: 0.6rem 1.75rem; }
.button.secondary { border-color: var(--edge); color: var(--ink); }
.button.quiet { border-color: transparent; color: var(--muted); padding-inline: 0.5rem; margin-inline-start: -0.5rem; text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
.button.danger { border-color: var(--error); color: var(--error); }
.button.icon { min-width: 2rem; padding: 0.1rem 0.5rem; border-color: transparent; color: var(--muted); font-size: 1.125rem; }
.button[aria-disabled] { border-color: var(--line); background: transparent; color: var(--muted); cursor: default; }
.button.primary[aria-disabled] { background: var(--line); border-color: var(--line); }

.input {
  font: inherit;
  width: 100%;
  min-height: 2.375rem;
  padding: 0.375rem 0.625rem;
  border: 1px solid var(--edge);
  border-radius: var(--radius);
  background: var(--raised);
  color: var(--ink);
}
.input::placeholder { color: var(--muted); opacity: 1; }
.input.narrow { max-width: 9rem; }
.input.code { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: 0.875rem; line-height: 1.6; }
textarea.input { resize: vertical; display: block; field-sizing: content; min-height: 5.5rem; max-height: 24rem; }
.input[aria-invalid="true"] { border-color: var(--error); box-shadow: inset 0 0 0 1px var(--error); }
.input:disabled { color: var(--muted); background: transparent; border-color: var(--line); }
input[type="checkbox"], input[type="radio"] { accent-color: var(--accent); width: 1.125rem; height: 1.125rem; margin: 0; flex: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
summary { cursor: pointer; width: fit-content; min-height: 1.75rem; padding-block: 0.15rem; padding-inline: 0 0.25rem; font-size: 0.9375rem; color: var(--accent); font-weight: 540; }
summary::marker { color: var(--edge); }

legend { margin-bottom: 0.5rem; }
.field { display: grid; gap: 0.3rem; align-content: start; }
.field > label { font-size: 0.875rem; font-weight: 560; }
.problem:not(:has(> :not([hidden]))) { position: absolute; }
.problem-content { margin-top: 0.35rem; padding-block: 0.15rem; padding-inline-start: 0.75rem; border-inline-start: 3px solid var(--error); color: var(--error); font-size: 0.9375rem; overflow-wrap: anywhere; }
.problem-content strong { font-weight: 600; }
.problem-content span { color: var(--ink); }

.choices { display: grid; gap: 0.25rem; }
.choice { padding: 0.125rem 0 0.375rem; }
.choice > label { display: inline-flex; gap: 0.625rem; align-items: center; min-height: 1.75rem; cursor: pointer; }
.choice-name { font-weight: 540; }
.choice > .note { padding-inline-start: 1.75rem; }
.choice-body { margin: 0.75rem 0 0.75rem 1.75rem; display: grid; gap: 0.875rem; }
.check { display: inline-flex; gap: 0.5rem; align-items: center; min-height: 1.75rem; font-size: 0.9375rem; cursor: pointer; }
.pills { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.pill { display: inline-flex; gap: 0.5rem; align-items: center; min-height: 2.25rem; padding-block: 0.25rem; padding-inline: 0.625rem 0.875rem; border: 1px solid var(--line); border-radius: 99px; cursor: pointer; font-size: 0.9375rem; }
.pill:hover { border-color: var(--edge); }
.pill:has(:checked) { border-color: var(--accent); background: var(--tint); }

.progress { appearance: none; display: block; width: 100%; height: 0.375rem; border: 0; border-radius: 99px; background: var(--line); overflow: hidden; }
.progress::-webkit-progress-bar { background: var(--line); }
.progress::-webkit-progress-value { background: var(--accent); }
.progress::-moz-progress-bar { background: var(--accent); }
.progress:indeterminate::-webkit-progress-bar { background: var(--line); }
.progress-row { display: grid; gap: 0.4rem; min-height: 2.25rem; }

.drop { display: flex; flex-wrap: wrap; gap: 0.625rem 0.875rem; align-items: center; padding: 1rem; border: 1px dashed var(--edge); border-radius: var(--radius); }
.drop.over { border-color: var(--accent); background: var(--tint); }
pre.code { margin: 0.5rem 0 0; padding: 0.75rem 0.875rem; background: var(--raised); border: 1px solid var(--line); border-radius: var(--radius); overflow-x: auto; line-height: 1.6; }
`;
