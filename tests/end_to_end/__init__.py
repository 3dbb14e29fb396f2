"""The whole program through its services: real engine, store and queue; real servers and emulators on the other side."""

from __future__ import annotations
