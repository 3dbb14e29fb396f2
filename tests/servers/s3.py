"""An S3 server (moto) on loopback that checks signatures, sessions and the rights of each user, in a process of its own.

A gate in it (`s3_gate`) checks what moto does not: that a body is what was signed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import pytest

from tests.servers.ports import free_port, wait_for

REGION = "eu-central-1"
_FREE_CALLS = 3  # before that many calls nobody is asked who they are: they make the administrator


@dataclass(frozen=True)
class User:
    """Somebody with an access key."""

    name: str
    key_id: str
    key: str


@dataclass
class S3Server:
    """A running server; `admin` may do everything."""

    port: int
    admin: User
    certificate: Path | None = None
    _made: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def client(self, service: str = "s3") -> Any:
        """The administrator's client, made once: boto3 reads a large description for each."""
        if (service, self.admin.key) not in self._made:
            self._made[service, self.admin.key] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=self.admin.key_id,
                aws_secret_access_key=self.admin.key,
                verify=str(self.certificate) if self.certificate else None,
            )
        return self._made[service, self.admin.key]

    def bucket(self, *, versioned: bool = False, locked: bool = False) -> str:
        """A new one; a locked one keeps each version of its objects for a day."""
        name = f"b{token_hex(6)}"
        here = {"LocationConstraint": REGION}
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration=here, ObjectLockEnabledForBucket=locked)
        if locked:
            rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
            self.client().put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=rule)
        if versioned:
            self.client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def user(self, *actions: str, deny: tuple[str, ...] = (), on: str = "*") -> User:
        """A new user who may do these actions and nothing else."""
        name = f"u{token_hex(6)}"
        iam = self.client("iam")
        iam.create_user(UserName=name)
        statements = [{"Effect": "Allow", "Action": list(actions), "Resource": on}]
        statements += [{"Effect": "Deny", "Action": list(deny), "Resource": "*"}] if deny else []
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return User(name, made["AccessKeyId"], made["SecretAccessKey"])

    def role(self, *actions: str) -> str:
        """A new role that everybody here may assume; its ARN."""
        name = f"r{token_hex(6)}"
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy)
        return str(arn)


@contextmanager
def running(certificate: Path | None = None, key: Path | None = None) -> Iterator[S3Server]:
    """A server for the block, with TLS when it is given a certificate and its key."""
    folder = Path(tempfile.mkdtemp(prefix="sendoff-s3-"))
    port = free_port()
    environ = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_FREE_CALLS), "MOTO_S3_DEFAULT_MAX_KEYS": "1000"}
    log = (folder / "log").open("wb")
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "tests.servers.s3_gate", str(port)]
    command += [str(certificate), str(key)] if certificate else []
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, cwd=folder)
    log.close()
    try:
        wait_for(port, process, folder / "log")
        server = S3Server(port, User("admin", "AKIAIOSFODNN7EXAMPLE", "not yet"), certificate)
        iam = server.client("iam")
        iam.create_user(UserName="admin")
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=policy)
        made = iam.create_access_key(UserName="admin")["AccessKey"]
        server.admin = User("admin", made["AccessKeyId"], made["SecretAccessKey"])
        yield server
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One server for all tests of this process; each makes a bucket of its own."""
    with running() as server:
        yield server
