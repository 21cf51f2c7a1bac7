"""The version of what the decoder makes of a capture, apart so that asking for it loads nothing."""

VERSION = 2  # raise it when the same capture gives other rows
