// What index.html runs beside the element: it speaks the element's language, and keeps the site for when
// there is no network. Only the site's own page does that, never a page that embeds the element.

import { language, stringsOf } from "./element/strings/index.js";

const licences = document.querySelector("footer a");
/** As index.html has them. */
const written = {
  lang: document.documentElement.lang,
  title: document.title,
  licences: licences?.textContent ?? "",
};

/** The page around the element, in the element's language. What index.html says in its own language stays. */
function speak(element: Element): void {
  const now = language(element);
  const texts = now === written.lang ? written : stringsOf(now).site;
  document.documentElement.lang = now;
  document.title = texts.title;
  if (licences !== null) licences.textContent = texts.licences;
}

const element = document.querySelector("flan-tune");
if (element !== null) {
  speak(element);
  new MutationObserver(() => speak(element)).observe(element, { attributeFilter: ["lang"] });
}

async function keepForOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("./service-worker.js", { updateViaCache: "none" });
  } catch (error) {
    // Plain http, a private window, or a checkout that is served as it is: the page works all the same.
    console.info("flantune: this page is not kept for use without network:", error);
  }
}

// What the page needs first goes first.
if (document.readyState === "complete") void keepForOffline();
else window.addEventListener("load", () => void keepForOffline(), { once: true });
