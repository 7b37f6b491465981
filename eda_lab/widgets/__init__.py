"""What a lesson is played with: controls, and pictures that follow them."""

from eda_lab.widgets.compare import Compare
from eda_lab.widgets.flow import FlowPlayer
from eda_lab.widgets.panel import Panel

__all__ = ["Compare", "FlowPlayer", "Panel"]
