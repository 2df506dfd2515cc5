// Colours and measures. What begins with --flan- is the page's to set; the rest follows from it.

const LIGHT = `
  --paper: var(--flan-paper, #fbfaf6);
  --raised: var(--flan-raised, #ffffff);
  --ink: var(--flan-ink, #221f1a);
  --muted: var(--flan-muted, #625c51);
  --line: var(--flan-line, #e3ded3);
  --edge: var(--flan-edge, #857e71);
  --accent: var(--flan-accent, #0b6657);
  --on-accent: var(--flan-on-accent, #ffffff);
  --tint: var(--flan-tint, #e4efeb);
  --error: var(--flan-error, #9f2a1a);
  --caution: var(--flan-caution, #74480a);
  --cut: var(--flan-cut, #f6e4dc);
  color-scheme: light;
`;

const DARK = `
  --paper: var(--flan-paper, #181613);
  --raised: var(--flan-raised, #211e1a);
  --ink: var(--flan-ink, #ece7de);
  --muted: var(--flan-muted, #b0a99c);
  --line: var(--flan-line, #37322b);
  --edge: var(--flan-edge, #8b8477);
  --accent: var(--flan-accent, #72cab6);
  --on-accent: var(--flan-on-accent, #0d211c);
  --tint: var(--flan-tint, #1d302b);
  --error: var(--flan-error, #f39a88);
  --caution: var(--flan-caution, #e5bb78);
  --cut: var(--flan-cut, #452a21);
  color-scheme: dark;
`;

export const tokens = `
:host {
  ${LIGHT}
  --radius: var(--flan-radius, 6px);
  display: block;
  container-type: inline-size;
  background: var(--paper);
  color: var(--ink);
  font: 400 1rem/1.55 var(--flan-font, system-ui, sans-serif);
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) { ${DARK} }
}
:host([theme="dark"]) { ${DARK} }
:host([hidden]), [hidden] { display: none !important; }
`;
