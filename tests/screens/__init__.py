"""Pictures of every screen, from the real window on the sample workspace: `python -m tests.screens DIR [--only NAME ...]`."""
