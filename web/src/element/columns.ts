// Which column is what.

const SOURCES = [
  "source",
  "input",
  "text",
  "question",
  "prompt",
  "instruction",
  "dialogue",
  "document",
  "article",
  "review",
  "formal",
];
const TARGETS = [
  "target",
  "output",
  "summary",
  "title",
  "answer",
  "label",
  "response",
  "completion",
  "translation",
  "highlights",
  "casual",
];

/** A first guess, by the names that data sets use; else the first column and the last. */
export function guessColumns(fields: string[]): { source: string; target: string } | undefined {
  if (fields.length < 2) return undefined;
  const named = (names: string[], taken?: string) =>
    names
      .map((name) => fields.find((field) => field !== taken && field.toLowerCase() === name))
      .find((field) => field !== undefined);
  const target = named(TARGETS) ?? fields[fields.length - 1];
  const source = named(SOURCES, target) ?? fields.find((field) => field !== target);
  return source === undefined || target === undefined ? undefined : { source, target };
}

/** The template that says the same as two columns; none where a name is not one that Jinja can write. */
export function composeTemplate(source: string, target: string): string | undefined {
  const isName = (field: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(field);
  return isName(source) && isName(target) ? `{{ ${source} }} ||| {{ ${target} }}` : undefined;
}
