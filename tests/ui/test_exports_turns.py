"""The page of exports comes up in several turns of the event loop: made in one it would stall the window."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap import Services
from app.ui.pages.exports.page import ExportsPage
from app.ui.preferences import Preferences
from tests.ui.page_bench import page_bench


def test_what_nobody_sees_at_first_is_made_later(
    small_services: Services,
    theme,
    runner,
    tmp_path: Path,
) -> None:
    with page_bench(small_services, theme, runner) as bench:
        page = ExportsPage(bench.context, Preferences(tmp_path / "window.ini"))
        assert not {"details", "empty"} & page.__dict__.keys()
        bench.show(page)
        bench.wait(lambda: "details" in page.__dict__)
        assert "empty" not in page.__dict__, "there are exports"
        for name in [row.export.name for row in small_services.exports.all()]:
            small_services.exports.remove(name)
        bench.navigator.changed("exports")
        bench.wait(lambda: "empty" in page.__dict__ and page.empty.isVisible())
