"""What the stages of Fengsui share: event kinds, bus, store, registry and the one loop that moves batches."""

__version__ = "0.1.0"
