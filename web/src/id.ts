// Names of runs and adapters: when they were begun, and something that no other has.

/** Such as `20261123-170501-k3f9x2`: in the order of time, and fit for a directory. */
export function newId(): string {
  const [date = "", time = ""] = new Date()
    .toISOString()
    .replaceAll(/[-:]|\..*$/g, "")
    .split("T");
  const random = [...crypto.getRandomValues(new Uint8Array(6))]
    .map((byte) => (byte % 36).toString(36))
    .join("");
  return `${date}-${time}-${random}`;
}
