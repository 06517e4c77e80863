"""The credential chain: each place, its order, its refusals; metadata services are scripted servers."""

import json
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

import pytest

from tests.lib.s3_probe import Probe
from tests.lib.scripted_http import ScriptedHttp, Step

FILE = """# comment
[default]
aws_access_key_id = FILEKEY
 aws_secret_access_key=file/secret
[temporary]
aws_access_key_id=TEMPKEY
aws_secret_access_key=temp
aws_session_token = tok==
[half]
aws_access_key_id=HALF
"""


def in_an_hour():
    return (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def handed_out(name, expires=None):
    return Step(body=json.dumps({"Code": "Success", "AccessKeyId": name, "SecretAccessKey": "s", "Token": "t",
                                 "Expiration": expires or in_an_hour()}).encode())


def keys(**env):
    with Probe(**env) as probe:
        return probe.ask("keys")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "credentials"
    path.write_text(FILE)
    return path


def test_environment_comes_first(file):
    answer = keys(AWS_ACCESS_KEY_ID="ENVKEY", AWS_SECRET_ACCESS_KEY="s", AWS_SHARED_CREDENTIALS_FILE=file)
    assert (answer["access_key_id"], answer["source"], answer["temporary"]) == ("ENVKEY", "environment", False)


def test_session_token_means_temporary():
    answer = keys(AWS_ACCESS_KEY_ID="ENVKEY", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
    assert (answer["session_token"], answer["temporary"]) == ("t", True)


@pytest.mark.parametrize("env", [{"AWS_ACCESS_KEY_ID": "ENVKEY"}, {"AWS_SECRET_ACCESS_KEY": "s"},
                                 {"AWS_ACCESS_KEY_ID": "a\nb", "AWS_SECRET_ACCESS_KEY": "s"}])
def test_half_an_environment_is_an_error(env, file):
    answer = keys(AWS_SHARED_CREDENTIALS_FILE=file, **env)
    assert answer["status"] == "invalid" and "environment" in answer["text"]


@pytest.mark.parametrize("profile, key, temporary", [(None, "FILEKEY", False), ("temporary", "TEMPKEY", True)])
def test_shared_file(file, profile, key, temporary):
    answer = keys(AWS_SHARED_CREDENTIALS_FILE=file, **({"AWS_PROFILE": profile} if profile else {}))
    assert (answer["access_key_id"], answer["source"]) == (key, "shared file")
    assert answer["temporary"] is temporary


def test_shared_file_at_home(file, tmp_path):
    (tmp_path / ".aws").mkdir()
    file.rename(tmp_path / ".aws/credentials")
    answer = keys(HOME=tmp_path, AWS_SHARED_CREDENTIALS_FILE="")
    assert answer["secret_access_key"] == "file/secret"


@pytest.mark.parametrize("profile", ["half", "missing"])
def test_broken_profile_is_named(file, profile):
    answer = keys(AWS_SHARED_CREDENTIALS_FILE=file, AWS_PROFILE=profile)
    assert answer["status"] == "invalid" and f'"{profile}"' in answer["text"]


def test_none_anywhere_is_denied_with_the_places():
    answer = keys()
    assert (answer["status"], answer["retryable"]) == ("denied", False)
    assert "AWS_ACCESS_KEY_ID" in answer["text"]


@pytest.fixture
def web(tmp_path):
    token = tmp_path / "token"
    token.write_text("ey.web+token\n")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/a b"}


def test_web_identity(web):
    text = ("<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
            "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>WEBKEY</AccessKeyId>"
            f"<SecretAccessKey>s</SecretAccessKey><SessionToken>{'t' * 3000}</SessionToken>"
            f"<Expiration>{in_an_hour()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
            "</AssumeRoleWithWebIdentityResponse>")
    with ScriptedHttp(Step(500), Step(body=text.encode())) as server:
        answer = keys(AWS_ENDPOINT_URL_STS=server.endpoint, **web)
        assert (answer["access_key_id"], answer["source"]) == ("WEBKEY", "web identity")
        assert answer["session_token"] == "t" * 3000 and answer["expires"] > 0
        form = parse_qs(server.seen[1].body.decode())
        assert form["WebIdentityToken"] == ["ey.web+token"]
        assert form["RoleArn"] == ["arn:aws:iam::1:role/a b"]
        assert "Authorization" not in server.seen[1].headers


def test_web_identity_refused_tells_the_code_alone(web):
    refusal = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>ey.web+token</Message></Error></ErrorResponse>"
    with ScriptedHttp(Step(403, refusal)) as server:
        answer = keys(AWS_ENDPOINT_URL_STS=server.endpoint, **web)
    assert (answer["status"], answer["retryable"]) == ("denied", False)
    assert "AccessDenied" in answer["text"] and "ey.web" not in answer["text"]


@pytest.mark.parametrize("end", ["", "\n", " \r\n\n"])
def test_container(tmp_path, end):
    token = tmp_path / "token"
    token.write_text("let me in" + end)
    with ScriptedHttp(Step(503), handed_out("POD")) as server:
        answer = keys(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint + "/v1/keys",
                      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token)
        assert (answer["access_key_id"], answer["source"], answer["temporary"]) == ("POD", "container", True)
        assert server.seen[1].headers["Authorization"] == "let me in"
        assert server.seen[1].target == "/v1/keys"


@pytest.mark.parametrize("url", ["http://example.com/x", "http://localhost.example.com/", "ftp://localhost/",
                                 "http://localhost@example.com/", "http://127.0.0.1.example.com/"])
def test_container_keys_never_travel_in_the_open(url):
    answer = keys(AWS_CONTAINER_CREDENTIALS_FULL_URI=url)
    assert answer["status"] == "invalid" and "https" in answer["text"]


def test_container_token_with_a_line_break_is_refused():
    answer = keys(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://localhost:1/",
                  AWS_CONTAINER_AUTHORIZATION_TOKEN="a\r\nX-More: b")
    assert answer["status"] == "invalid" and "line break" in answer["text"]


def instance(*steps):
    with ScriptedHttp(*steps) as server:
        return keys(AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.endpoint), server.seen


def test_instance_with_a_session():
    answer, seen = instance(Step(body=b"session"), Step(body=b"my-role\n"), handed_out("IMDS"))
    assert (answer["access_key_id"], answer["source"]) == ("IMDS", "instance")
    assert (seen[0].method, seen[0].target) == ("PUT", "/latest/api/token")
    assert seen[2].target.endswith("/security-credentials/my-role")
    headers = {name.lower(): value for name, value in seen[2].headers.items()}
    assert headers["x-aws-ec2-metadata-token"] == "session"


def test_instance_of_the_first_version():
    answer, _ = instance(Step(404), Step(body=b"my-role"), handed_out("IMDS"))
    assert answer["access_key_id"] == "IMDS"


@pytest.mark.parametrize("steps", [[Step(400)], [Step(body=b"s"), Step(body=b"r"), Step(body=b'{"Code": "Failed"}')],
                                   [Step(body=b"s"), Step(body=b"a b?c")]])
def test_instance_that_fails_says_so(steps):
    answer, _ = instance(*steps)
    assert answer["status"] == "denied" and "instance" in answer["text"]


def test_keys_are_renewed_before_they_expire_and_serve_on_if_that_fails():
    soon = (datetime.now(timezone.utc) + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with ScriptedHttp(handed_out("ONE", soon), handed_out("TWO"), ) as server:
        with Probe(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint) as probe:
            assert [probe.do("keys")["access_key_id"] for _ in range(3)] == ["ONE", "TWO", "TWO"]
        assert len(server.seen) == 2
    with ScriptedHttp(handed_out("ONE", soon), Step(403)) as server:
        with Probe(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint) as probe:
            assert [probe.do("keys")["access_key_id"] for _ in range(3)] == ["ONE", "ONE", "ONE"]
        assert len(server.seen) == 2  # no storm of questions while the old keys serve


def test_expired_keys_are_never_used():
    past = "2020-01-01T00:00:00Z"
    with ScriptedHttp(handed_out("ONE", past), Step(403)) as server:
        with Probe(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint) as probe:
            probe.ask("keys")
            assert probe.ask("keys")["status"] == "expired"
