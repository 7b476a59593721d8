"""The configuration: what is accepted, what is refused, and what the refusal says."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.build import build_parser
from ragkit.config import Config, find_workspace, load_config, parse_config
from ragkit.config_reference import configuration_reference, settings_in_force
from ragkit.config_sections import SecretRef
from ragkit.config_template import render_template
from ragkit.errors import ConfigError, RagkitError, UnknownKey
from ragkit.policy import Policy
from ragkit.types import DataClass

ROOT = Path(__file__).parent.parent

BASE = """
[workspace]
name = "care"
id = "abcd1234"
owner = "local|ana"

[policies.strict.entities]
PERSON = "token"

[collections.care]
access = ["u:local|ana", "g:crm|sales", "pub"]
policy = "strict"

[[collections.care.sources]]
connector = "files"
name = "folder"
path = "documents"
password = {env = "CARE_PASSWORD"}
"""


def parse(text: str) -> Config:
    """Read TOML text as the configuration of a workspace in /srv/care."""
    return parse_config(tomllib.loads(text), folder=Path("/srv/care"))


def refusal(old: str, new: str) -> RagkitError:
    """Return the error that BASE raises when ``old`` is replaced by ``new``."""
    assert old in BASE
    with pytest.raises(RagkitError) as caught:
        parse(BASE.replace(old, new, 1))
    return caught.value


def test_a_small_file_is_enough() -> None:
    """Everything but the workspace's name and owner and a collection's access has a default."""
    config = parse('[workspace]\nname = "a"\nowner = "local|ana"\n[collections.c]\naccess = []\n')
    assert config.generator.kind == "extractive"
    assert config.audit.mode == "required"
    assert config.collections["c"].reveal == ()
    assert config.collections["c"].data_class is DataClass.CONFIDENTIAL
    assert config.policy_of("c") == Policy.default()
    assert config.language_of("c") == "en"


def test_what_is_written_is_what_is_read() -> None:
    """Sections, policies and a source's own options arrive; secrets arrive by name."""
    config = parse(BASE)
    source = config.collections["care"].sources[0]
    assert source.options == {"path": "documents", "password": SecretRef(env="CARE_PASSWORD")}
    assert set(config.policy_of("care").entities) == {"PERSON"}
    assert config.workspace.principal.tokens == {"u:local|ana", "pub"}
    assert config.workspace.principal.kind == "local"


def test_a_configuration_does_not_change() -> None:
    """The model is frozen."""
    with pytest.raises(ValueError, match="frozen"):
        parse(BASE).workspace.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "path", "guess"),
    [
        ("access =", "acess =", "collections.care.acess", "collections.care.access"),
        (
            'PERSON = "token"',
            'PERSON = {operater = "token"}',
            ".PERSON.operater",
            "policies.strict.entities.PERSON.operator",
        ),
        (
            "[policies.strict.entities]",
            "[policies.strict]\nsecrts = 1\n[policies.strict.entities]",
            "policies.strict.secrts",
            "policies.strict.secrets",
        ),
        ('name = "care"', 'name = "care"\nthreads = 2', "workspace.threads", "embedder.threads"),
        ("[policies.strict.entities]", "[polices.strict.entities]", "polices", "policies"),
        ("[workspace]", "[chunkr]\n[workspace]", "chunkr", "chunker"),
        ("[workspace]", "[audit]\nmodes = 'off'\n[workspace]", "audit.modes", "audit.mode"),
    ],
)
def test_an_unknown_key_names_the_nearest_right_one(old: str, new: str, path: str, guess: str) -> None:
    """A misspelt key is refused with its path, and the remedy gives the path of the right one."""
    error = refusal(old, new)
    assert isinstance(error, UnknownKey)
    assert path in str(error)
    assert f"`{guess}`" in error.remedy


