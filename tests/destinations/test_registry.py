from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from app.core.errors import FixSettings
from app.core.exports import ExportKind
from app.core.plans import Changes
from app.core.tokens import Tokens
from app.destinations import registry
from app.destinations.contract import FileDestination, SegmentDestination, Settings
from app.destinations.description import Description, FieldKind, load
from app.destinations.registry import description, descriptions, open_destination, plug_ins
from tests.destinations.conformance import SegmentDestinationSuite as Suite

FOLDER = Path(registry.__file__).parent
HELP = Path(__file__).parents[2] / "resources/help"
EVERY = [pytest.param(each, id=each.id) for each in descriptions()]


def test_all_folders_are_found() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/destination.toml")}
    assert {each.id for each in descriptions()} >= {name.replace("_", "-") for name in folders}
    assert {
        "local-folder",
        "sftp",
        "azure-blob",
        "amazon-s3",
        "google-cloud-storage",
        "mailchimp",
        "linkedin-ads",
        "practice",
    } <= {each.id for each in descriptions()}


def test_every_folder_with_code_has_a_description() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")} - {"ssh"}  # shared by several
    assert folders == {path.parent.name for path in FOLDER.glob("*/destination.toml")}


def test_every_destination_of_segments_is_held_to_the_contract() -> None:
    tested = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.destinations.{path.stem}")
        if any(
            isinstance(each, type) and issubclass(each, Suite) and each is not Suite for each in vars(module).values()
        ):
            tested.add(module.Bench.description.id)
    assert tested == {each.id for each in descriptions() if ExportKind.SEGMENT in each.kinds and not each.any_field}


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.parent.name) for path in FOLDER.glob("*/destination.toml")]
)
def test_id_is_the_folders_name(path: Path) -> None:
    assert load(path).id == path.parent.name.replace("_", "-")
    assert load(path).module.startswith(f"app.destinations.{path.parent.name}")


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.parent.name) for path in FOLDER.glob("*/destination.toml")]
)
def test_no_entry_is_misspelt(path: Path) -> None:
    known = set(Description.__dataclass_fields__)
    assert set(tomllib.loads(path.read_text("utf-8"))) <= known


@pytest.mark.parametrize("each", EVERY)
class TestEachDescription:
    def test_docs_address(self, each: Description) -> None:
        if each.docs or each.id not in {"local-folder", "practice", "webhook"}:
            parts = urlsplit(each.docs)
            assert parts.scheme == "https"
            assert parts.hostname

    def test_help_page(self, each: Description) -> None:
        page = (HELP / f"{each.id}.md").read_text("utf-8")
        assert page.startswith(f"# {each.name}\n")

    def test_badge_can_be_read(self, each: Description) -> None:
        assert len(each.badge.letters) == 2
        assert contrast(each.badge.colour, each.badge.text) >= 4.5

    def test_texts(self, each: Description) -> None:
        for text in (each.name, each.category, each.summary, each.signs_in_with):
            assert text.strip() == text
            assert text
        assert each.kinds

    def test_segment_targets_say_who_and_how(self, each: Description) -> None:
        if ExportKind.SEGMENT in each.kinds and not each.any_field:
            assert each.takes
            assert each.sync_modes
            assert each.key_fields
            assert set(each.key_fields) <= {field.id for field in each.fields}
            assert each.batch_size > 0

    def test_what_requests_are_counted_by_is_known(self, each: Description) -> None:
        fields = {field.id for field in (*each.connection_fields, *each.export_fields) if not field.secret}
        assert set(each.pace.counted_by) <= fields | {"host", "account"}

    def test_audience_types_fit_together(self, each: Description) -> None:
        field = next((field for field in each.export_fields if field.id == each.audience_field), None)
        assert bool(each.audience_types) == (field is not None)
        if field is None:
            return
        assert [audience.id for audience in each.audience_types] == list(field.choices or {})
        assert field.default
        for audience in each.audience_types:
            ids = [target.id for target in audience.fields]
            assert len(ids) == len(set(ids))
            assert audience.takes
            assert audience.key_fields or each.any_field  # in files everybody is known by our own key
            assert set(audience.key_fields) <= set(ids)
            assert (field.choices or {})[audience.id].startswith(f"{audience.name}: ")
            one = each.for_target({field.id: audience.id})
            assert (one.takes, one.fields, one.audience_id) == (audience.takes, audience.fields, audience.id)

    def test_fields_fit_together(self, each: Description) -> None:
        for fields in (each.connection_fields, each.export_fields):
            ids = [field.id for field in fields]
            assert len(ids) == len(set(ids))
            for field in fields:
                assert field.label
                re.compile(field.pattern)
                assert bool(field.pattern) == bool(field.pattern_message)
                assert (field.kind is FieldKind.CHOICE) == bool(field.choices)
                assert not field.choices or not field.default or field.default in field.choices
                assert not field.pattern or not field.default or re.fullmatch(field.pattern, field.default)
                assert set(field.when or {}) <= set(ids)
        assert not any(field.secret for field in each.export_fields)

    def test_limits_a_connection_sets_are_numbers_it_has(self, each: Description) -> None:
        kinds = {field.id: field.kind for field in each.connection_fields}
        assert all(kinds[id_] is FieldKind.NUMBER for id_ in each.limit_fields.values())

    def test_opens_as_what_it_says(self, each: Description, tmp_path: Path) -> None:
        values = {field.id: field.placeholder or "x" for field in each.connection_fields if not field.secret}
        values |= {field.id: field.default for field in each.connection_fields if field.default}
        values |= {"folder": str(tmp_path)}
        secrets = {field.id: "0" * 32 + ("-us1" if field.pattern else "") for field in each.secret_fields}
        secrets |= {f.id: Tokens("t").written() for f in each.secret_fields if f.kind is FieldKind.SIGN_IN}
        opened = open_destination(each, Settings(values, secrets))
        expected = FileDestination if each.any_field else SegmentDestination
        assert isinstance(opened, expected)


