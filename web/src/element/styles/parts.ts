// Rows, tokens, tables, lists; and what uPlot needs.

export const parts = `
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.25rem 1.25rem; font-size: 0.9375rem; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.facts dd.code { font-size: 0.8125rem; line-height: 1.8; }
.plan { display: grid; gap: 0.75rem; padding: 0.875rem 0 0.25rem; border-top: 1px solid var(--line); }
.loading { display: grid; gap: 0.5rem; }
.list, .library { display: grid; }
.list > li { display: flex; flex-wrap: wrap; gap: 0.375rem 0.75rem; align-items: center; padding: 0.5rem 0; border-top: 1px solid var(--line); }
.list > li:first-child { border-top: 0; }
.list .grow { flex: 1 1 12rem; overflow-wrap: anywhere; }
.notice { padding-inline-start: 0.875rem; border-inline-start: 3px solid var(--accent); }
.plain-list { display: grid; gap: 0.3rem; font-size: 0.875rem; color: var(--muted); overflow-wrap: anywhere; }
.presets { display: grid; gap: 0.5rem; }
.counted { padding: 1rem 0; border-block: 1px solid var(--line); }
.start { align-items: end; }
.start .field { flex: 0 1 16rem; }
.start .button { min-height: 2.375rem; }

.previews, .samples, .tries, .answers, .prompts { display: grid; gap: 1.25rem; }
.samples > li, .tries > li, .answers > li, .previews > li { display: grid; gap: 0.5rem; padding-top: 0.875rem; border-top: 1px solid var(--line); min-width: 0; }
.prompts > li { display: grid; gap: 0.3rem; }
.prompts label { font-size: 0.875rem; font-weight: 560; }
.prompts .row { flex-wrap: nowrap; min-height: 2.25rem; }
.row-text { white-space: pre-wrap; overflow-wrap: anywhere; }
.row-text.clamp { color: var(--muted); font-size: 0.9375rem; line-height: 1.5; }
.sides { display: grid; gap: 0.5rem 1rem; grid-template-columns: 4rem minmax(0, 1fr); }
.sides dt { color: var(--muted); font-size: 0.875rem; line-height: 1.7; }
.sides dd { display: grid; gap: 0.375rem; min-width: 0; }
.cut { background: var(--cut); text-decoration: line-through; text-decoration-color: var(--error); border-radius: 2px; }
.tokens { display: flex; flex-wrap: wrap; gap: 2px; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.8125rem; line-height: 1.5; }
.token { white-space: pre; padding: 0 0.2em; background: var(--tint); border-radius: 2px; }
.outputs { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr); gap: 0.2rem 1rem; }
.outputs dt { color: var(--muted); font-size: 0.875rem; line-height: 1.7; overflow-wrap: anywhere; max-width: 11rem; }
.outputs dd { overflow-wrap: anywhere; min-height: 1.55em; }
.side-by-side { display: grid; gap: 0.875rem 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); }
.histogram { display: block; width: 100%; height: 4.5rem; border-bottom: 1px solid var(--edge); }
.bar { fill: var(--accent); }
.bar.beyond { fill: var(--error); }
.limit { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; font-size: 0.8125rem; color: var(--muted); padding-top: 0.2rem; }

table { border-collapse: collapse; font-size: 0.9375rem; width: 100%; }
th, td { padding-block: 0.4rem; padding-inline: 0 0.75rem; text-align: start; border-bottom: 1px solid var(--line); vertical-align: baseline; }
td, thead th:not(:first-child) { text-align: end; }
thead th { font-size: 0.8125rem; font-weight: 560; color: var(--muted); }
tbody th { font-weight: 500; }

.library > li { display: grid; gap: 0.5rem; padding: 0.875rem 0; border-top: 1px solid var(--line); }
.library > li:first-child { border-top: 0; padding-top: 0; }
.library .name { font-weight: 560; max-width: 26rem; }
.library .check { margin-inline-end: 0.5rem; }

.uplot { width: min-content; line-height: 1.5; }
.u-wrap { position: relative; user-select: none; }
.u-over, .u-under { position: absolute; }
.u-under { overflow: hidden; }
.uplot canvas { display: block; position: relative; width: 100%; height: 100%; }
.u-axis { position: absolute; }
.u-off, .u-select { display: none; }

@container (max-width: 30em) {
  table { font-size: 0.8125rem; }
  th, td { padding-inline-end: 0.5rem; }
  td, thead th { white-space: nowrap; }
  .outputs, .sides { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .outputs dd, .sides dd { margin-bottom: 0.5rem; }
}
`;