def test_an_unknown_key_like_no_other_lists_the_known_ones() -> None:
    """Where no key is near, the remedy lists those of the section."""
    error = refusal("[workspace]", "[audit]\nzzqq = 1\n[workspace]")
    assert "mode" in error.remedy


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('owner = "local|ana"', "", "workspace.owner: is missing"),
        ('owner = "local|ana"', 'owner = "ana"', "workspace.owner"),
        ('access = ["u:local|ana", "g:crm|sales", "pub"]', "", "collections.care.access: is missing"),
        ('name = "folder"', 'name = "My Folder"', "collections.care.sources[0].name"),
        ("[collections.care]", '[collections."Care Team"]', "collections"),
        ('policy = "strict"', 'policy = "strikt"', "collections.care.policy"),
        ('policy = "strict"', "max_delete_share = 1.5", "max_delete_share"),
        ('policy = "strict"', 'data_class = "secret"', "data_class"),
        ("[workspace]", '[keys]\nsource = "command"\n[workspace]', "keys: names no command"),
        ("[workspace]", '[audit]\nmode = "off"\n[workspace]', "audit.mode"),
        ('PERSON = "token"', 'PERSON = "tokn"', "policies.strict.entities.PERSON.operator"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(old: str, new: str, said: str) -> None:
    """The message names the path; there is always a remedy."""
    error = refusal(old, new)
    assert said in str(error)
    assert error.remedy


def test_a_policy_name_that_is_nearly_right_is_offered() -> None:
    """The remedy names the policy that was meant."""
    assert "`strict`" in refusal('policy = "strict"', 'policy = "strikt"').remedy


@pytest.mark.parametrize(
    "token", ["ana", "u:ana", "u:|ana", "u:local|", "g:sales", "x:a|b", "public", "u:local|ana\n", ""]
)
def test_only_typed_tokens_grant_access(token: str) -> None:
    """A token without kind and source is refused, in access and in reveal alike."""
    for key in ("access", "reveal"):
        data = tomllib.loads(BASE)
        data["collections"]["care"][key] = [token]
        with pytest.raises(ConfigError, match="not an access token"):
            parse_config(data, folder=Path("/srv/care"))


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        'api_key = "hunter2"',
        'imap_token = "hunter2"',
        'client_secret = "hunter2"',
        'url = "postgres://ana:hunter2@db/x"',
    ],
)
def test_a_secret_is_never_inline(line: str) -> None:
    """A literal where a secret is due is refused, and is in neither message nor remedy nor the chain of errors."""
    error = refusal('password = {env = "CARE_PASSWORD"}', line)
    assert "inline" in str(error)
    assert "env" in error.remedy
    assert "hunter2" not in f"{error!r}{error.remedy}"
    assert error.__context__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize("reference", ['{env = "A", file = "b"}', '{env = ""}'])
def test_a_secret_is_in_one_place(reference: str) -> None:
    """A reference names exactly one of variable and file."""
    assert refusal('{env = "CARE_PASSWORD"}', reference).remedy


@given(st.text(min_size=4, max_size=30).filter(lambda value: value.isprintable() and not set(value) & set('\\"')))
def test_values_never_enter_the_message(value: str) -> None:
    """Whatever text stands where a number belongs, the refusal does not repeat it."""
    marked = f"canary{value}"
    data = tomllib.loads(BASE)
    data["embedder"] = {"threads": marked, "dtype": marked}
    with pytest.raises(ConfigError) as caught:
        parse_config(data, folder=Path("/srv"))
    assert marked not in f"{caught.value}{caught.value.remedy}"


def test_two_sources_of_one_name_are_refused() -> None:
    """Sync state is kept by source name, so names differ within a collection."""
    second = '\n[[collections.care.sources]]\nconnector = "files"\nname = "folder"\npath = "other"\n'
    with pytest.raises(ConfigError, match="two sources of the same name"):
        parse(BASE + second)


