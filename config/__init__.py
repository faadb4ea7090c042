"""Declarations: settings, names, streams, tables. Imports nothing of ours, does nothing."""

from config.load import ConfigError, Problem, load
from config.settings import ROOT, ExchangeSettings, Settings

__all__ = ["ROOT", "ConfigError", "ExchangeSettings", "Problem", "Settings", "load"]
