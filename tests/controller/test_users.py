"""Users, passwords, the token and the station's certificate."""

import datetime
import json
import os
import stat
from pathlib import Path

import pytest

from controller.upstream import certificates
from controller.upstream.users import Attempts, Role, UserError, Users, lay_token, read_token

NOW = 1_790_000_000.0
PASSWORD = "a long enough one"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    people = Users(tmp_path)
    people.add("anna", PASSWORD, Role.OPERATOR)
    people.add("王强", PASSWORD + "!", Role.VIEWER)
    return people


async def test_a_user_comes_in_with_the_right_password_only(users):
    assert await users.verify("anna", PASSWORD) is Role.OPERATOR
    assert await users.verify("王强", PASSWORD + "!") is Role.VIEWER
    assert await users.verify("anna", PASSWORD + "!") is None
    assert await users.verify("nobody", PASSWORD) is None
    assert await users.verify("", "") is None


def test_the_file_holds_no_password_and_is_the_services_own(users, tmp_path):
    file = tmp_path / "users.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    assert json.loads(file.read_text())["users"]["anna"]["hash"].startswith("$argon2id$")
    assert list(tmp_path.iterdir()) == [file]
    assert users.roles() == {"anna": Role.OPERATOR, "王强": Role.VIEWER}


async def test_a_removed_user_stays_outside_and_a_new_password_replaces_the_old(users):
    users.remove("王强")
    assert await users.verify("王强", PASSWORD + "!") is None
    users.add("anna", "something new", Role.VIEWER)
    assert await users.verify("anna", PASSWORD) is None
    assert await users.verify("anna", "something new") is Role.VIEWER


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("", PASSWORD, "bad_user_name"),
        ("a b", PASSWORD, "bad_user_name"),
        ("x" * 41, PASSWORD, "bad_user_name"),
        ("local", PASSWORD, "reserved_user_name"),
        ("berta", "short", "password_too_short"),
        ("berta", "x" * 300, "password_too_long"),
    ],
)
def test_names_and_passwords_that_will_not_do(users, name, password, code):
    with pytest.raises(UserError) as problem:
        users.add(name, password, Role.VIEWER)
    assert problem.value.code == code


def test_removing_who_is_not_there(users):
    with pytest.raises(UserError) as problem:
        users.remove("berta")
    assert problem.value.code == "no_such_user"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"users": {"anna": {"role": "king", "hash": ""}}}', '{"users": 1}']
)
async def test_a_broken_file_lets_nobody_in_and_is_not_overwritten(users, tmp_path, text):
    (tmp_path / "users.json").write_text(text)
    assert await users.verify("anna", PASSWORD) is None
    with pytest.raises(UserError) as problem:
        users.add("berta", PASSWORD, Role.VIEWER)
    assert problem.value.code == "users_broken"
    assert (tmp_path / "users.json").read_text() == text


async def test_the_token_is_the_operator_on_the_board_and_new_at_every_start(tmp_path):
    users = Users(tmp_path)
    assert await users.verify("local", "") is None
    first = lay_token(tmp_path, "no-such-group")
    assert stat.S_IMODE((tmp_path / "door.token").stat().st_mode) == 0o640
    assert read_token(tmp_path) == first
    assert await users.verify("local", first) is Role.OPERATOR
    second = lay_token(tmp_path, "no-such-group")
    assert await users.verify("local", first) is None
    assert await users.verify("local", second) is Role.OPERATOR


def test_a_failed_write_leaves_the_old_file(users, tmp_path, monkeypatch):
    before = (tmp_path / "users.json").read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        users.add("berta", PASSWORD, Role.VIEWER)
    assert (tmp_path / "users.json").read_text() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_attempts_are_delayed_from_the_third_failure_on_and_only_from_that_address():
    attempts, here, there = Attempts(), ("anna", "10.0.0.5"), ("anna", "10.0.0.6")
    for _ in range(3):
        assert attempts.allowed(here, 100.0)
        attempts.failed(here, 100.0)
    assert not attempts.allowed(here, 100.9)
    assert attempts.allowed(there, 100.0)
    assert attempts.allowed(here, 101.0)
    attempts.failed(here, 101.0)
    assert not attempts.allowed(here, 102.9)
    assert attempts.allowed(here, 103.0)
    for _ in range(50):
        attempts.failed(here, 200.0)
    assert not attempts.allowed(here, 499.0)
    assert attempts.allowed(here, 500.0)
    attempts.passed(here)
    assert attempts.allowed(here, 200.0)


def test_attempts_do_not_grow_without_bound():
    attempts = Attempts()
    for number in range(2000):
        attempts.failed((f"name{number}", "10.0.0.5"), 0.0)
    assert len(attempts._failures) == 256


async def test_the_right_password_is_refused_while_the_delay_runs(users):
    for _ in range(3):
        assert await users.verify("anna", "wrong", "10.0.0.5") is None
    assert await users.verify("anna", PASSWORD, "10.0.0.5") is None
    assert await users.verify("anna", PASSWORD, "10.0.0.6") is Role.OPERATOR


def test_certificate_is_kept_renewed_with_its_key_and_made_anew_for_another_name(tmp_path):
    uri = certificates.application_uri("香坊三号站")
    uri.encode("ascii")
    first = certificates.ensure(tmp_path, uri, ("gateway", "127.0.0.1"), NOW)
    assert stat.S_IMODE((tmp_path / "door.key.pem").stat().st_mode) == 0o600
    again = certificates.ensure(tmp_path, uri, ("gateway", "127.0.0.1"), NOW)
    assert again.certificate == first.certificate
    end = first.certificate.not_valid_after_utc.timestamp()
    later = certificates.ensure(tmp_path, uri, ("gateway",), end - 61 * 86400)
    assert later.certificate == first.certificate
    renewed = certificates.ensure(tmp_path, uri, ("gateway",), end - 59 * 86400)
    assert renewed.certificate != first.certificate
    assert renewed.certificate.public_key() == first.certificate.public_key()
    other = certificates.ensure(tmp_path, certificates.application_uri("other"), ("gateway",), NOW)
    assert other.certificate != renewed.certificate


def test_a_board_in_1970_makes_a_certificate_that_holds_today_and_does_not_renew_it(tmp_path):
    first = certificates.ensure(tmp_path, "urn:x", ("gateway",), 12.0)
    assert first.certificate.not_valid_before_utc == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert first.certificate.not_valid_after_utc.timestamp() > NOW + 5 * 365 * 86400
    assert certificates.ensure(tmp_path, "urn:x", ("gateway",), NOW).certificate == first.certificate
    assert certificates.ensure(tmp_path, "urn:x", ("gateway",), 0.0).certificate == first.certificate


@pytest.mark.parametrize("file", ["door.key.pem", "door.certificate.der"])
def test_a_damaged_certificate_or_key_is_replaced(tmp_path, file):
    certificates.ensure(tmp_path, "urn:x", ("gateway",), NOW)
    (tmp_path / file).write_bytes(b"half of it")
    mended = certificates.ensure(tmp_path, "urn:x", ("gateway",), NOW)
    assert mended.certificate.public_key() == mended.key.public_key()