def test_unknown_id() -> None:
    with pytest.raises(FixSettings) as caught:
        description("carrier-pigeon")
    assert caught.value.code == "unknown_destination"


def test_descriptions_import_no_destination() -> None:
    code = "import sys; from app.destinations.registry import descriptions; descriptions(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"asyncssh", "httpx2", "requests", "azure", "botocore", "google.cloud"} & set(loaded)


def test_mailchimp_key_pattern() -> None:
    key = next(field for field in description("mailchimp").secret_fields if field.id == "api_key")
    assert re.fullmatch(key.pattern, "0123456789abcdef0123456789abcdef-us21")
    assert not re.fullmatch(key.pattern, "0123456789abcdef0123456789abcdef")
    assert "{length}" in key.pattern_message


class TestPlugIns:
    @pytest.fixture
    def plug_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EntryPoint]:
        folder = tmp_path / "sendoff_acme"
        folder.mkdir()
        (folder / "__init__.py").write_text("import package_nobody_has\n")
        text = (FOLDER / "local_folder/destination.toml").read_text("utf-8")
        text = (
            text.replace("local-folder", "acme")
            .replace("Local folder", "Acme")
            .replace("app.destinations.local_folder.destination", "sendoff_acme")
        )
        (folder / "destination.toml").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        yield EntryPoint("acme", "sendoff_acme", registry.GROUP)
        sys.modules.pop("sendoff_acme", None)

    def test_found_without_importing(self, plug_in: EntryPoint) -> None:
        (found,) = plug_ins([plug_in])
        assert found.id == "acme"
        assert "sendoff_acme" not in sys.modules

    def test_missing_dependency_is_a_sentence(self, plug_in: EntryPoint) -> None:
        (found,) = plug_ins([plug_in])
        with pytest.raises(FixSettings) as caught:
            open_destination(found, Settings({}, {}))
        assert caught.value.code == "dependency_missing"
        assert "package_nobody_has" in caught.value.why

    def test_broken_ones_are_left_out(self, plug_in: EntryPoint, caplog: pytest.LogCaptureFixture) -> None:
        gone = EntryPoint("gone", "package_nobody_has", registry.GROUP)
        assert [each.id for each in plug_ins([gone, plug_in])] == ["acme"]
        assert "gone" in caplog.text

    def test_built_in_ones_win(self, plug_in: EntryPoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "entry_points", lambda **_kwargs: [plug_in])
        descriptions.cache_clear()
        try:
            assert description("acme").name == "Acme"
            assert description("local-folder").module.startswith("app.")
        finally:
            monkeypatch.undo()
            descriptions.cache_clear()


def test_a_connection_sets_limits_of_its_own() -> None:
    of = description("practice")
    own = of.for_connection({"maximum": "1000", "batch_size": "20", "requests_per_second": "7", "minimum": "x"})
    assert (own.limits.maximum, own.limits.minimum, own.batch_size) == (1000, None, 20)
    assert (own.pace.requests_per_second, own.pace.simultaneous) == (7, of.pace.simultaneous)
    assert of.for_connection({"maximum": "0", "folder": "/x"}) == of
    assert description("mailchimp").for_connection({"maximum": "5"}) == description("mailchimp")


def test_what_sending_takes() -> None:
    google = description("google-ads").forecast([Changes(added=10_001, removed=5)])
    assert google is not None
    assert (google.calls, google.seconds) == (3 + 4 + 2 + 1, pytest.approx(10 * 1.01 / 5))
    practice = description("practice").for_connection({"batch_size": "2", "requests_per_second": "4"})
    own = practice.forecast([Changes(changed=5)])
    assert own is not None
    assert (own.calls, own.seconds) == (3 + 3 + 1, pytest.approx(7 * 1.01 / 4))
    unpaced = description("mailchimp").forecast([Changes(added=500)])
    assert unpaced is not None
    assert (unpaced.calls, unpaced.seconds) == (1 + 4 + 3 + 1, pytest.approx(9 / 10))
    assert description("sftp").forecast([Changes(added=1)]) is None


def test_misspelt_values_are_refused(tmp_path: Path) -> None:
    text = (FOLDER / "local_folder/destination.toml").read_text("utf-8").replace('"folder"\n', '"foldre"\n')
    (tmp_path / "destination.toml").write_text(text)
    with pytest.raises(msgspec.ValidationError):
        load(tmp_path / "destination.toml")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
