"""The echo of our own speech, taken out of what the telephone hears."""

from realtime.audio.echo.canceller import FILLER, Cleaned, EchoCanceller, Frame, Mode
from realtime.audio.echo.config import EchoConfig

__all__ = ["FILLER", "Cleaned", "EchoCanceller", "EchoConfig", "Frame", "Mode"]
