// The two dialogs of a page: `side`, a panel beside the conversation (on a phone a sheet from below), and `box`, which
// asks for a decision. Focus goes into the dialog and back to where it was.

import { byId, icon, replace } from "./dom.js";

const wide = matchMedia("(min-width: 1024px)");
const openers = new WeakMap();

function open(dialog, title, content, modal) {
  const before = dialog.open ? openers.get(dialog) : document.activeElement;
  if (dialog.open) dialog.close("again");
  openers.set(dialog, before);
  dialog.querySelector("h2").textContent = title;
  replace(dialog.querySelector(".body"), ...content).scrollTop = 0;
  if (modal) dialog.showModal();
  else dialog.show();
  dialog.querySelector("h2").focus();
}

/** Show something beside the conversation. */
export function showSide(title, ...content) {
  open(byId("side"), title, content, !wide.matches);
  document.body.dataset.side = "open";
}

/** Ask for something, in front of everything else. */
export function showBox(title, ...content) {
  open(byId("box"), title, content, true);
}

export const closeSide = () => byId("side").open && byId("side").close();
export const closeBox = () => byId("box").open && byId("box").close();

/** Make the dialogs of the page work: the button that closes, Escape, a press beside them, where focus goes back. */
export function preparePanels() {
  for (const dialog of document.querySelectorAll("dialog")) {
    const cross = dialog.querySelector(".close");
    if (cross) {
      cross.append(icon("close"));
      cross.addEventListener("click", () => dialog.close());
    }
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) {
        event.preventDefault();
        dialog.close();
      }
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "again") {
        dialog.returnValue = "";
        return;
      }
      if (dialog.id === "side") delete document.body.dataset.side;
      const before = openers.get(dialog);
      openers.delete(dialog);
      if (before?.isConnected && !before.disabled) before.focus();
      else byId("draft")?.focus();
    });
  }
}
