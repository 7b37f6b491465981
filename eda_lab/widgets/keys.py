"""`Keys`: an invisible part of our boxes, by which the keys that a control needs stay with the control.

In JupyterLab an arrow pressed on a list would select the next cell, and a letter typed there may cut or delete a cell.
"""

from __future__ import annotations

import anywidget

__all__ = ["Keys"]


class Keys(anywidget.AnyWidget):  # type: ignore[misc]
    """Keeps plain keys pressed in the box that it is put into; shortcuts with Ctrl or Alt and Shift+Enter go on."""

    _esm = """
    const keep = (event) => {
      const shortcut = event.ctrlKey || event.altKey || event.metaKey || (event.shiftKey && event.key === "Enter");
      if (!shortcut) event.stopPropagation();
    };
    async function render({ el }) {
      el.style.display = "none";
      while (!el.parentElement) await new Promise(requestAnimationFrame);
      const box = el.parentElement.closest(".widget-box") ?? el.parentElement;
      box.addEventListener("keydown", keep);
    }
    export default { render };
    """
