"""Controls made from the parameters of a scenario: what a person moves, and what code sets alike.

A number field stands beside each slider: it has a name for screen readers, which the slider cannot have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import ipywidgets as ipw
import traitlets

from eda_lab.errors import OptionError

__all__ = ["Keys", "controls_for", "word"]

_LABEL = {"description_width": "initial"}


def controls_for(scenario: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, tuple[ipw.Widget, ipw.Widget]]:
    """Return, for each parameter of a scenario, the widget that holds its value and the widget to show.

    `given` may narrow a parameter: `(low, high)` or `(low, high, step)` for a number, a list for a choice, a single
    value to begin with. The parameters' defaults say what they are and where they begin. Raises `OptionError` for a
    name that is no parameter, and for a range or choice without the parameter's default in it.
    """
    parameters = inspect.signature(scenario).parameters
    for name in given:
        if name not in parameters:
            raise OptionError(name, given[name], f"the scenario has no such parameter; it has {', '.join(parameters)}")
    return {name: _control(name, parameter.default, given.get(name)) for name, parameter in parameters.items()}


def _control(name: str, default: Any, given: Any) -> tuple[ipw.Widget, ipw.Widget]:
    label = name.replace("_", " ")
    if isinstance(given, (tuple, list)) and not given:
        raise OptionError(name, given, "give at least one value")
    if isinstance(given, list):
        value = given[0] if default is inspect.Parameter.empty else default
        if value not in given:
            raise OptionError(name, given, f"the scenario's own default {value!r} is not among these")
        return _shown(ipw.Dropdown(options=[(word(v), v) for v in given], value=value, description=label, style=_LABEL))
    if isinstance(given, tuple):
        return _range(name, label, default, given)
    value = default if given is None else given
    if isinstance(value, bool):
        return _shown(ipw.Checkbox(value=value, description=label, indent=False))
    if isinstance(value, int):
        return _shown(ipw.IntText(value=value, description=label, style=_LABEL))
    if isinstance(value, float):
        return _shown(ipw.FloatText(value=value, description=label, style=_LABEL))
    if isinstance(value, str):
        return _shown(ipw.Text(value=value, description=label, style=_LABEL))
    raise OptionError(name, value, "give the parameter a number, a text or a truth value as default, or a list here")


def _range(name: str, label: str, default: Any, given: tuple[Any, ...]) -> tuple[ipw.Widget, ipw.Widget]:
    if len(given) not in (2, 3) or not all(isinstance(bound, (int, float)) for bound in given) or given[0] > given[1]:
        raise OptionError(name, given, "give a range as (low, high) or (low, high, step)")
    low, high = given[0], given[1]
    value = low if default is inspect.Parameter.empty else default
    if not low <= value <= high:
        raise OptionError(name, given, f"the scenario's own default {value!r} is outside this range")
    whole = all(isinstance(number, int) for number in (*given, value))
    step = given[2] if len(given) == 3 else 1 if whole else (high - low) / 20
    field_kind, slider_kind = (ipw.BoundedIntText, ipw.IntSlider) if whole else (ipw.BoundedFloatText, ipw.FloatSlider)
    field = field_kind(value=value, min=low, max=high, step=step, description=label, style=_LABEL)
    field.layout.width = "200px"
    slider = slider_kind(value=value, min=low, max=high, step=step, readout=False)
    _join(field, slider)
    row = ipw.HBox([field, slider])
    row.layout.margin = "0 24px 0 0"
    return field, row


def _join(field: ipw.Widget, slider: ipw.Widget) -> None:
    """Let field and slider follow each other.

    A slider in the browser answers each value that it is set to with the nearest step, as in 0.25000000000000006. That
    is no move of a person's, and would undo what was typed.
    """

    def nearest(value: float) -> float:
        steps = round((value - slider.min) / slider.step) if slider.step else 0
        return float(round(slider.min + steps * slider.step, 9))

    def follow(change: Any) -> None:
        if nearest(change["new"]) != nearest(field.value):
            field.value = nearest(change["new"])

    traitlets.dlink((field, "value"), (slider, "value"))
    slider.observe(follow, "value")


def _shown(widget: ipw.Widget) -> tuple[ipw.Widget, ipw.Widget]:
    widget.layout.width, widget.layout.margin = "auto", "2px 24px 2px 2px"
    return widget, widget


def word(value: Any) -> str:
    """Return a setting as a person reads it."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


class Keys(anywidget.AnyWidget):
    """Keeps the keys that a control needs in the box that it is put into; it is not seen.

    In JupyterLab an arrow pressed on a list would select the next cell, and a letter typed there may cut or delete a
    cell. Shortcuts with Ctrl or Alt, and Shift+Enter, go on to JupyterLab.
    """

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
