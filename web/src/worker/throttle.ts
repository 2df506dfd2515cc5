// Progress comes with every packet; who draws it needs it a few times a second.

const INTERVAL = 100;

export interface Throttled<T> {
  tell(value: T): void;
  /** Tells what is left to tell, now. */
  flush(): void;
}

export function throttled<T>(tell: (value: T) => void): Throttled<T> {
  let latest: { value: T } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = -Infinity;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!latest) return;
    const { value } = latest;
    latest = undefined;
    last = performance.now();
    tell(value);
  };
  return {
    tell(value) {
      latest = { value };
      const wait = last + INTERVAL - performance.now();
      if (wait <= 0) flush();
      else timer ??= setTimeout(flush, wait);
    },
    flush,
  };
}