def test_no_collection_is_refused() -> None:
    """A workspace with nothing in it is a mistake, not an empty success."""
    with pytest.raises(ConfigError, match="collections"):
        parse('[workspace]\nname = "a"\nowner = "local|ana"\n[collections]\n')


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[workspace\n", "at line 1"), (b"\xff\xfe", "UTF-8"), (None, "FileNotFoundError")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, said: str) -> None:
    """Not TOML, not UTF-8, not there: each is a ConfigError with a remedy."""
    file = tmp_path / "ragkit.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(file)
    assert caught.value.remedy


def test_paths_count_from_the_workspace_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of ragkit.toml is the root of relative paths, wherever the process stands."""
    (tmp_path / "ragkit.toml").write_text(BASE)
    monkeypatch.chdir("/")
    config = load_config(tmp_path)
    assert config.data_folder == tmp_path.resolve() / ".ragkit"
    assert config.resolve("documents") == tmp_path.resolve() / "documents"
    assert config.resolve("/etc") == Path("/etc")
    assert config.resolve("~/x") == Path.home() / "x"


def test_the_workspace_is_found_from_below(tmp_path: Path) -> None:
    """The nearest folder above with a ragkit.toml is the workspace; without one there is an error."""
    (tmp_path / "ragkit.toml").write_text(BASE)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_workspace(below) == tmp_path.resolve()
    with pytest.raises(ConfigError) as caught:
        find_workspace("/")
    assert "ragkit init" in caught.value.remedy


@pytest.mark.parametrize("template", ["files", "jsonl"])
def test_the_template_is_accepted_as_it_is(template: str) -> None:
    """What ``init`` writes loads; the owner may read and nobody may reveal."""
    text = render_template(template, name="care", workspace_id="abc", owner='local|o"neil', path='a "b"')  # type: ignore[arg-type]
    config = parse(text)
    collection = config.collections["documents"]
    assert collection.access == ('u:local|o"neil',)
    assert collection.reveal == ()
    assert collection.sources[0].options["path"] == 'a "b"'


@pytest.mark.parametrize("template", ["files", "jsonl"])
def test_every_line_the_template_offers_is_valid(template: str) -> None:
    """Taking the comment sign from every commented setting leaves a configuration that still loads."""
    text = render_template(template, name="care", workspace_id="abc", owner="local|ana", path="documents")  # type: ignore[arg-type]
    lines = [line for line in text.splitlines() if "`ragkit config" not in line and "A file or glob" not in line]
    config = parse("\n".join(line.removeprefix("# ") for line in lines))
    assert config.collections["documents"].policy == "ours"
    assert config.policies["ours"].profile == "default"
    assert config.detectors["clinical"].kind == "huggingface"
    assert config.keys.command == ("pass", "show", "ragkit")
    assert (config.serve.port, config.serve.certificate_key) == (8321, Path("tls/key.pem"))
    assert config.chat is not None
    assert config.chat.collection == "documents"
    assert config.roles.auditors == ("u:local|ana",)


@pytest.mark.parametrize(
    ("written", "said", "remedy"),
    [
        ("[policies.strict]\nprofile = 'hipa'\n", "policies.strict: names a profile", "hipaa_safe_harbor"),
        ("[policies.strict]\ndetectors = ['bultin']\n", "policies.strict.detectors names a detector", "`builtin`"),
        ("[detectors.builtin]\nkind = 'spacy'\n", "detectors.builtin is of another kind", "another name"),
        ("[detectors.x]\nkind = 'spacy'\napi_key = 'abc'\n", "secret written inline", "env"),
        ("[policies.strict.deny.c]\nentity_type = 'PERSON'\n", "exactly one of `file` and `sql`", ""),
        (
            "[policies.strict.deny.c]\nentity_type = 'PERSON'\nsql = {url = 'postgresql://u:pw@h/d', query = 'q'}\n",
            "policies.strict.deny.c.sql.url: is a secret written inline",
            "env",
        ),
        (
            "[policies.strict.recognizers.r]\nentity_type = 'X_NUMBER'\npatterns = ['a(']\n",
            "pattern 1 is not a regular expression",
            "",
        ),
        (
            "[policies.strict.recognizers.r]\nentity_type = 'X_NUMBER'\npatterns = ['a']\nrequire_context = true\n",
            "`require_context` needs `context`",
            "",
        ),
    ],
)
def test_policies_and_detectors_are_refused_by_their_path(written: str, said: str, remedy: str) -> None:
    """A profile, detector, list or recognizer that cannot be is refused without its values."""
    error = refusal("[policies.strict.entities]", written + "[policies.strict.entities]")
    assert said in str(error)
    assert remedy in error.remedy
    assert "pw@" not in str(error) + error.remedy


def test_the_parser_is_made_as_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Limits reach it; it changes its fingerprint with OCR and its languages, and where their data come or go."""
    (tmp_path / "abc.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))

    def fingerprint(written: str) -> str:
        return build_parser(parse(f"{BASE}\n[parser]\n{written}")).fingerprint

    assert build_parser(parse(BASE + "\n[parser]\nworkers = 3\ntimeout_s = 90")).limits == (3, 90.0, 1_024)
    off, there = fingerprint('ocr = "off"'), fingerprint('ocr_languages = ["abc"]')
    assert fingerprint('ocr_languages = ["abc", "xyz"]') == off
    if find_spec("tesserocr"):
        assert len({off, there, fingerprint('ocr_languages = ["abc"]\nocr_pages = 7')}) == 3
    for wrong in ('ocr_languages = ["../x"]', "ocr_languages = []", "timeout_s = 0", 'ocr = "always"'):
        with pytest.raises(ConfigError):
            parse(f"{BASE}\n[parser]\n{wrong}")


def test_settings_in_force_are_toml_of_the_same_configuration() -> None:
    """What ``config show`` prints can be read back, and means the same."""
    config = parse(BASE)
    text = "\n".join(f"{key} = {value}" for key, value in settings_in_force(config))
    assert parse(text) == config


def test_the_reference_in_the_repository_is_the_generated_one() -> None:
    """docs/configuration.md is what the models say; `make docs` writes it."""
    assert (ROOT / "docs" / "configuration.md").read_text() == configuration_reference()


def test_the_reference_explains_every_key() -> None:
    """No key in the reference lacks a meaning, except where its table says it."""
    rows = [line for line in configuration_reference().splitlines() if line.startswith("| `")]
    unexplained = [line for line in rows if line.rstrip().endswith("|  |")]
    assert len(rows) > 30
    assert all(line.startswith(("| `operator`", "| `threshold`")) for line in unexplained)
