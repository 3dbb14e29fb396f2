"""The store over keyrings in memory: layout, limits, errors, patience."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backends import chainer, fail, null
from keyring.errors import InitError, KeyringLocked, NoKeyringError

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.secrets.backends import choose_backend
from app.secrets.entries import MAX_UNITS, split
from app.secrets.store import KeyringStore
from tests.fakes.keyrings import FakeKeyring, WindowsError, windows_keyring

LONG = "s3cret-" * 1000
LONGER = "0ther-" * 2000

# Short, around the limit of one part, and many parts; with characters of one and of two UTF-16 units.
secret_texts = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda seed, length: (seed * (length // len(seed) + 1))[:length],
        st.text(min_size=1, max_size=7),
        st.one_of(st.integers(1270, 1290), st.integers(2550, 2570), st.integers(0, 6000)),
    ),
)


@pytest.fixture
def backend() -> FakeKeyring:
    return FakeKeyring()


@pytest.fixture
def store(backend: FakeKeyring) -> KeyringStore:
    return KeyringStore("w1", backend=backend, patience=10)


@given(text=st.one_of(secret_texts, st.text(max_size=5000)), units=st.integers(2, 1300))
def test_pieces_are_short_enough_and_make_the_text_again(text: str, units: int) -> None:
    pieces = split(text, units)
    assert "".join(pieces) == text
    assert all(len(piece.encode("utf-16-le")) <= 2 * units for piece in pieces)  # encode refuses a split pair


@given(values=st.lists(secret_texts, min_size=1, max_size=4))
def test_any_text_comes_back_under_the_windows_limit_and_leaves_nothing(values: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        keyring, manager = windows_keyring(patch)
        store = KeyringStore("w1", backend=keyring)
        store.put("c1", "other", LONG)
        kept = len(manager.entries)
        for value in values:
            store.put("c1", "password", value)
            assert store.get("c1", "password") == value
            assert store.get("c1", "other") == LONG
        store.delete("c1", "password")
        assert store.get("c1", "password") is None
        assert len(manager.entries) == kept
        store.delete("c1", "other")
        assert manager.entries == {}


def test_the_windows_limit_is_really_there(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, _ = windows_keyring(monkeypatch)
    keyring.set_password("s", "u", "x" * MAX_UNITS)
    with pytest.raises(WindowsError):
        keyring.set_password("s", "u", "x" * (MAX_UNITS + 1))


@pytest.mark.parametrize(("old", "new"), [("old-secret", "new"), ("old-secret", LONG), ("old-secret" * 500, "new")])
def test_a_replaced_value_is_nowhere_any_more(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    keyring, manager = windows_keyring(monkeypatch)
    store = KeyringStore("w1", backend=keyring)
    store.put("c1", "password", old)
    assert manager.holds("old-secret")
    store.put("c1", "password", new)
    assert not manager.holds("old-secret")


def test_two_workspaces_and_two_connections_do_not_meet(backend: FakeKeyring) -> None:
    one, two = KeyringStore("w1", backend=backend), KeyringStore("w2", backend=backend)
    one.put("c1", "password", "a")
    one.put("c2", "password", "b")
    two.put("c1", "password", LONG)
    assert (one.get("c1", "password"), one.get("c2", "password"), two.get("c1", "password")) == ("a", "b", LONG)
    assert backend.entries["sendoff:w1", "c1/password"].endswith("a")


@pytest.mark.parametrize("value", ["#{}", '#{"slot": "a", "parts": 3, "sha256": "0"}', "=", "", "\ufeffbom", "\x00"])
def test_a_value_that_looks_like_our_own_marks_comes_back(store: KeyringStore, value: str) -> None:
    store.put("c1", "password", value)
    assert store.get("c1", "password") == value


def test_a_missing_part_means_there_is_no_secret(store: KeyringStore, backend: FakeKeyring) -> None:
    store.put("c1", "key", LONG)
    (part,) = [entry for entry in backend.entries if entry[0].endswith("/a2")]
    del backend.entries[part]
    assert store.get("c1", "key") is None


def test_a_changed_part_means_there_is_no_secret(store: KeyringStore, backend: FakeKeyring) -> None:
    store.put("c1", "key", LONG)
    (part,) = [entry for entry in backend.entries if entry[0].endswith("/a2")]
    backend.entries[part] = "=" + "x" * 1279
    assert store.get("c1", "key") is None


def test_a_broken_manifest_means_there_is_no_secret(store: KeyringStore, backend: FakeKeyring) -> None:
    store.put("c1", "key", LONG)
    for broken in ("#", "#[]", '#{"slot": "a"}', "x", ""):
        backend.entries["sendoff:w1", "c1/key"] = broken
        assert store.get("c1", "key") is None


@pytest.mark.parametrize(
    ("old", "new"), [(None, LONG), ("short", LONG), (LONG, LONGER), (LONG, "short"), (LONGER, LONG)]
)
def test_a_write_cut_off_anywhere_keeps_the_old_or_the_new_value(old: str | None, new: str) -> None:
    for change in range(1, 60):
        backend = FakeKeyring()
        store = KeyringStore("w1", backend=backend)
        store.probe()
        if old is not None:
            store.put("c1", "key", old)
        backend.fail_from(change)
        try:
            store.put("c1", "key", new)
        except TryAgain:
            pass
        else:
            assert change > 2
            break
        backend.fail_from(None)
        assert store.get("c1", "key") in (old, new)
        store.put("c1", "key", new)
        assert store.get("c1", "key") == new
        store.delete("c1", "key")
        assert backend.entries == {}
    else:
        pytest.fail("no write came to its end")


def test_a_delete_cut_off_anywhere_can_be_finished() -> None:
    for change in range(1, 30):
        backend = FakeKeyring()
        store = KeyringStore("w1", backend=backend)
        store.put("c1", "key", LONG)
        backend.fail_from(change)
        try:
            store.delete("c1", "key")
        except TryAgain:
            backend.fail_from(None)
            assert store.get("c1", "key") in (None, LONG)
            store.delete("c1", "key")
            assert backend.entries == {}
        else:
            assert change > 6
            return
    pytest.fail("no delete came to its end")


def test_delete_all_takes_the_named_fields_only(store: KeyringStore, backend: FakeKeyring) -> None:
    for field in ("password", "key", "token"):
        store.put("c1", field, LONG)
    store.delete_all("c1", ["password", "key", "never there"])
    assert store.get("c1", "token") == LONG
    store.delete_all("c1", ["token"])
    assert backend.entries == {}


def test_the_probe_leaves_nothing_and_names_the_store(store: KeyringStore, backend: FakeKeyring) -> None:
    assert store.probe().backend == "tests.fakes.keyrings.FakeKeyring"
    assert backend.entries == {}


def test_a_store_that_forgets_is_found_before_the_first_write(store: KeyringStore, backend: FakeKeyring) -> None:
    backend.forgets = True
    with pytest.raises(FixSettings) as caught:
        store.put("c1", "password", "hunter2")
    assert caught.value.code == "keyring_not_kept"
    assert backend.written
    assert not any("hunter2" in text for text in backend.written)
    backend.forgets = False
    store.put("c1", "password", "hunter2")


class PlainFile(FakeKeyring):
    priority = 0.5


PlainFile.__module__ = "keyrings.alt.file"


class DressedUp(PlainFile):
    priority = 9


@pytest.mark.parametrize("unsafe", [fail.Keyring, null.Keyring, PlainFile, DressedUp])
def test_unsafe_stores_are_refused_and_never_written_to(unsafe: type) -> None:
    backend = unsafe()
    with pytest.raises(FixSettings) as caught:
        KeyringStore("w1", backend=backend).put("c1", "password", "hunter2")
    assert caught.value.code == "keyring_unsafe"
    assert getattr(backend, "entries", {}) == {}


def test_of_a_chain_only_the_safe_member_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    safe, plain = FakeKeyring(), DressedUp()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain, safe])
    KeyringStore("w1", backend=chainer.ChainerBackend()).put("c1", "password", "hunter2")
    assert safe.entries
    assert not plain.entries
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain])
    with pytest.raises(FixSettings):
        KeyringStore("w1", backend=chainer.ChainerBackend()).probe()


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("keyring.backends.null.Keyring", "keyring_unsafe"),
        ("keyring.backends.fail.Keyring", "keyring_unsafe"),
        ("keyring.backends.nowhere.Keyring", "keyring_setting"),
        ("nonsense", "keyring_setting"),
    ],
)
def test_a_bad_choice_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch, named: str, code: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", named)
    with pytest.raises(FixSettings) as caught:
        choose_backend()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (KeyringLocked("x"), TryAgain, "keyring_locked"),
        (InitError("x"), FixSettings, "keyring_missing"),
        (NoKeyringError("x"), FixSettings, "keyring_missing"),
        (WindowsError(1312, "CredRead", "no session"), FixSettings, "keyring_session"),
        (WindowsError(8, "CredRead", "no memory"), TryAgain, "keyring_failed"),
        (OSError("hunter2"), TryAgain, "keyring_failed"),
    ],
)
def test_every_error_becomes_ours_and_carries_nothing_of_the_cause(
    store: KeyringStore, backend: FakeKeyring, raised: Exception, kind: type[SendoffError], code: str
) -> None:
    backend.error = raised
    for call in (
        store.probe,
        lambda: store.put("c", "f", "hunter2"),
        lambda: store.get("c", "f"),
        lambda: store.delete("c", "f"),
    ):
        with pytest.raises(kind) as caught:
            call()
        error = caught.value
        assert error.code == code
        assert error.what
        assert error.why
        assert error.fix
        assert error.__cause__ is None
        assert error.__context__ is None
        assert "hunter2" not in repr(error)


def test_broken_characters_are_refused_without_quoting_the_secret(store: KeyringStore) -> None:
    with pytest.raises(FixData) as caught:
        store.put("c1", "password", "hunter2\udc80")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("connection", "field"), [("", "f"), ("c", ""), ("a/b", "c")])
def test_names_that_could_be_mistaken_are_refused(store: KeyringStore, connection: str, field: str) -> None:
    with pytest.raises(ValueError, match="connection_id"):
        store.get(connection, field)


def test_a_prompt_nobody_answers_ends_the_call_and_later_changes_nothing(backend: FakeKeyring) -> None:
    store = KeyringStore("w1", backend=backend, patience=0.3)
    store.put("c1", "key", "old")
    backend.gate.clear()
    begun = time.monotonic()
    with pytest.raises(TryAgain) as caught:
        store.put("c1", "key", "new")
    assert caught.value.code == "keyring_timeout"
    with pytest.raises(TryAgain):  # still the first prompt: this call must not open a second one
        store.get("c1", "key")
    assert time.monotonic() - begun < 60
    assert sum(thread.name == "secret-store" for thread in threading.enumerate()) == 1
    backend.gate.set()
    assert store.get("c1", "key") == "old"


def test_many_threads_take_turns(store: KeyringStore) -> None:
    values = {f"c{n}": f"{n}-" * 1500 for n in range(6)}
    wrong = []

    def work(connection: str, value: str) -> None:
        for _ in range(5):
            store.put(connection, "key", value)
            if store.get(connection, "key") != value:
                wrong.append(connection)

    threads = [threading.Thread(target=work, args=item) for item in values.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
