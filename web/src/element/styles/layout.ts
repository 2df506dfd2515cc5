// Where things stand. Widths are the element's own, not the window's: it may be embedded in a column.

export const layout = `
.page { padding: clamp(1.25rem, 4cqi, 3.5rem) clamp(1rem, 4cqi, 2.5rem) 4rem; }
.grid { display: grid; grid-template-columns: minmax(0, 44rem); justify-content: center; }
.stack { display: grid; gap: 0.875rem; align-content: start; min-width: 0; }
.row { display: flex; flex-wrap: wrap; gap: 0.75rem 1.25rem; align-items: center; }
.row > .grow { flex: 1 1 14rem; }
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem 0.625rem; align-items: center; }
.fields { display: grid; gap: 1rem 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr)); }
.fields > legend { float: left; width: 100%; margin-bottom: 0.25rem; grid-column: 1 / -1; }
.two-columns { display: grid; gap: 1.5rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); }
.columns { grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); column-gap: 2rem; }
.columns > legend { grid-column: 1 / -1; }
.scroll { overflow: auto; max-height: 18rem; }

.intro { position: relative; padding-bottom: 1.75rem; display: grid; gap: 1rem; }
.languages { display: flex; gap: 0.25rem; margin-bottom: 0.5rem; }
.languages .button { min-height: 1.75rem; font-size: 0.875rem; }
.languages [aria-pressed="true"] { color: var(--ink); text-decoration: none; }
.lead { font-size: 1.125rem; line-height: 1.55; max-width: 36em; text-wrap: pretty; }
.promise { font-weight: 560; }
.row.try { margin-top: 0.75rem; }
.try-phase { min-height: 2.25rem; }
.note:empty, .warning:empty { position: absolute; }
.fields.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); }
.try-chart { display: grid; gap: 0.5rem; }
.try-result { gap: 1.5rem; padding-top: 0.25rem; }

.step { border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
.step-heading {
  font: inherit;
  color: inherit;
  text-align: start;
  width: 100%;
  min-height: 3.75rem;
  padding: 0.75rem 0;
  border: 0;
  background: none;
  cursor: pointer;
  display: grid;
  grid-template-columns: 2.25rem auto minmax(0, 1fr) auto;
  gap: 0 0.875rem;
  align-items: baseline;
}
.step-number { color: var(--muted); font-variant-numeric: tabular-nums; font-size: 1.1875rem; }
.step-name { font-size: 1.1875rem; font-weight: 640; letter-spacing: -0.01em; }
.step-summary { grid-column: 3; color: var(--muted); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.step-toggle { grid-column: 4; color: var(--accent); font-size: 0.9375rem; font-weight: 540; min-width: 1.5rem; text-align: end; }
.step-heading:hover .step-toggle { text-decoration: underline; text-underline-offset: 0.2em; }
.step-body { padding: 0 0 2.25rem; display: grid; gap: 1.5rem; }
.step-lead { color: var(--muted); margin-top: -0.5rem; }
.onward { justify-self: start; }
.why { border-top: 1px solid var(--line); padding-top: 0.75rem; }
.why-text { display: grid; gap: 0.625rem; padding: 0.375rem 0 0.25rem; max-width: 38em; font-variant-numeric: tabular-nums; text-wrap: pretty; }

.run { border-top: 1px solid var(--line); padding: 1.25rem 0 2rem; display: grid; gap: 0.75rem; align-content: start; }
.run-head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 1rem; min-height: 1.6rem; }
.run-name { font-weight: 640; overflow-wrap: anywhere; }
.run-phase { color: var(--muted); }
.run .actions { min-height: 2.25rem; }
.example .chart { opacity: 0.55; }
.chart { height: 12.5rem; min-width: 0; overflow: hidden; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; font-size: 0.875rem; color: var(--muted); }
.key::before { content: ""; display: inline-block; width: 1.25rem; margin-inline-end: 0.5rem; vertical-align: 0.28em; border-top: 2px solid var(--accent); }
.key.ink::before { border-color: var(--ink); }
.key.dashed::before { border-top-style: dashed; }
.legend .value { color: var(--ink); display: inline-block; min-width: 3rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.75rem 1rem; }
.numbers dt { font-size: 0.8125rem; color: var(--muted); }
.numbers dd { font-size: 1.0625rem; font-weight: 540; min-height: 1.6rem; overflow-wrap: anywhere; }

@container (min-width: 30em) {
  .step-body { padding-inline-start: 3.125rem; }
}
@container (max-width: 30em) {
  .step-heading { grid-template-columns: 1.25rem minmax(0, 1fr) auto; }
  .step-summary { grid-row: 2; grid-column: 2 / -1; font-size: 0.9375rem; }
  .step-toggle { grid-column: 3; }
  .choice-body { margin-inline-start: 0; }
}
@container (min-width: 66em) {
  .grid { grid-template-columns: minmax(0, 42rem) minmax(18rem, 23rem); column-gap: clamp(3rem, 6cqi, 6rem); }
  .grid > * { grid-column: 1; }
  .grid > .run { grid-column: 2; grid-row: 1 / span 7; position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem); overflow-y: auto; border-top: 0; padding: 0.25rem 4px 1rem; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { transition: none !important; animation: none !important; }
}
@media print {
  .grid > .run { position: static; max-height: none; }
}
`;
