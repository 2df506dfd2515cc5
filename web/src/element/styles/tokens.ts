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

/** How wide the element would like to be, and in how small pieces it takes less: `.width` in flan-tune.ts. */
export const PIECES = 12;

export const tokens = `
:host {
  ${LIGHT}
  --radius: var(--flan-radius, 6px);
  display: block;
  box-sizing: border-box;
  max-inline-size: 100%;
  writing-mode: horizontal-tb;
  background: var(--paper);
}
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) { ${DARK} }
}
:host([theme="dark"]) { ${DARK} }
:host([hidden]), [hidden] { display: none !important; }

/* Text of the page around does not reach in; that it is hidden, or not to be clicked, does. */
.frame, .width {
  all: initial;
  display: block;
  font: 400 var(--flantune-font-size, max(1rem, 1em))/1.55 var(--flan-font, system-ui, sans-serif);
}
.frame {
  --flantune-rem: 1em;
  width: 100%;
  container-type: inline-size;
  background: var(--paper);
  color: var(--ink);
  color-scheme: inherit;
  visibility: inherit;
  pointer-events: inherit;
  cursor: inherit;
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}
/* What is sized by its content (a flex item, a float, a table's cell) would be 0 wide: a container's content does not count. */
.width { height: 0; overflow: hidden; visibility: hidden; line-height: 0; }
.width > * { display: inline-block; width: 4em; }
`;
