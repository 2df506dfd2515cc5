// Numbers as a language writes them.

export interface Format {
  count(value: number): string;
  /** 7.2 million. */
  rough(value: number): string;
  bytes(value: number): string;
  percent(value: number): string;
  /** A loss: always three decimals, so that columns stand still. */
  loss(value: number): string;
  /** A score of 0 to 1, as points of a hundred. */
  points(value: number): string;
  rate(value: number): string;
  /** A number as it would be typed into a form. */
  plain(value: number): string;
  duration(seconds: number): string;
  moment(milliseconds: number): string;
}

export function format(language: string): Format {
  const number = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(language, options);
  const count = number({ maximumFractionDigits: 0 });
  const rough = number({ notation: "compact", compactDisplay: "long", maximumSignificantDigits: 2 });
  const one = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const three = number({ minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const percent = number({ style: "percent", maximumSignificantDigits: 2 });
  const plain = number({ maximumSignificantDigits: 6, useGrouping: false });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return {
    count: (value) => count.format(value),
    rough: (value) => rough.format(value),
    bytes(value) {
      if (value < 1e6) return `${one.format(value / 1e3)} kB`;
      if (value < 1e9) return `${one.format(value / 1e6)} MB`;
      return `${one.format(value / 1e9)} GB`;
    },
    percent: (value) => percent.format(value),
    loss: (value) => (Number.isFinite(value) ? three.format(value) : "–"),
    points: (value) => one.format(value * 100),
    rate: (value) => count.format(value),
    plain: (value) => plain.format(value),
    duration(exact) {
      const seconds = Math.max(0, Math.round(exact));
      if (seconds < 60) return `${count.format(seconds)} s`;
      const minutes = Math.floor(seconds / 60);
      if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
      return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
    },
    moment: (milliseconds) => moment.format(new Date(milliseconds)),
  };
}
