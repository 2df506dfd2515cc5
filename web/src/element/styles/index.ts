export function styles(): CSSStyleSheet { return new CSSStyleSheet(); }
