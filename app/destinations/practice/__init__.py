"""Practice: a made-up vendor inside the program, with limits and moods, so that people can rehearse. Nothing leaves."""

from __future__ import annotations
